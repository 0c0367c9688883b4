"""Filters on numbers and on values of several kinds."""

from __future__ import annotations

import math
from typing import Any, Final

from streams.errors import RenderFailed
from streams.templating.arguments import (
    Arguments,
    array,
    boolean_argument,
    number,
    text_argument,
    whole_argument,
)
from streams.templating.encode import to_json
from streams.templating.registry import filter_
from streams.templating.run import Run
from streams.templating.values import I64_MIN, U64_MAX, kind_of, text_of

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


@filter_("length", "How many elements or keys or characters there are.", "", "{{ alert.groups | length }}", "2")
def length(value: Any, arguments: Arguments, run: Run) -> int:
    if type(value) not in (list, dict, str):
        raise RenderFailed(f"works on an array, an object or a text, not on {kind_of(value)}")
    return len(value)


@filter_("reverse", "The elements or characters the other way round.", "", '{{ "abc" | reverse }}', "cba")
def reverse(value: Any, arguments: Arguments, run: Run) -> Any:
    return value[::-1] if type(value) is str else array(value)[::-1]


@filter_("as_str", "The text that `{{ }}` would print.", "", '{{ 5 | as_str | replace(from="5", to="five") }}', "five")
def as_str(value: Any, arguments: Arguments, run: Run) -> str:
    return text_of(value)


@filter_(
    "json_encode",
    "As JSON; `pretty=true` over several lines.",
    "pretty",
    "{{ alertDef.entityLabels | json_encode }}",
    '{"team":"payments"}',
)
def json_encode(value: Any, arguments: Arguments, run: Run) -> str:
    return to_json(value, run, pretty=arguments.get("pretty") is True)


@filter_(
    "json_escape",
    "Fit to stand inside the quotes of a JSON text; a value that is no text becomes JSON first.",
    "",
    "{{ 'say \"hi\"' | json_escape }}",
    'say \\"hi\\"',
    ours=True,
)
def json_escape(value: Any, arguments: Arguments, run: Run) -> str:
    written = value if type(value) is str else to_json(value, run)
    return to_json(written, run)[1:-1]


@filter_("abs", "Without its sign.", "", "{{ -5 | abs }}", "5")
def absolute(value: Any, arguments: Arguments, run: Run) -> int | float:
    given = number(value)
    return given if given == I64_MIN and type(given) is int else abs(given)  # what 64 bits cannot hold stays as it is


@filter_(
    "round",
    "Rounded to `precision` (0) digits after the point; `method` is `common`, `ceil` or `floor`.",
    "precision, method",
    "{{ 2.345 | round(precision=1) }}",
    "2.3",
)
def round_(value: Any, arguments: Arguments, run: Run) -> float | None:
    given = float(number(value))
    method = text_argument(arguments, "method", "common")
    factor = _power_of_ten(whole_argument(arguments, "precision", 0, -(2**31), 2**31 - 1))
    if method not in ("common", "ceil", "floor"):
        raise RenderFailed("the argument `method` must be `common`, `ceil` or `floor`")
    scaled = factor * given
    if not math.isfinite(scaled):
        return None
    whole = _half_away(scaled) if method == "common" else math.ceil(scaled) if method == "ceil" else math.floor(scaled)
    result = math.copysign(whole, scaled) / factor if factor else math.inf
    return result if math.isfinite(result) else None


def _half_away(given: float) -> float:
    """The nearest whole number; halves go away from zero."""
    whole = math.floor(abs(given))
    return math.copysign(whole + (abs(given) - whole >= 0.5), given)


def _power_of_ten(exponent: int) -> float:
    """By repeated squaring, as the reference does: the last digit of a large power depends on how it is made."""
    result, base, left = 1.0, 10.0, abs(exponent)
    while left:
        if left & 1:
            result *= base
        left >>= 1
        base *= base
    return 1.0 / result if exponent < 0 else result


@filter_(
    "pluralize",
    "`plural` (`s`) unless the number is 1 or -1, then `singular` (nothing).",
    "plural, singular",
    "{{ alert.groups | length }} group{{ alert.groups | length | pluralize }}",
    "2 groups",
)
def pluralize(value: Any, arguments: Arguments, run: Run) -> str:
    given = float(number(value))
    plural, singular = text_argument(arguments, "plural", "s"), text_argument(arguments, "singular", "")
    return plural if abs(abs(given) - 1.0) > 2.0**-52 else singular


@filter_(
    "filesizeformat",
    "A number of bytes in the largest fitting unit of 1,024; `binary=true` writes KiB for kB.",
    "binary",
    "{{ 1536 | filesizeformat }}",
    "1.50 kB",
)
def filesizeformat(value: Any, arguments: Arguments, run: Run) -> str:
    if type(value) is not int or not 0 <= value <= U64_MAX:
        raise RenderFailed("works on a whole number from 0")
    units = _BINARY_UNITS if boolean_argument(arguments, "binary") else _UNITS
    size, unit = float(value), 0
    while size >= 1024 and unit < len(units) - 1:
        size, unit = size / 1024, unit + 1
    shown = f"{size:.0f}" if size == int(size) else f"{size:.2f}"
    return f"{shown} {units[unit]}"
