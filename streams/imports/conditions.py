"""Conditions over labels, as trees that can be negated, and as expressions of the template language. Pure.

The language has no `not` before a parenthesis, and a value that is missing makes a condition false. So a negation is
pushed down to the comparisons, and every comparison says what a missing label means: in Alertmanager it is the empty
text (Alertmanager, matchers).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import re2

Operator = Literal["=", "!=", "=~", "!~"]
OPPOSITE: Final[dict[Operator, Operator]] = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
QUOTES: Final = "'\"`"


class CannotSay(Exception):
    """The template language has no way to say this; the text says what."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A comparison of one label. Raises CannotSay when it is made of a regular expression that is none."""

    label: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        if self.operator in ("=~", "!~"):
            try:
                re2.compile(self.value)
            except re2.error as error:
                raise CannotSay(f"{self} is no regular expression: {error}") from None

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'

    def negated(self) -> Matcher:
        return Matcher(self.label, OPPOSITE[self.operator], self.value)


@dataclass(frozen=True, slots=True)
class All:
    """True when all parts are; without parts always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when one part is; without parts never."""

    parts: tuple[Condition, ...]


Condition = Matcher | All | AnyOf
ALWAYS: Final = All(())


def both(*parts: Condition) -> Condition:
    """All of these, nested ones taken apart, each once."""
    flat: list[Condition] = []
    for part in parts:
        flat += part.parts if isinstance(part, All) else [part]
    once = tuple(dict.fromkeys(flat))
    return once[0] if len(once) == 1 else All(once)


def either(*parts: Condition) -> Condition:
    """One of these, nested ones taken apart, each once."""
    flat: list[Condition] = []
    for part in parts:
        flat += part.parts if isinstance(part, AnyOf) else [part]
    once = tuple(dict.fromkeys(flat))
    if ALWAYS in once:
        return ALWAYS
    return once[0] if len(once) == 1 else AnyOf(once)


def negated(condition: Condition) -> Condition:
    """True where the condition is false."""
    if isinstance(condition, Matcher):
        return condition.negated()
    if isinstance(condition, All):
        return either(*map(negated, condition.parts))
    return both(*map(negated, condition.parts))


def disjoint(one: Iterable[Matcher], other: Iterable[Matcher]) -> bool:
    """Whether no labels satisfy both, seen from equalities alone: then nothing need be said of the other."""
    wanted = {matcher.label: matcher.value for matcher in one if matcher.operator == "="}
    return any(
        matcher.operator == "=" and wanted.get(matcher.label, matcher.value) != matcher.value for matcher in other
    )


def expression(condition: Condition, labels: str) -> str:
    """The condition in the template language. `labels`: the path of the labels in an event, such as
    `alertDef.entityLabels`; the alert's name is `alertDef.name`. Raises CannotSay."""
    if condition == ALWAYS:
        return "true"
    return _say(condition, labels, outer=None)


def _say(condition: Condition, labels: str, outer: type | None) -> str:
    if isinstance(condition, Matcher):
        return _compare(condition, labels)
    if not condition.parts:
        return "true" if isinstance(condition, All) else "false"
    word = " and " if isinstance(condition, All) else " or "
    said = word.join(_say(part, labels, type(condition)) for part in condition.parts)
    return said if outer is None else f"({said})"


def _compare(matcher: Matcher, labels: str) -> str:
    path, value = place(matcher.label, labels), matcher.value
    if matcher.operator in ("=", "!="):
        operator = "==" if matcher.operator == "=" else "!="
        return f"{path} | default(value='') {operator} {quoted(value)}"
    anchored = f"^(?:{value})$"
    holds_for_missing = bool(re2.fullmatch(value, "")) == (matcher.operator == "=~")
    test = "is matching" if matcher.operator == "=~" else "is not matching"
    said = (
        f"{path} is undefined or {path} {test}({quoted(anchored)})"
        if holds_for_missing
        else f"{path} is defined and {path} {test}({quoted(anchored)})"
    )
    return f"({said})"


def place(label: str, labels: str) -> str:
    """Where a label of Prometheus stands in an event. Raises CannotSay."""
    return "alertDef.name" if label == "alertname" else f"{labels}[{quoted(label)}]"


def quoted(text: str) -> str:
    """A text of the template language, which knows no escapes. Raises CannotSay when it holds all three quotes."""
    for quote in QUOTES:
        if quote not in text:
            return f"{quote}{text}{quote}"
    raise CannotSay(f"a text with each of {' '.join(QUOTES)} in it cannot be written in a template")
