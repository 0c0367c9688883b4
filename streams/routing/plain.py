"""Whatever a document holds, made into JSON that any parser takes: one-line texts and plain values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from streams.documents.secrets import mask

KEY_LIMIT: Final = 255
"""Characters of a key in custom details; the longest sensible label, and what keeps a screen readable."""

DEPTH_LIMIT: Final = 16
"""Levels. orjson writes 254, and nobody reads more than a few on an incident page."""

NODE_LIMIT: Final = 20_000
"""Values in one event's details: about what 512,000 bytes can hold, and what bounds the time junk can take."""

_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_KEY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{32}(?![A-Za-z0-9])")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_WIDEST_NUMBER = 64  # bits: what JSON writers agree on


def one_line(value: object, limit: int) -> str:
    """A scalar as one line of at most `limit` characters, cut with an ellipsis; empty for what is not a scalar."""
    if not isinstance(value, str):
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, int | float):
            return ""
        value = str(_number(value))
    if not value.isprintable():
        # A text many times too long is not worth cleaning to its end.
        value = _SURROGATES.sub("\ufffd", _SPACES.sub(" ", value[: limit * 8]))
    return cut(value.strip(), limit)


def cut(text: str, limit: int) -> str:
    """`text`, or its beginning and an ellipsis: never more than `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def keyless(text: str) -> str:
    """`text` with every word masked that is a routing key; what people name things is left as it is."""
    return _KEY.sub(lambda found: mask(found.group()), text)


def blank(text: str) -> bool:
    """Whether a reader would see nothing (spaces, zero-width characters)."""
    if text.isascii() and text.isprintable():
        return not text.strip(" ")
    return not any(char.isprintable() and not char.isspace() for char in text)


def kind_of(value: object) -> str:
    """What a JSON value is, for a message; never the value itself."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    return "a number" if isinstance(value, int | float) else "nothing" if value is None else "no JSON value"


def plain(value: object) -> tuple[Any, bool]:
    """`value` as JSON of bounded depth and size, and whether all values of it are in.

    Texts lose control characters, numbers that not every parser reads become texts, what lies too deep an ellipsis.
    """
    left = [NODE_LIMIT]
    made = _plain(value, DEPTH_LIMIT, left)
    return made, left[0] >= 0


def _plain(value: object, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if isinstance(value, str):
        return value if value.isprintable() else _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if depth == 0:
        return "…"
    if isinstance(value, dict | Mapping):  # dict first: asking an abstract class costs ten times as much
        shorter: dict[str, Any] = {}
        for key, inner in value.items():
            if left[0] <= 0:
                left[0] = -1
                break
            shorter[one_line(key, KEY_LIMIT)] = _plain(inner, depth - 1, left)
        return shorter
    if isinstance(value, list | tuple):
        items: list[Any] = []
        for inner in value:
            if left[0] <= 0:
                left[0] = -1
                break
            items.append(_plain(inner, depth - 1, left))
        return items
    return f"<{type(value).__name__}>"


def _number(value: int | float) -> int | float | str:
    if isinstance(value, float):
        return value if math.isfinite(value) else "not a number"
    if value.bit_length() < _WIDEST_NUMBER:
        return value
    return "a number too large to write" if value.bit_length() > 1_000 else str(value)
