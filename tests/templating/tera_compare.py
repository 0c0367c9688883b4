"""Compares a rendering here with Tera's, and knows the differences that `docs/templates.md` lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tera_oracle import Oracle

from streams.templating import TemplateError, TemplateTooCostly, TemplateWrong, compile_template

FIXTURES = Path(__file__).parent.parent / "fixtures" / "templating"


def difference(tera: Oracle, template: str, event: dict[str, Any]) -> str:
    """What differs, in words; empty when both give the same text, both refuse, or the difference is a listed one."""
    theirs = tera.render(template, event)
    try:
        ours = compile_template(template).render(event)
    except TemplateError as error:
        if theirs.text is None or listed(error):
            return ""
        return f"refused here ({error}), but Tera gives {theirs.text!r}"
    if theirs.text is None:
        return f"gives {ours!r} here, but Tera refuses: {theirs.error}"
    return "" if ours == theirs.text else f"gives {ours!r} here and {theirs.text!r} in Tera"


def listed(error: TemplateError) -> bool:
    """Whether this refusal is a deliberate difference: names are checked when a template is compiled, even in places
    that are never reached, and every rendering is bounded."""
    unknown = isinstance(error, TemplateWrong) and error.message.startswith(
        ("there is no ", "the macro `", "`get_env`")
    )
    return unknown or isinstance(error, TemplateTooCostly)
