"""The value of a connector's field: a routing key as it stands, or a template that renders to one."""

from __future__ import annotations

import re
from typing import Final

from streams.documents.node import Node
from streams.documents.secrets import ROUTING_KEY_LENGTH, Secret, is_routing_key, is_template, mask
from streams.errors import TemplateWrong
from streams.templating import compile_template

VALUE_LIMIT: Final = 20_000
"""Characters (Coralogix, connectors API)."""

FIND_KEY: Final = "copy the Integration Key of an Events API v2 integration of the service in PagerDuty"
_MASKED = re.compile(r"…[A-Za-z0-9]{3}")
_REST_KEY_LENGTH: Final = 20


def read_value(node: Node) -> Secret:
    """The key, trimmed, or the template, verbatim. Raises DocumentError, which does not show the key."""
    text = node.text()
    if len(text) > VALUE_LIMIT:
        raise node.fault(f"has {len(text)} characters, {VALUE_LIMIT} is the limit")
    if _MASKED.search(text) or text.strip() == "…":
        raise node.fault("is masked, as `pagerline get` shows it", "write the key itself")
    if is_template(text):
        return Secret(read_template(node))
    key = text.strip()
    if not is_routing_key(key):
        raise node.fault(_fault(key), FIND_KEY)
    return Secret(key)


def read_template(node: Node) -> str:
    """A text that compiles as a template. Raises DocumentError."""
    text = node.text()
    try:
        compile_template(text)
    except TemplateWrong as wrong:
        raise node.fault_inside(wrong.line, wrong.column, f"the template is wrong: {wrong}") from None
    return text


def _fault(key: str) -> str:
    """Why a text is no routing key, in the terms of PagerDuty's own refusal (Events API v2, 400)."""
    if not key:
        return "is empty"
    if len(key) == ROUTING_KEY_LENGTH:
        return f"holds a character that is neither a letter nor a digit of ASCII ({mask(key)})"
    hint = ", as a REST API key has, which is another thing" if len(key) == _REST_KEY_LENGTH else ""
    return f"has {len(key)} characters ({mask(key)}){hint}; a routing key has {ROUTING_KEY_LENGTH} letters and digits"
