"""The contracts: the shape of every topic's values, and what is wrong with a value that breaks one.

The shapes are the JSON Schemas (draft 2020-12) of `schemas/`, the same files that producers in other
languages use. A wheel carries them inside this package; in a checkout they stand next to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import orjson

TOPICS: Final = (
    "alerts",
    "cases",
    "connectors",
    "pagerduty-outbox",
    "pagerduty-webhooks",
    "deliveries",
    "case-updates",
    "dead-letters",
)

DOCUMENTS: Final = tuple(f"documents/{kind}" for kind in ("integration", "connector", "preset", "router", "revision"))
"""What the records of the topic `connectors` are, by kind; a schema each, beside those of the topics."""

SHOWN: Final = 80
"""Characters of a wrong value that a message repeats: enough to recognise it, short enough for one line."""

REMEDY: Final = "x-remedy"
"""Annotation of ours in a schema: the remedy to name instead of one worked out from the keywords."""

SECRET_FIELDS: Final = frozenset(
    {
        "routing_key",
        "fields",
        "overrides",
        "enc",
        "headers",
        "body",
        "raw",
        "integrationKey",
        "dynamicintegrationKey",
        "token",
        "webhookSecrets",
    }
)
"""Members whose values, at any depth, are never repeated in a message."""

_KINDS: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_TYPES: Final = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing wrong with a document: where it is (JSON pointer) and what to do, in plain English."""

    path: str
    message: str


def folder() -> Traversable:
    """The folder of the schemas: inside the installed package, or at the root of a checkout.

    Raises FileNotFoundError when neither is there, which means a broken installation.
    """
    packaged = files("streams").joinpath("schemas")
    if packaged.is_dir():
        return packaged
    beside = Path(__file__).resolve().parent.parent / "schemas"
    if beside.is_dir():
        return beside
    raise FileNotFoundError(f"no schemas in {packaged} nor in {beside}: install pagerline again")


@cache
def schema(topic: str) -> Mapping[str, Any]:
    """The schema of a topic, named without a prefix, or of a kind of document (`documents/router`).

    Raises KeyError for what has none.
    """
    if topic not in TOPICS and topic not in DOCUMENTS:
        raise KeyError(f"no contract for topic {topic!r}; there are: {', '.join(TOPICS)}")
    document: Mapping[str, Any] = orjson.loads(folder().joinpath(f"{topic}.json").read_bytes())
    return document


@cache
def validator(topic: str) -> jsonschema_rs.Draft202012Validator:
    """The compiled schema of a topic; compiled once a process."""
    return jsonschema_rs.Draft202012Validator(dict(schema(topic)))


def problem(topic: str, document: object) -> Problem | None:
    """What is wrong with `document` as a value of `topic` (named without a prefix), or None when nothing is.

    `document` is what a JSON parser gives, nested at most some hundred levels. Only the first problem is told,
    so that the time stays in proportion to the document however many it has. Raises KeyError for a topic without
    a contract.
    """
    return problem_in(schema(topic), validator(topic), document)


def problem_in(
    rules: Mapping[str, Any], compiled: jsonschema_rs.Draft202012Validator, document: object
) -> Problem | None:
    """The same for any schema without references and its compiled form."""
    if compiled.is_valid(document):
        return None
    try:
        compiled.validate(document)
    except jsonschema_rs.ValidationError as error:
        return _explain(rules, error)
    raise AssertionError("the validator calls a document invalid and then finds nothing wrong with it")


