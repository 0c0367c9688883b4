"""Reads the values and named arguments of filters and functions. Each reader raises RenderFailed for another kind.

Tera reads arguments by exact type: a whole number is not taken from a float, a text not from a number. Arguments that
a filter does not know are ignored, as in Tera.
"""

from __future__ import annotations

from typing import Any

from streams.errors import RenderFailed
from streams.templating.values import I64_MAX, I64_MIN, U64_MAX, is_number, kind_of

Arguments = dict[str, Any]


def text(value: object) -> str:
    """The filter's own value, when it must be a text."""
    if type(value) is not str:
        raise RenderFailed(f"works on a text, not on {kind_of(value)}")
    return value


def array(value: object) -> list[Any]:
    """The filter's own value, when it must be an array."""
    if type(value) is not list:
        raise RenderFailed(f"works on an array, not on {kind_of(value)}")
    return value


def number(value: object) -> int | float:
    """The filter's own value, when it must be a number."""
    if not is_number(value):
        raise RenderFailed(f"works on a number, not on {kind_of(value)}")
    return value


def needed(arguments: Arguments, name: str) -> Any:
    """An argument that must be given."""
    if name not in arguments:
        raise RenderFailed(f"needs the argument `{name}`")
    return arguments[name]


def text_argument(arguments: Arguments, name: str, default: str | None = None) -> str:
    """A text; without ``default`` it must be given."""
    value = needed(arguments, name) if default is None else arguments.get(name, default)
    if type(value) is not str:
        raise RenderFailed(f"the argument `{name}` must be a text, not {kind_of(value)}")
    return value


def boolean_argument(arguments: Arguments, name: str) -> bool:
    """A boolean, false when not given."""
    value = arguments.get(name, False)
    if type(value) is not bool:
        raise RenderFailed(f"the argument `{name}` must be true or false, not {kind_of(value)}")
    return value


def float_argument(arguments: Arguments, name: str, default: float) -> float:
    """Any number, as a float."""
    value = arguments.get(name, default)
    if not is_number(value):
        raise RenderFailed(f"the argument `{name}` must be a number, not {kind_of(value)}")
    return float(value)


def whole_argument(
    arguments: Arguments, name: str, default: int | None = None, low: int = I64_MIN, high: int = I64_MAX
) -> int:
    """A whole number from ``low`` to ``high``; without ``default`` it must be given."""
    value = needed(arguments, name) if default is None else arguments.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise RenderFailed(f"the argument `{name}` must be a whole number from {low} to {high}")
    return value


def size_argument(arguments: Arguments, name: str, default: int | None = None) -> int:
    """A whole number from 0."""
    return whole_argument(arguments, name, default, 0, U64_MAX)


def pattern_argument(arguments: Arguments, name: str, default: str | None = None) -> str:
    """A text in which a backslash and an `n` or `t` stand for a new line or a tab: strings have no escapes."""
    return text_argument(arguments, name, default).replace("\\n", "\n").replace("\\t", "\t")
