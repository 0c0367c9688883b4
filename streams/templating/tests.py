"""The tests, as in `{% if name is starting_with("CPU") %}`. On a missing variable all but the first two fail."""

from __future__ import annotations

import math
from typing import Any

from streams.errors import RenderFailed
from streams.templating.regex import matches
from streams.templating.registry import test
from streams.templating.run import Run
from streams.templating.values import MISSING, is_number, kind_of, same


def _none(given: list[Any]) -> None:
    if given:
        raise RenderFailed("takes no argument")


def _one(given: list[Any]) -> Any:
    if len(given) != 1:
        raise RenderFailed(f"takes one argument, not {len(given)}")
    return given[0]


def _number(value: object) -> float:
    if not is_number(value):
        raise RenderFailed(f"works on a number, not on {kind_of(value)}")
    return float(value)


def _text(value: object) -> str:
    if type(value) is not str:
        raise RenderFailed(f"works on a text, not on {kind_of(value)}")
    return value


@test("defined", "There is such a value, even if it is null.", "", "{{ alert.nothing is defined }}", "false")
def defined(value: Any, given: list[Any], run: Run) -> bool:
    _none(given)
    return value is not MISSING


@test("undefined", "There is no such value.", "", "{{ alert.nothing is undefined }}", "true")
def undefined(value: Any, given: list[Any], run: Run) -> bool:
    _none(given)
    return value is MISSING


@test("string", "It is a text.", "", "{{ alertDef.name is string }}", "true")
def string(value: Any, given: list[Any], run: Run) -> bool:
    _none(given)
    return type(value) is str


@test("number", "It is a number.", "", "{{ alert.timestamp is number }}", "true")
def number(value: Any, given: list[Any], run: Run) -> bool:
    _none(given)
    return is_number(value)


@test("odd", "It is an odd number.", "", "{% set n = 3 %}{{ n is odd }}", "true")
def odd(value: Any, given: list[Any], run: Run) -> bool:
    _none(given)
    return math.fmod(_number(value), 2.0) != 0.0


@test("even", "It is an even number.", "", "{% set n = 3 %}{{ n is even }}", "false")
def even(value: Any, given: list[Any], run: Run) -> bool:
    return not odd(value, given, run)


@test(
    "divisibleby",
    "The number can be divided by the argument.",
    "number",
    "{% set n = 9 %}{{ n is divisibleby(3) }}",
    "true",
)
def divisibleby(value: Any, given: list[Any], run: Run) -> bool:
    number, by = _number(value), _number(_one(given))
    return by != 0 and math.fmod(number, by) == 0.0


@test("iterable", "It is an array or an object.", "", "{{ alert.groups is iterable }}", "true")
def iterable(value: Any, given: list[Any], run: Run) -> bool:
    _none(given)
    return type(value) in (list, dict)


@test("object", "It is an object.", "", "{{ alert.groups is object }}", "false")
def object_(value: Any, given: list[Any], run: Run) -> bool:
    _none(given)
    return type(value) is dict


@test(
    "starting_with", "The text begins with the argument.", "text", '{{ alertDef.name is starting_with("CPU") }}', "true"
)
def starting_with(value: Any, given: list[Any], run: Run) -> bool:
    return _text(value).startswith(_text(_one(given)))


@test("ending_with", "The text ends with the argument.", "text", '{{ alertDef.name is ending_with("high") }}', "true")
def ending_with(value: Any, given: list[Any], run: Run) -> bool:
    return _text(value).endswith(_text(_one(given)))


@test(
    "containing",
    "The text has the argument in it, the array has it as an element, the object as a key.",
    "any",
    '{{ alertDef.name is containing("usage") }}',
    "true",
)
def containing(value: Any, given: list[Any], run: Run) -> bool:
    wanted = _one(given)
    if type(value) is list:
        return any(same(item, wanted) for item in value)
    if type(value) not in (str, dict):
        raise RenderFailed(f"works on a text, an array or an object, not on {kind_of(value)}")
    return _text(wanted) in value


@test(
    "matching",
    "A part of the text matches the regular expression.",
    "pattern",
    '{{ alertDef.name is matching("(?i)^cpu") }}',
    "true",
)
def matching(value: Any, given: list[Any], run: Run) -> bool:
    return matches(_text(_one(given)), _text(value), run.meter)
