"""PagerDuty's Events API as the dispatcher's world sees it, and the record of what was accepted when.

Rules: PagerDuty Events API v2, deduplication. A trigger opens or repeats, an acknowledge or resolve for what is not
open is dropped, a trigger after the resolve opens anew, an acknowledged incident stays so when triggered again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

Place = tuple[str, str]
"""Destination and dedup key."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of an incident. `index` counts within the incident; `life` counts the times it was opened so far, None
    for an acknowledge when nothing was open. `refused`: PagerDuty answers 400 to it."""

    source: str
    place: Place
    action: str
    index: int
    life: int | None
    refused: bool


def after(state: str, action: str) -> str:
    """PagerDuty's state ("closed", "triggered", "acknowledged") after an action."""
    if action == "trigger":
        return "triggered" if state == "closed" else state
    if action == "acknowledge":
        return "closed" if state == "closed" else "acknowledged"
    return "closed"


class PagerDuty:
    """States, and everything that should never have been accepted, in words.

    What a dead process left on the wire may arrive when its successor has already spoken; nobody can order that. Such
    an event, when it is out of order, counts in `disturbed` and is left out of the states; nothing else is.
    """

    def __init__(self) -> None:
        self.state: dict[Place, str] = defaultdict(lambda: "closed")
        self.accepted: dict[Place, list[Input]] = defaultdict(list)
        self.wrong: list[str] = []
        self.disturbed: list[str] = []
        self._opened: dict[Place, int | None] = defaultdict(lambda: 0)
        self._resolved: dict[Place, int] = defaultdict(lambda: -1)

    def accept(self, given: Input, *, late: bool = False) -> None:
        """Take an event in. `late`: its process is gone and another one may have spoken since."""
        place = given.place
        complaint = self._complaint(given)
        if complaint is not None:
            (self.disturbed if late else self.wrong).append(f"{given.action} {given.source}: {complaint}")
            if late:
                return
        self.accepted[place].append(given)
        if self.state[place] == "closed" and given.action == "trigger":
            self._opened[place] = given.life
        self.state[place] = after(self.state[place], given.action)
        if given.action == "resolve":
            self._resolved[place] = max(self._resolved[place], given.index)

    def _complaint(self, given: Input) -> str | None:
        place, opened = given.place, self._opened[given.place]
        if given.action == "trigger" and self._resolved[place] > given.index:
            return "a trigger after its resolve"
        if self.state[place] == "closed" or given.life == opened:
            return None
        if given.action == "resolve" and given.life is not None and opened is not None and given.life > opened:
            return None  # it speaks for all lives up to its own
        return f"of life {given.life} while life {opened} was open"
