"""The values a template sees and how they print, compare and count as true: JSON's seven kinds, as Tera holds them.

Null, booleans, strings, arrays (list), objects (dict) and three kinds of number: whole numbers of 64 bits with or
without a sign (int) and floats. Nothing else gets in, so no attribute of a Python object can be reached. Two surprises
that Python would get wrong on its own: a boolean is not a number, and inside arrays and objects 1 is not 1.0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, TypeGuard

I64_MIN: Final = -(2**63)
I64_MAX: Final = 2**63 - 1
U64_MAX: Final = 2**64 - 1

#: What counts as white space (Unicode property White_Space; Python's own set has four control characters more).
WHITE_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501


class Missing:
    """The mark for "no such value"; one instance, `MISSING`, compared by identity and never shown to a template."""

    __slots__ = ()


MISSING: Final = Missing()


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether ``value`` is a number; a boolean is not."""
    kind = type(value)
    return kind is int or kind is float


def digits_of(number: float) -> tuple[str, str, int]:
    """The shortest decimal that reads back as ``number``: sign, digits, and where the point is (`0.digits * 10**n`)."""
    sign, text = ("-", repr(number)[1:]) if repr(number).startswith("-") else ("", repr(number))
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + ("" if fraction == "0" else fraction)
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return sign, stripped.rstrip("0") or "0", point if stripped else 1


def _half_up(number: float, digits: str, point: int) -> str:
    """The last digit as `{{ }}` has it: of two shortest decimals that are equally near, the larger. Python, and JSON,
    take the even one."""
    unit = Fraction(10) ** (point - len(digits))
    if Fraction(abs(number)) - int(digits) * unit != unit / 2:
        return digits
    return str(int(digits) + 1)


def float_text(number: float) -> str:
    """A float as `{{ }}` prints it: never an exponent, no point when it is whole (`1.0` is `1`)."""
    if number != number or number in (float("inf"), float("-inf")):
        return "NaN"
    sign, digits, point = digits_of(number)
    if len(digits) > 15:
        digits = _half_up(number, digits, point)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def float_json(number: float) -> str:
    """A float as JSON and `~` print it: always a point or an exponent (`1.0`, `1e16`, `0.00001`, `1e-7`)."""
    if number != number or number in (float("inf"), float("-inf")):
        return "null"
    sign, digits, point = digits_of(number)
    if digits == "0":
        return f"{sign}0.0"
    if len(digits) <= point <= 16:
        return f"{sign}{digits}{'0' * (point - len(digits))}.0"
    if 0 < point <= 16:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -5 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1}"


def text_of(value: object) -> str:
    """A value as `{{ }}` prints it: null as nothing, an object as `[object]`, arrays with their elements."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int:
        return str(value) if I64_MIN <= value <= U64_MAX else float_text(float(value))
    if type(value) is float:
        return float_text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, dict):
        return "[object]"
    raise TypeError(f"a {type(value).__name__} is not a value a template can hold")


def kind_of(value: object) -> str:
    """The name of a value's kind, for messages."""
    if value is None:
        return "null"
    kinds = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds.get(type(value), type(value).__name__)


def same(left: Any, right: Any) -> bool:
    """Deep equality as Tera has it inside arrays and objects: kinds must agree, and 1 is not 1.0."""
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is list:
        return len(left) == len(right) and all(map(same, left, right))
    if kind is dict:
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def equal(left: object, right: object) -> bool:
    """`==`: numbers by their value as floats, everything else by kind and content."""
    if is_number(left) and is_number(right):
        return float(left) == float(right)
    return same(left, right)


def size_of(value: object) -> int:
    """About how many steps a look at the whole of ``value`` takes, for the meter: one an element, one each 16
    characters."""
    if type(value) is str:
        return 1 + (len(value) >> 4)
    if isinstance(value, dict):
        return 4 + len(value) + sum(map(size_of, value.values()))
    if isinstance(value, list):
        return 4 + sum(map(size_of, value))
    return 1
