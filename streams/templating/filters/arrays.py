"""Filters on arrays, and `get` on objects. The value must be an array, unless the filter says otherwise."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from streams.errors import RenderFailed
from streams.templating.arguments import (
    Arguments,
    array,
    boolean_argument,
    float_argument,
    needed,
    pattern_argument,
    size_argument,
    text_argument,
)
from streams.templating.encode import to_json
from streams.templating.paths import steps_of, walk
from streams.templating.registry import filter_
from streams.templating.run import Run
from streams.templating.values import I64_MAX, I64_MIN, MISSING, is_number, kind_of, same, size_of, text_of


@filter_("first", "The first element; an empty text when there is none.", "", '{{ ["a", "b"] | first }}', "a")
def first(value: Any, arguments: Arguments, run: Run) -> Any:
    items = array(value)
    return items[0] if items else ""


@filter_("last", "The last element; an empty text when there is none.", "", '{{ ["a", "b"] | last }}', "b")
def last(value: Any, arguments: Arguments, run: Run) -> Any:
    items = array(value)
    return items[-1] if items else ""


@filter_(
    "nth", "The element at `n`, from 0; an empty text when there is none.", "n", '{{ ["a", "b", "c"] | nth(n=1) }}', "b"
)
def nth(value: Any, arguments: Arguments, run: Run) -> Any:
    items = array(value)
    if not items:
        return ""
    at = size_argument(arguments, "n")
    return items[at] if at < len(items) else ""


@filter_(
    "join", "The elements as one text with `sep` between them.", "sep", '{{ ["eu", "us"] | join(sep=", ") }}', "eu, us"
)
def join(value: Any, arguments: Arguments, run: Run) -> str:
    items, separator = array(value), pattern_argument(arguments, "sep", "")
    run.meter.text(len(items) * len(separator))
    return separator.join(map(text_of, items))


@filter_(
    "concat",
    "With the elements of `with` after its own, or `with` itself when it is no array.",
    "with",
    '{{ ["a"] | concat(with=["b", "c"]) }}',
    "[a, b, c]",
)
def concat(value: Any, arguments: Arguments, run: Run) -> list[Any]:
    items, more = array(value), needed(arguments, "with")
    run.meter.work(size_of(more))
    return [*items, *more] if type(more) is list else [*items, more]


@filter_(
    "slice",
    "From `start` (0) up to, not including, `end`; negative numbers count from the end.",
    "start, end",
    '{{ ["a", "b", "c"] | slice(start=1) }}',
    "[b, c]",
)
def slice_(value: Any, arguments: Arguments, run: Run) -> list[Any]:
    items = array(value)
    if not items:
        return items

    def place(number: float) -> int:
        return int(min(max(number if number >= 0 else len(items) + number, 0), 2**62))

    return items[place(float_argument(arguments, "start", 0)) : place(float_argument(arguments, "end", len(items)))]


@filter_(
    "map",
    "The value of `attribute` of each element that has one.",
    "attribute",
    '{{ alert.groups | map(attribute="keyValues.host") | join(sep=" ") }}',
    "web-1 web-2",
)
def map_(value: Any, arguments: Arguments, run: Run) -> list[Any]:
    items = array(value)
    if not items:
        return items
    steps = steps_of(text_argument(arguments, "attribute"))
    return [found for item in items if (found := walk(item, steps)) is not MISSING and found is not None]


@filter_(
    "filter",
    "The elements whose `attribute` is `value`, or is anything but null when no `value` is given.",
    "attribute, value",
    '{{ alert.groups | filter(attribute="priority", value="P1") | length }}',
    "1",
)
def filter_by(value: Any, arguments: Arguments, run: Run) -> list[Any]:
    items = array(value)
    if not items:
        return items
    steps = steps_of(text_argument(arguments, "attribute"))
    wanted = arguments.get("value")
    found = [(item, walk(item, steps)) for item in items]
    if wanted is None:
        return [item for item, has in found if has is not MISSING and has is not None]
    return [item for item, has in found if same(has, wanted)]


@filter_(
    "group_by",
    "An object: each value of `attribute`, as text, with the array of the elements that have it.",
    "attribute",
    '{% for priority, groups in alert.groups | group_by(attribute="priority") %}{{ priority }}:{{ groups | length }} {% endfor %}',  # noqa: E501
    "P1:1 P2:1 ",
)
def group_by(value: Any, arguments: Arguments, run: Run) -> dict[str, Any]:
    items = array(value)
    groups: dict[str, Any] = {}
    if not items:
        return groups
    steps = steps_of(text_argument(arguments, "attribute"))
    for item in items:
        key = walk(item, steps)
        if key is not MISSING and key is not None:
            groups.setdefault(key if type(key) is str else to_json(key, run), []).append(item)
    return groups


@filter_(
    "sort",
    "In order, by `attribute` when it is given; all must be of one kind.",
    "attribute",
    "{{ [3, 1, 2] | sort }}",
    "[1, 2, 3]",
)
def sort(value: Any, arguments: Arguments, run: Run) -> list[Any]:
    items = array(value)
    if not items:
        return items
    keys = _attributes(items, arguments)
    run.meter.work(4 * len(items))
    kind = _sortable(keys[0])
    for key in keys:
        if _sortable(key) != kind:
            raise RenderFailed(f"cannot put {kind_of(keys[0])} and {kind_of(key)} in order")
    orders: dict[str, Callable[[Any], Any]] = {"number": _float_order, "array": len}
    order = orders.get(kind, lambda key: key)
    return [items[at] for at in sorted(range(len(items)), key=lambda at: order(keys[at]))]


def _attributes(items: list[Any], arguments: Arguments) -> list[Any]:
    attribute = text_argument(arguments, "attribute", "")
    steps = steps_of(attribute)
    keys = [walk(item, steps) for item in items]
    if MISSING in keys:
        raise RenderFailed(f"an element has no `{attribute}`")
    return keys


def _sortable(key: object) -> str:
    if is_number(key):
        return "number"
    if type(key) in (bool, str, list):
        return "array" if type(key) is list else type(key).__name__
    raise RenderFailed(f"cannot put {kind_of(key)} in order")


def _float_order(key: float) -> int:
    """Floats in IEEE 754's total order, which puts -0.0 before 0.0."""
    bits: int = struct.unpack("<q", struct.pack("<d", float(key)))[0]
    return bits if bits >= 0 else bits ^ 0x7FFF_FFFF_FFFF_FFFF


