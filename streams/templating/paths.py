"""Look-ups: from `alert.groups[0]["team name"]` and `labels[key]` to a value of the event.

A path is turned into a root and steps. Tera does so by rewriting the text of the path (`["x"]` becomes `."x"`, `[i]`
becomes `.` and the value of i) and then cutting it at dots outside quotes; since the value of a computed index takes
part in the rewriting, its quirks can be seen (`a[""]` is `a`), and the same is done here.

Only keys of objects and indexes of arrays are steps. Nothing here reads an attribute of a Python object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from streams.templating.values import MISSING, U64_MAX

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_USIZE: Final = re.compile(r"\+?[0-9]+")


class Step(NamedTuple):
    """One step down: a key of an object, or an index of an array when the key reads as one."""

    key: str
    position: int | None


class Way(NamedTuple):
    """A path made ready: the variable it starts at, its steps, and Tera's rewritten form of it."""

    root: str
    steps: tuple[Step, ...]
    pointer: str


def computed_parts(path: str) -> list[str]:
    """The look-ups inside the brackets of a path: `a[b.c][0]["d"]` has `b.c`. Literal indexes and keys are not."""
    parts = list[str]()
    at = 0
    while (at := path.find("[", at)) >= 0:
        at += 1
        if path[at] in "\"'":
            continue
        depth, start = 1, at
        while at < len(path) and depth:
            depth += {"[": 1, "]": -1}.get(path[at], 0)
            at += 1
        inside = path[start : at - 1]
        literal = _USIZE.fullmatch(inside) is not None and int(inside[:30]) <= U64_MAX
        if depth == 0 and not literal:
            parts.append(inside)
    return parts


def pointer_of(path: str, computed: list[tuple[str, str]]) -> str:
    """The rewritten path, with the text of each computed part (a string's comes in double quotes) in its place."""
    for part, text in computed:
        before, found, after = path.partition(f"[{part}]")
        path = f"{before}.{text}{after}" if found else f"{before}.{text}"
    for old, new in (("/", "~1"), ("['", '."'), ('["', '."'), ("[", "."), ("']", '"'), ('"]', '"'), ("]", "")):
        path = path.replace(old, new)
    return path


@lru_cache(maxsize=4_096)  # computed paths are few per template; the bound is for templates that loop over keys
def way_of(pointer: str) -> Way:
    """The root and the steps of a rewritten path."""
    root, dot, rest = pointer.partition(".")
    return Way(root, steps_of(rest) if dot else (), pointer)


@lru_cache(maxsize=4_096)
def steps_of(dotted: str) -> tuple[Step, ...]:
    """The steps of a dotted text, as `attribute=` arguments have them too."""
    return tuple(
        Step(key := token.replace("~1", "/").replace("~0", "~"), int(key) if _INDEX.fullmatch(key) else None)
        for token in _tokens(dotted)
    )


def _tokens(text: str) -> Iterator[str]:
    """Cut at dots outside quotes and at every quote. A backslash takes the meaning from the character after it."""
    base = 0  # where the current token's search began
    quoted = {'"': False, "'": False}
    escaped = False
    while True:
        offset, found = 0, ""
        for at, character in enumerate(text[base:]):
            free = not escaped and not any(quoted.values())
            cut = False
            if character in quoted and not escaped:
                quoted[character] = not quoted[character]
                cut = True
            elif character == "\\":
                escaped = True
                continue
            elif free and character == "]":
                offset += 1
            elif free and character in "[.":
                cut = True
            escaped = False
            if not cut:
                continue
            if at == offset and character != "[":
                offset += 1
                continue
            found = text[base + offset : base + at]
            base += at + 1
            if found:
                break
        if not found:
            break
        yield found
    if base + offset < len(text):
        yield text[base + offset :]


def walk(value: Any, steps: tuple[Step, ...]) -> Any:
    """The value at the end of ``steps``, or MISSING."""
    for key, index in steps:
        if type(value) is dict:
            value = value.get(key, MISSING)
        elif type(value) is list:
            value = value[index] if index is not None and index < len(value) else MISSING
        else:
            return MISSING
    return value


def explain_missing(value: Any, way: Way) -> tuple[str, tuple[str, ...]]:
    """How far a look-up came, in words, and the keys that were there instead."""
    reached = way.root
    if value is MISSING:
        return "", ()
    index: int | None = None
    for key, index in way.steps:
        after = walk(value, (Step(key, index),))
        if after is MISSING:
            break
        value, reached = after, f"{reached}.{key}"
    if type(value) is dict:
        return reached, tuple(sorted(map(str, value))[:20])
    if type(value) is list and value:
        labels = _labels(value) if index is None else ()
        return reached, labels or ("0" if len(value) == 1 else f"0 to {len(value) - 1}",)
    return reached, ()


def _labels(groups: list[Any]) -> tuple[str, ...]:
    """The labels of an alert's groups, by which these can be indexed (`streams.templating.labels`)."""
    labels = (group.get("keyValues") for group in groups if type(group) is dict)
    return tuple(sorted({str(name) for of in labels if type(of) is dict for name in of})[:20])
