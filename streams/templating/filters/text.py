"""Filters on text. The value must be a text, unless the filter says otherwise."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from streams.errors import RenderFailed
from streams.templating.arguments import (
    Arguments,
    boolean_argument,
    float_argument,
    pattern_argument,
    size_argument,
    text,
    text_argument,
    whole_argument,
)
from streams.templating.graphemes import first_graphemes
from streams.templating.registry import filter_
from streams.templating.run import Run
from streams.templating.values import I64_MAX, I64_MIN, WHITE_SPACE, is_number

_WORD: Final = re.compile(r"\b[\w'][\w']*\b", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?[0-9A-Za-z]+")
_FLOAT: Final = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)
_I32: Final = 2**31


@filter_("upper", "In capital letters.", "", '{{ "prod-eu" | upper }}', "PROD-EU")
def upper(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).upper()


@filter_("lower", "In small letters.", "", '{{ "Prod" | lower }}', "prod")
def lower(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).lower()


@filter_(
    "capitalize", "The first letter a capital, the others small.", "", '{{ "dISK full" | capitalize }}', "Disk full"
)
def capitalize(value: Any, arguments: Arguments, run: Run) -> str:
    whole = text(value)
    return whole[:1].upper() + whole[1:].lower()


@filter_("title", "The first letter of each word a capital.", "", '{{ "disk is full" | title }}', "Disk Is Full")
def title(value: Any, arguments: Arguments, run: Run) -> str:
    whole = text(value)
    run.meter.work(len(whole) >> 1)
    # Words are found in a copy that has `w` for each letter of any script, and then changed in the original.
    shape = whole if whole.isascii() else "".join(map(_letter_shape, whole))
    out, end = list[str](), 0
    for found in _WORD.finditer(shape):
        word = whole[found.start() : found.end()]
        out += [whole[end : found.start()], word[0].upper(), word[1:].lower()]
        end = found.end()
    return "".join([*out, whole[end:]])


def _letter_shape(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    return "w" if category[0] in "LM" or category in ("Nd", "Nl", "Pc") or character in "\u200c\u200d" else " "


@filter_(
    "trim",
    "Without white space at both ends.",
    "",
    '[{{ "  web " | trim }}]'.replace("[", "<").replace("]", ">"),
    "<web>",
)
def trim(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).strip(WHITE_SPACE)


@filter_("trim_start", "Without white space at the start.", "", '<{{ "  web " | trim_start }}>', "<web >")
def trim_start(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).lstrip(WHITE_SPACE)


@filter_("trim_end", "Without white space at the end.", "", '<{{ "  web " | trim_end }}>', "<  web>")
def trim_end(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).rstrip(WHITE_SPACE)


@filter_(
    "trim_start_matches",
    "Without `pat`, however often, at the start.",
    "pat",
    '{{ "//a/b//" | trim_start_matches(pat="//") }}',
    "a/b//",
)
def trim_start_matches(value: Any, arguments: Arguments, run: Run) -> str:
    whole, pattern = text(value), pattern_argument(arguments, "pat")
    start = 0
    while pattern and whole.startswith(pattern, start):
        start += len(pattern)
    return whole[start:]


@filter_(
    "trim_end_matches",
    "Without `pat`, however often, at the end.",
    "pat",
    '{{ "//a/b//" | trim_end_matches(pat="//") }}',
    "//a/b",
)
def trim_end_matches(value: Any, arguments: Arguments, run: Run) -> str:
    whole, pattern = text(value), pattern_argument(arguments, "pat")
    end = len(whole)
    while pattern and whole.endswith(pattern, 0, end):
        end -= len(pattern)
    return whole[:end]


@filter_(
    "truncate",
    "The first `length` characters (255) and `end` (`…`) if any were cut off.",
    "length, end",
    '{{ "a long story" | truncate(length=6) }}',
    "a long…",
)
def truncate(value: Any, arguments: Arguments, run: Run) -> str:
    whole = text(value)
    length, end = size_argument(arguments, "length", 255), text_argument(arguments, "end", "…")
    if length >= len(whole):
        return whole
    run.meter.work(0 if whole.isascii() else 4 * length)
    kept = first_graphemes(whole, length)
    return whole if kept == len(whole) else whole[:kept] + end


@filter_("wordcount", "How many words there are.", "", '{{ "disk is full" | wordcount }}', "3")
def wordcount(value: Any, arguments: Arguments, run: Run) -> int:
    return len(re.findall(f"[^{WHITE_SPACE}]+", text(value)))


@filter_(
    "replace",
    "With `to` wherever `from` was.",
    "from, to",
    '{{ "CPU usage high" | replace(from=" ", to="_") }}',
    "CPU_usage_high",
)
def replace(value: Any, arguments: Arguments, run: Run) -> str:
    whole, old, new = text(value), text_argument(arguments, "from"), text_argument(arguments, "to")
    count = whole.count(old)
    run.meter.work(count)
    run.meter.text(count * len(new))
    return whole.replace(old, new)


@filter_("split", "An array of the parts between `pat`.", "pat", '{{ "a,b,c" | split(pat=",") | last }}', "c")
def split(value: Any, arguments: Arguments, run: Run) -> list[str]:
    whole, pattern = text(value), pattern_argument(arguments, "pat")
    run.meter.work(whole.count(pattern))
    return whole.split(pattern) if pattern else ["", *whole, ""]


@filter_(
    "indent",
    "Each line but the first begins with `prefix` (four spaces); `first` and `blank` ask for the first and for empty lines too.",  # noqa: E501
    "prefix, first, blank",
    '{{ "a\nb" | indent(prefix="> ", first=true) }}',
    "> a\n> b",
)
def indent(value: Any, arguments: Arguments, run: Run) -> str:
    whole, prefix = text(value), text_argument(arguments, "prefix", "    ")
    first, blank = boolean_argument(arguments, "first"), boolean_argument(arguments, "blank")
    parts = whole.split("\n")
    # A line's end may be `\r\n`; what follows the last `\n` is a line only when it is not empty.
    lines = [line.removesuffix("\r") for line in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
    run.meter.work(len(lines))
    run.meter.text(len(lines) * len(prefix))
    return "\n".join(
        f"{prefix}{line}" if (at and (blank or line.lstrip(WHITE_SPACE))) or (not at and first) else line
        for at, line in enumerate(lines)
    )


@filter_(
    "int",
    "A whole number made from a text (in `base` 10) or a number; `default` (0) when it cannot be.",
    "default, base",
    '{{ "0x1F" | int(base=16) }}',
    "31",
)
def int_(value: Any, arguments: Arguments, run: Run) -> int:
    default = whole_argument(arguments, "default", 0)
    base = whole_argument(arguments, "base", 10, 0, 2**32 - 1)
    if is_number(value):
        return _saturated(float(value))
    if type(value) is not str:
        raise RenderFailed("works on a text or a number")
    if not 2 <= base <= 36:
        raise RenderFailed("the argument `base` must be from 2 to 36")
    digits = value.strip(WHITE_SPACE)
    prefix = {2: "0b", 8: "0o", 16: "0x"}.get(base)
    while prefix and digits.startswith(prefix):
        digits = digits[2:]
    if len(digits) <= 4_000 and _WHOLE.fullmatch(digits):
        try:
            whole = int(digits, base)
        except ValueError:
            whole = I64_MAX + 1
        if I64_MIN <= whole <= I64_MAX and not (prefix and digits.lower().lstrip("+-").startswith(prefix)):
            return whole
    if "." in digits and _FLOAT.fullmatch(digits):
        return _saturated(float(digits))
    return default


def _saturated(number: float) -> int:
    if number != number:
        return 0
    return (
        int(min(max(number, float(I64_MIN)), float(2**63)))
        if abs(number) < 2**63
        else (I64_MAX if number > 0 else I64_MIN)
    )


@filter_(
    "float",
    "A number with a point made from a text or a number; `default` (0.0) when it cannot be.",
    "default",
    '{{ "2.50" | float }}',
    "2.5",
)
def float_(value: Any, arguments: Arguments, run: Run) -> float | None:
    default = float_argument(arguments, "default", 0.0)
    if is_number(value):
        return float(value)
    if type(value) is not str:
        raise RenderFailed("works on a text or a number")
    digits = value.strip(WHITE_SPACE)
    number = float(digits) if _FLOAT.fullmatch(digits) else default
    return number if abs(number) < float("inf") else None  # infinity is no JSON number: it becomes null
