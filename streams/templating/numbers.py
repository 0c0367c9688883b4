"""Arithmetic with Tera's types: signed and unsigned 64 bit, and floats.

Two whole numbers of the signed kind give one of the signed kind, two large ones (above 2**63 - 1) an unsigned one,
anything else a float. What does not fit is refused, not wrapped. Division is done in floats and comes back whole when
it comes out even. Where Tera has "not a number" these return None; it prints as `NaN`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from streams.errors import RenderFailed
from streams.templating.values import I64_MAX, I64_MIN, U64_MAX

Number = int | float


def _whole(left: int, right: int, result: int, sign: str) -> Number:
    signed = left <= I64_MAX and right <= I64_MAX
    low, high = (I64_MIN, I64_MAX) if signed else (0, U64_MAX)
    if not low <= result <= high:
        raise RenderFailed(f"{left} {sign} {right} does not fit in 64 bits")
    return result


def _both_whole(left: Number, right: Number) -> bool:
    if type(left) is not int or type(right) is not int:
        return False
    # One large unsigned number and one negative one have no whole kind in common.
    return (left <= I64_MAX and right <= I64_MAX) or (left >= 0 and right >= 0)


def _finite(result: float, sign: str) -> float:
    if not math.isfinite(result):
        raise RenderFailed(f"the result of `{sign}` is too large for a number")
    return result


def add(left: Number, right: Number) -> Number | None:
    if _both_whole(left, right):
        return _whole(int(left), int(right), int(left) + int(right), "+")
    return _finite(float(left) + float(right), "+")


def subtract(left: Number, right: Number) -> Number | None:
    if _both_whole(left, right):
        return _whole(int(left), int(right), int(left) - int(right), "-")
    return _finite(float(left) - float(right), "-")


def multiply(left: Number, right: Number) -> Number | None:
    if _both_whole(left, right):
        return _whole(int(left), int(right), int(left) * int(right), "*")
    result = float(left) * float(right)
    return result if math.isfinite(result) else None


def divide(left: Number, right: Number) -> Number | None:
    if right == 0:
        return None
    result = float(left) / float(right)
    if not math.isfinite(result):
        return None
    if result == math.floor(result):
        return min(max(int(result), I64_MIN), I64_MAX)  # a quotient beyond 64 bits stops at the end of them
    return result


def modulo(left: Number, right: Number) -> Number | None:
    if _both_whole(left, right):
        left, right = int(left), int(right)
        if right == 0:
            raise RenderFailed("the remainder of a division by zero")
        if left == I64_MIN and right == -1:
            raise RenderFailed(f"{left} % {right} does not fit in 64 bits")
        remainder = abs(left) % abs(right)
        return -remainder if left < 0 else remainder  # the sign of the dividend, unlike Python's
    return math.fmod(float(left), float(right)) if right != 0 else None


OPERATIONS: Final[dict[str, Callable[[Number, Number], Number | None]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
}
