"""How it stands, in one sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streams.explain.story import Ending, Input, Known, Now, Pinned, State, state_of, took_plain

NO_WORKER = "no worker is running"

_OPEN = {"triggered": "open", "acknowledged": "open and acknowledged", "resolved": "resolved", "none": "not paged"}


def now_of(inputs: Sequence[Input], pins: Sequence[Pinned], known: Sequence[Known], workers: int | None) -> Now:
    """What matters most first: what waits, then what is dead, then what PagerDuty was told."""
    endings = [(one, ending) for one in inputs for ending in one.endings]
    if waiting := [(one, ending) for one, ending in endings if ending.status == "waiting"]:
        return _waiting(waiting, workers)
    if dead := _newest_dead(inputs):
        one, ending = dead
        return Now(
            "dead",
            f"the newest input, {one.source}, is in the dead letters ({ending.reason}): repair what is wrong, then "
            f"`pagerline dead-letters replay {ending.letter or one.source}`",
        )
    states = {**state_of(endings), **{one.destination: one.state for one in known}}
    told = {destination: state for destination, state in states.items() if state != "none"}
    if told:
        order: tuple[State, ...] = ("triggered", "acknowledged", "resolved")
        first: State = next((state for state in order if state in told.values()), "unknown")
        at = ", ".join(f"{_OPEN.get(state, state)} at {destination}" for destination, state in told.items())
        return Now(first, f"PagerDuty's incident is {at}")
    if endings:
        return Now("not_paged", f"nobody was paged: {endings[-1][1].message}")
    if pins:
        return Now("unknown", "only its pin is known; its outcomes are older than what was looked at")
    return Now("unknown", "no outcome of it was found")


def _waiting(waiting: Sequence[tuple[Input, Ending]], workers: int | None) -> Now:
    one, ending = waiting[0]
    more = f" ({len(waiting) - 1} more wait)" if len(waiting) > 1 else ""
    idle = f"; {NO_WORKER}" if workers == 0 else ""
    return Now("waiting", f"the {one.action or 'input'} of {one.source} {_inside(ending.message)}{more}{idle}")


def _inside(message: str) -> str:
    """A sentence of `waiting` behind its subject."""
    return f"waits: {message}" if message.startswith("PagerDuty") else message


def _newest_dead(inputs: Sequence[Input]) -> tuple[Input, Ending] | None:
    """The newest input's dead ending, when PagerDuty got nothing in its place and no replay went better."""
    for one in reversed(inputs):
        if one.endings:
            settled = {ending.replay for ending in one.endings if ending.status != "dead"}
            dead = [
                ending
                for ending in one.endings
                if ending.status == "dead" and ending.letter not in settled and not took_plain(ending)
            ]
            return (one, dead[-1]) if dead else None
    return None
