"""Matchers as Alertmanager writes them: `severity =~ "warning|critical"`, alone, in lists and in braces. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from streams.imports.conditions import CannotSay, Matcher, Operator
from streams.imports.shapes import Json, text

_TOKEN: Final = re.compile(
    r"""\s*
    (?P<label>"(?:[^"\\]|\\.)*"|[^\s{}!=~,\\"'`]+)\s*
    (?P<operator>=~|!~|!=|=)\s*
    (?P<value>"(?:[^"\\]|\\.)*"|[^,{}"]*?)\s*
    (?:,|$)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def matchers_of(route: Json) -> list[Matcher]:
    """Everything that a route asks of labels, in all three ways of writing it. Raises CannotSay."""
    given = route.get("matchers") or []
    found = [matcher for one in (given if isinstance(given, list) else [given]) for matcher in parse(text(one))]
    return [*found, *_old(route.get("match"), "="), *_old(route.get("match_re"), "=~")]


def parse(written: str) -> Iterator[Matcher]:
    """The matchers of one text. Raises CannotSay."""
    inner = written.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    inner = inner.strip().removesuffix(",")
    at = 0
    while at < len(inner):
        found = _TOKEN.match(inner, at)
        if found is None:
            raise CannotSay(f"the matcher {written!r} cannot be read")
        yield Matcher(_plain(found["label"]), cast(Operator, found["operator"]), _plain(found["value"]))
        at = found.end()


def _old(given: Any, operator: Operator) -> list[Matcher]:
    return [Matcher(str(label), operator, text(value)) for label, value in (given or {}).items()]


def _plain(token: str) -> str:
    if not token.startswith('"'):
        return token
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], "\\" + found[1]), token[1:-1])