@filter_(
    "unique",
    "Without repeated elements, compared by `attribute` when it is given; texts that differ only in case are repeated unless `case_sensitive=true`.",  # noqa: E501
    "attribute, case_sensitive",
    '{{ ["eu", "us", "EU"] | unique | join(sep=" ") }}',
    "eu us",
)
def unique(value: Any, arguments: Arguments, run: Run) -> list[Any]:
    items = array(value)
    if not items:
        return items
    exact = boolean_argument(arguments, "case_sensitive")
    attribute = text_argument(arguments, "attribute", "")
    keys = [walk(item, steps_of(attribute)) for item in items]
    if keys[0] is MISSING:
        raise RenderFailed(f"the first element has no `{attribute}`")
    if type(keys[0]) not in (bool, int, str):
        raise RenderFailed(f"cannot tell repeated elements when they are {kind_of(keys[0])} like the first")
    kept, seen = list[Any](), set[object]()
    for item, key in zip(items, keys, strict=True):
        if key is MISSING:
            continue
        if type(key) is not type(keys[0]) or (type(key) is int and not I64_MIN <= key <= I64_MAX):
            raise RenderFailed("the elements are of different kinds")
        known = key.lower() if type(key) is str and not exact else key
        if known not in seen:
            seen.add(known)
            kept.append(item)
    return kept


@filter_(
    "get",
    "The value at `key` of an object; `default` when there is none.",
    "key, default",
    '{{ alertDef.entityLabels | get(key="team", default="ops") }}',
    "payments",
)
def get(value: Any, arguments: Arguments, run: Run) -> Any:
    key = text_argument(arguments, "key")
    if type(value) is not dict:
        raise RenderFailed(f"works on an object, not on {kind_of(value)}")
    if key not in value and "default" not in arguments:
        raise RenderFailed(f"there is no `{key}` in the object")
    return value[key] if key in value else arguments["default"]
