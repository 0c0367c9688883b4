"""The template dialect: text in, `Template` out, rendered against an event's document.

    compile_template("{{ alertDef.name | upper }}").render(document)  # "CPU USAGE HIGH"

Two ways to fail, because they ask for different hands: `TemplateWrong` (mend the template) and
`DataMissing` (the document lacks what the template needs).
"""

from streams.errors import DataMissing, TemplateWrong
from streams.templating.template import Template, compile_template

__all__ = ["DataMissing", "Template", "TemplateWrong", "compile_template"]
