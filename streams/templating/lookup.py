"""Compiles look-ups: a path in a scope becomes a function from a rendering to a value, or to MISSING."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from streams.errors import DataMissing, RenderFailed, TemplateError
from streams.templating.encode import to_json
from streams.templating.labels import concerns_labels, walk_labels
from streams.templating.paths import Step, Way, computed_parts, explain_missing, pointer_of, walk, way_of
from streams.templating.run import Evaluate, Run
from streams.templating.scope import LOOP_WORDS, Kind, Scope
from streams.templating.values import MISSING, float_json, is_number, kind_of, text_of

Place = tuple[int, int]

SHARED: Final = 2_048
"""Look-ups that templates share: an event has some dozens of members that anybody asks for."""

#: Tera's name for everything a template can see at that place, as JSON over several lines.
WHOLE_CONTEXT: Final = "__tera_context"


def finder(path: str, scope: Scope) -> Evaluate:
    """A function that gives the value at ``path`` or MISSING, for whatever reason it cannot be had."""
    parts = computed_parts(path)
    if path == WHOLE_CONTEXT:
        return _whole_context(scope)
    if not parts:
        return _static(way_of(pointer_of(path, [])), scope)
    wanted = needer(path, scope, (0, 0))

    def find(run: Run) -> Any:
        try:
            return wanted(run)
        except DataMissing:
            return MISSING
        except RenderFailed:
            return MISSING

    return find


def needer(path: str, scope: Scope, place: Place) -> Evaluate:
    """A function that gives the value at ``path``. It raises DataMissing, with the keys that were there instead, and
    RenderFailed when a computed index is neither a text nor a number."""
    parts = computed_parts(path)
    if path == WHOLE_CONTEXT:
        return _whole_context(scope)
    if not parts:
        way = way_of(pointer_of(path, []))
        if not scope.candidates(way.root):
            return _needed_in_event(path, way, place)
        return _needed(path, way, scope, place)

    inner = [(part, needer(part, scope, place)) for part in parts]

    def need_computed(run: Run) -> Any:
        way = way_of(pointer_of(path, [(part, _index_text(of(run), place)) for part, of in inner]))
        value = _static(way, scope)(run)
        if value is MISSING:
            raise _missing(path, way, scope, run, place)
        return value

    return need_computed


def _needed(path: str, way: Way, scope: Scope, place: Place) -> Evaluate:
    find = _static(way, scope)

    def need(run: Run) -> Any:
        value = find(run)
        if value is MISSING:
            raise _missing(path, way, scope, run, place)
        return value

    return need


# Thousands of routing conditions look at the same few members of an event: shared, they stay in the processor's cache.
@lru_cache(SHARED)
def _needed_in_event(path: str, way: Way, place: Place) -> Evaluate:
    return _needed(path, way, Scope(), place)


def _whole_context(scope: Scope) -> Evaluate:
    def dump(run: Run) -> str:
        seen = {} if scope.macro else dict(run.context)
        # The outermost frame comes last and wins, though a look-up would find the innermost: so it is in Tera.
        for frame in reversed(scope.frames):
            slots = dict(frame.sets)
            if frame.loop is not None:
                slots[frame.loop.name] = frame.first + 3
                if frame.loop.key is not None:
                    slots[frame.loop.key] = frame.first + 2
            seen |= {name: run.slots[slot] for name, slot in slots.items() if run.slots[slot] is not MISSING}
        return to_json(seen, run, pretty=True)

    return dump


def _index_text(value: object, place: Place) -> str:
    if type(value) is str:
        return f'"{value}"'
    if is_number(value):
        return float_json(value) if type(value) is float else text_of(value)
    raise RenderFailed(f"an index must be a text or a number, and this one is {kind_of(value)}", *place)


def _static(way: Way, scope: Scope) -> Evaluate:
    candidates = scope.candidates(way.root)
    if candidates:
        return _through_frames(way, candidates)
    return _in_event(way)


@lru_cache(SHARED)
def _in_event(way: Way) -> Evaluate:
    root, steps, pointer = way
    if concerns_labels(pointer):

        def labelled(run: Run) -> Any:
            value = run.context.get(root, MISSING)
            found = walk(value, steps)
            return found if found is not MISSING or value is MISSING else walk_labels(value, root, steps)

        return labelled
    if not steps:
        return lambda run: run.context.get(root, MISSING)
    if len(steps) == 1:
        key = steps[0].key

        def one(run: Run) -> Any:
            value = run.context.get(root, MISSING)
            return value.get(key, MISSING) if type(value) is dict else walk(value, steps)

        return one
    return lambda run: walk(run.context.get(root, MISSING), steps)


def _through_frames(way: Way, candidates: list[tuple[Kind, int]]) -> Evaluate:
    attempts = [attempt for kind, slot in candidates if (attempt := _attempt(kind, slot, way)) is not None]
    last = _in_event(way)

    def find(run: Run) -> Any:
        for attempt in attempts:
            value = attempt(run)
            if value is not MISSING:
                return value
        return last(run)

    return find


def _attempt(kind: Kind, slot: int, way: Way) -> Evaluate | None:
    """A look into one slot; None when this path can never be found there."""
    root, steps, pointer = way.root, way.steps, way.pointer
    if kind == "key":
        return None if "." in pointer else lambda run: run.slots[slot]
    if kind == "loop":
        return _loop_word(pointer.removeprefix("loop."), slot)
    if not steps:
        return lambda run: run.slots[slot]
    if concerns_labels(pointer):

        def labelled(run: Run) -> Any:
            value = run.slots[slot]
            found = walk(value, steps)
            return found if found is not MISSING or value is MISSING else walk_labels(value, root, steps)

        return labelled
    return lambda run: walk(run.slots[slot], steps)


def _loop_word(word: str, slot: int) -> Evaluate | None:
    if word not in LOOP_WORDS:
        return None
    words: dict[str, Callable[[Run], Any]] = {
        "index": lambda run: run.slots[slot] + 1,
        "index0": lambda run: run.slots[slot],
        "first": lambda run: run.slots[slot] == 0,
        "last": lambda run: run.slots[slot] == run.slots[slot + 1] - 1,
    }
    return words[word]


def _missing(path: str, way: Way, scope: Scope, run: Run, place: Place) -> TemplateError:
    start: Any = MISSING
    for kind, slot in scope.candidates(way.root):
        if kind in ("set", "value") and run.slots[slot] is not MISSING:
            start = run.slots[slot]
            break
    else:
        start = run.context.get(way.root, MISSING)
    reached, present = explain_missing(start, way)
    if start is MISSING:
        present = tuple(sorted(map(str, run.context))[:20])
        where = "at the top"
    else:
        where = f"in `{reached}`"
    there = f"{where} there is: {', '.join(present)}" if present else f"there is nothing {where}"
    return DataMissing(f"`{path}` is not there; {there}", path, present, *place)


__all__ = ["Place", "Step", "finder", "needer"]
