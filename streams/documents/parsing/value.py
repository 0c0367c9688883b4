"""Values that may be secret, and templates: a key as it stands, a template that renders to one, a reference to it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from streams.documents.node import Node
from streams.documents.references import fault as reference_fault
from streams.documents.references import is_reference
from streams.documents.secrets import ROUTING_KEY_LENGTH, Secret, is_routing_key, is_template, mask
from streams.errors import DocumentError, TemplateWrong
from streams.templating import compile_condition, compile_template

VALUE_LIMIT: Final = 20_000
"""Characters of a value, template or condition (Coralogix, notification center API)."""

FIND_KEY: Final = "copy the Integration Key of an Events API v2 integration of the service in PagerDuty"
FIND_TOKEN: Final = "copy a REST API key of the account with full access (PagerDuty: Integrations, API Access Keys)"
_MASKED = re.compile(r"…[A-Za-z0-9]{3}")
_REST_KEY_LENGTH: Final = 20
_LEAST_SECRET: Final = 8
_PRINTABLE = re.compile(r"[!-~]+")


def read_key(node: Node) -> Secret:
    """A routing key, trimmed; a template or reference, verbatim. Raises DocumentError, which does not show the key."""
    text = _text(node)
    if is_template(text):
        return Secret(read_template(node))
    key = text.strip()
    if not (is_reference(key) or is_routing_key(key)):
        raise node.fault(_fault(key), FIND_KEY)
    return Secret(key)


def read_service(node: Node) -> Secret:
    """The name or id of a service, trimmed; a template or a reference, verbatim. Raises DocumentError."""
    text = _text(node)
    if is_template(text):
        return Secret(read_template(node))
    if not text.strip():
        raise node.fault("is empty", "write the id or the name of a service in PagerDuty")
    return Secret(text.strip())


def read_secret(node: Node, remedy: str) -> Secret:
    """A token or the like, trimmed, or a reference. Raises DocumentError, which does not show it."""
    text = _text(node).strip()
    if is_template(text):
        raise node.fault("is a template, and there is no event to render it with", remedy)
    if is_reference(text):
        return Secret(text)
    if len(text) < _LEAST_SECRET or not _PRINTABLE.fullmatch(text):
        raise node.fault(f"has {len(text)} characters or one that is no letter, digit or sign of ASCII", remedy)
    return Secret(text)


def read_template(node: Node) -> str:
    """A text that compiles as a template. Raises DocumentError."""
    text = node.text()
    if len(text) > VALUE_LIMIT:
        raise node.fault(f"has {len(text)} characters, {VALUE_LIMIT} is the limit", "shorten it")
    try:
        compile_template(text)
    except TemplateWrong as wrong:
        raise _wrong(node, wrong, "template") from None
    return text


def read_condition(node: Node) -> str:
    """A text that compiles as a condition. Raises DocumentError."""
    text = str(node.raw.value) if node.is_truth else node.text()
    if not text.strip():
        raise node.fault("is empty", "write true for a rule that always holds")
    if len(text) > VALUE_LIMIT:
        raise node.fault(f"has {len(text)} characters, {VALUE_LIMIT} is the limit", "shorten it")
    if text.lstrip().startswith(("{{", "{%")):
        raise node.fault("is an expression in braces", "write the expression alone, without {{ and }}")
    try:
        compile_condition(text)
    except TemplateWrong as wrong:
        raise _wrong(node, wrong, "condition") from None
    return text.strip()


def read_url(node: Node) -> str:
    """A base URL, without the slash at its end. Raises DocumentError."""
    text = node.text().strip().rstrip("/")
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")  # `events..pagerduty.com` is no name
    except ValueError:
        sound = False
    if not sound or not _PRINTABLE.fullmatch(text) or parts.query or parts.fragment or "@" in parts.netloc:
        raise node.fault("is no base URL", "write it as https://HOST, without a query")
    return text


def _wrong(node: Node, wrong: TemplateWrong, what: str) -> DocumentError:
    """The fault of a text that cannot be compiled, at its place; what its author may have meant is the remedy."""
    at = f"line {wrong.line}, column {wrong.column}: " if wrong.line and wrong.column else ""
    remedy = wrong.suggestion or "see docs/templates.md, and try it with `pagerline render`"
    return node.fault_inside(wrong.line, wrong.column, f"the {what} is wrong: {at}{wrong.message}", remedy)


def _text(node: Node) -> str:
    text = node.text()
    if len(text) > VALUE_LIMIT:
        raise node.fault(f"has {len(text)} characters, {VALUE_LIMIT} is the limit", "shorten it")
    if _MASKED.search(text) or text.strip() == "…":
        raise node.fault("is masked, as `pagerline get` shows it", "write the key itself")
    if is_reference(text) and (wrong := _reference_fault(text)):
        raise node.fault(*wrong)
    return text


def _reference_fault(text: str) -> tuple[str, str] | None:
    wrong = reference_fault(text)
    if wrong is None:
        return None
    message, _, remedy = wrong.partition("; ")
    return message, remedy or "write file:/PATH or ${ENV:NAME}"


def _fault(key: str) -> str:
    """Why a text is no routing key, in the terms of PagerDuty's own refusal (Events API v2, 400)."""
    if not key:
        return "is empty"
    if len(key) == ROUTING_KEY_LENGTH:
        return f"holds a character that is neither a letter nor a digit of ASCII ({mask(key)})"
    hint = ", as a REST API key has, which is another thing" if len(key) == _REST_KEY_LENGTH else ""
    return f"has {len(key)} characters ({mask(key)}){hint}; a routing key has {ROUTING_KEY_LENGTH} letters and digits"