def pointer(steps: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path; the empty string is the whole document."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def kind_of(value: object) -> str:
    """What a JSON value is, in words for a person: `a list`, `text`, `null` …"""
    return _KINDS.get(type(value), type(value).__name__)


def _explain(rules: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> Problem:
    path = list(error.instance_path)
    rule = error.kind.as_dict()
    if error.kind.name == "required":
        path.append(str(rule["property"]))
    name = _name(path)
    remedy = _annotated_remedy(rules, error.schema_path)
    declared = _declared(rules, path)
    fault, usual = _fault(error, rule, declared, hidden=bool(SECRET_FIELDS.intersection(map(str, path))))
    return Problem(pointer(path), f"{name} {fault}: {remedy or usual}")


def _fault(
    error: jsonschema_rs.ValidationError, rule: Mapping[str, Any], declared: Mapping[str, Any], *, hidden: bool
) -> tuple[str, str]:
    """What is wrong and the usual remedy for it, from the keyword that failed."""
    value = error.instance
    match error.kind.name:
        case "required":
            return "is missing", "add it" + _example(declared)
        case "type":
            types = [_TYPES[name] for name in rule["types"] if name != "null"]
            wanted = " or ".join(types) or "null"
            return f"is {kind_of(value)}", f"it must be {wanted}" + _example(declared)
        case "enum":
            choices = _listed([choice for choice in rule["options"] if choice is not None])
            return f"is {_shown(value, hidden=hidden)}", f"it must be {choices}"
        case "const":
            return f"is {_shown(value, hidden=hidden)}", f"it must be {_shown(rule['expected_value'], hidden=False)}"
        case "pattern" if isinstance(value, str) and not value.strip():
            return "is blank", "give it a text" + _example(declared)
        case "pattern":
            return f"is {_shown(value, hidden=hidden)}", "it does not have the form asked for" + _example(declared)
        case "maxItems":
            return "has too many entries", f"{rule['limit']} is the most it may have"
        case "additionalProperties":
            names = ", ".join(_cut(str(name)) for name in rule["unexpected"][:3])
            known = ", ".join(declared.get("properties", ()))
            return f"has the unknown member {names}", f"there are: {known}" if known else "leave it out"
        case "minItems":
            return "has too few entries", f"{rule['limit']} is the least it may have"
        case "minLength":
            return "is too short", f"it needs at least {rule['limit']} characters" + _example(declared)
        case "maxLength":
            return "is too long", f"{rule['limit']} characters is the most it may have"
        case "minimum":
            return f"is {_shown(value, hidden=hidden)}", f"it must be {rule['limit']} or more"
        case "maximum":
            return f"is {_shown(value, hidden=hidden)}", f"it must be {rule['limit']} or less"
        case keyword:
            return f"breaks the rule {keyword!r} of the schema", "see the schema for what it may be"


def _name(path: Sequence[str | int]) -> str:
    """A path as people write it: `destinations[0].connectorId`."""
    if not path:
        return "the message"
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{_cut(step)}" if text else _cut(step)
    return text


def _annotated_remedy(rules: Mapping[str, Any], schema_path: Sequence[str | int]) -> str | None:
    """Our own remedy, where the failed keyword's subschema carries one."""
    node: Any = rules
    found: str | None = None
    for step in schema_path:
        if isinstance(node, dict) and REMEDY in node:
            found = node[REMEDY]
        node = node.get(step) if isinstance(node, dict) else None  # no schema of ours has a list of subschemas
    return found


def _declared(rules: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """What the schema says of the field at `path`; empty where it says nothing."""
    node: Mapping[str, Any] = rules
    for step in path:
        inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        if not isinstance(inner, dict):
            return {}
        node = inner
    return node


def _example(declared: Mapping[str, Any]) -> str:
    for example in declared.get("examples", ()):
        shown = orjson.dumps(example).decode()
        if len(shown) <= SHOWN:
            return f", for example {shown}"
    return ""


def _listed(choices: Sequence[object]) -> str:
    shown = [_shown(choice, hidden=False) for choice in choices]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]


def _shown(value: object, *, hidden: bool) -> str:
    """A value for a message: JSON, cut short; what is secret, or has an inside, only by its kind."""
    if hidden:
        return "not one of those allowed"
    if isinstance(value, (dict, list)) and len(value) > 8:
        return kind_of(value)
    if isinstance(value, str):
        value = value[: SHOWN + 1]  # before it is written out: it may be a megabyte
    return _cut(orjson.dumps(value).decode())


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
