"""The simple part of Go's templates, as Alertmanager uses them, in the template language. Pure.

What is understood: text, and `{{ .CommonLabels.name }}` (or GroupLabels), `{{ .CommonAnnotations.name }}`, each with
`toUpper` or `toLower` behind a `|`. Everything else cannot be carried over: conditions, loops, `template`.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from streams.imports.conditions import CannotSay, place

ANNOTATIONS: Final = {"summary": "alertDef.description", "description": "alertDef.description",
                      "message": "alertDef.description"}  # fmt: skip
"""Where an annotation's text stands in an event."""

_ACTION: Final = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_LOOKUP: Final = re.compile(
    r"\s*\.(?P<of>CommonLabels|GroupLabels|CommonAnnotations)\.(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"\s*(?:\|\s*(?P<filter>toUpper|toLower)\s*)?"
)
_FILTERS: Final = {"toUpper": "upper", "toLower": "lower"}


def is_plain(text: str) -> bool:
    """Whether there is nothing to render, here or there."""
    return "{{" not in text and "{%" not in text and "{#" not in text


def translate(text: str, labels: str) -> str:
    """The same in the template language; `labels` as in `streams.imports.conditions`. Raises CannotSay."""
    found: list[str] = []
    at = 0
    for action in _ACTION.finditer(text):
        found += [_literal(text[at : action.start()]), f"{{{{ {_lookup(action[1], labels)} }}}}"]
        at = action.end()
    return "".join([*found, _literal(text[at:])])


def to_json(text: str, labels: str) -> str:
    """The same as a JSON value: a text as it is, or one look-up. Raises CannotSay for anything in between."""
    if is_plain(text):
        return orjson.dumps(text).decode()
    whole = _ACTION.fullmatch(text.strip())
    if whole is None:
        raise CannotSay("it mixes text and look-ups")
    return f"{{{{ {_lookup(whole[1], labels)} | json_encode }}}}"


def _lookup(action: str, labels: str) -> str:
    found = _LOOKUP.fullmatch(action)
    if found is None:
        raise CannotSay("it has no counterpart in the template language")
    if found["of"] == "CommonAnnotations":
        if found["name"] not in ANNOTATIONS:
            raise CannotSay(f"no event of Pagerline has a place for the annotation {found['name']}")
        path = ANNOTATIONS[found["name"]]
    else:
        path = place(found["name"], labels)
    filtered = f" | {_FILTERS[found['filter']]}" if found["filter"] else ""
    return f"{path} | default(value=''){filtered}"


def _literal(text: str) -> str:
    if not is_plain(text):
        raise CannotSay("it holds braces that would be read as a template")
    return text
