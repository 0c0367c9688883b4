"""The template dialect: Tera 1.20 as Coralogix has it, with a few additions. Text in, `Template` out.

    compile_template("{{ alertDef.name | upper }}").render(event)           # "CPU USAGE HIGH"
    compile_condition('alertDef.name is starting_with("CPU")').evaluate(event)  # True

A template fails in two ways, because they ask for different hands: `TemplateWrong` (mend the template; found when it
is compiled) and `RenderFailed` with its kinds (the event lacks what the template needs).

The package has a parser and a compiler of its own where one would expect Jinja2. Plain Jinja2 gives another text or an
error for more than half of the published templates, and what would have to change is not what it lets one extend: its
grammar (`streams.templating.expressions` says how they differ), its scoping (`streams.templating.scope`) and its one
way of evaluating (`streams.templating.compiler`).

Nothing here does I/O, knows the time or keeps a thread. Whoever renders gives the clock.
"""

from streams.errors import DataMissing, RenderFailed, TemplateError, TemplateTooCostly, TemplateWrong
from streams.templating.filters import arrays, common, dates, text, text_web  # noqa: F401  (they register themselves)
from streams.templating.functions import get_context  # noqa: F401
from streams.templating.template import Condition, Template, compile_condition, compile_template
from streams.templating.tests import defined  # noqa: F401

__all__ = [
    "Condition",
    "DataMissing",
    "RenderFailed",
    "Template",
    "TemplateError",
    "TemplateTooCostly",
    "TemplateWrong",
    "compile_condition",
    "compile_template",
]
