"""What the clock will do: acknowledgement time-outs, ends of snoozes, auto-resolves."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Literal, NamedTuple

from streams.sandbox.pagerduty.card import card_of
from streams.sandbox.pagerduty.incidents import Incident, IncidentBook

Act = Literal["unacknowledge", "resolve"]


class Due(NamedTuple):
    """`at`: milliseconds since the epoch. `order` keeps those of one time in the order in which they were made."""

    at: int
    order: int
    act: Act
    incident: Incident


class Agenda:
    """The acts to come, soonest first. An incident has one of each kind at most: the newest counts."""

    def __init__(self, book: IncidentBook) -> None:
        self._book = book
        self._order = count()
        self._heap: list[Due] = []
        self.changed: Callable[[], None] = lambda: None
        """Called when there may be something sooner."""

    def put(self, incident: Incident, act: Act, seconds: int | None, at: int) -> None:
        """Let `act` be done so many seconds after `at`; None: never."""
        due = None if seconds is None else at + seconds * 1000
        card = card_of(incident)
        if act == "resolve":
            card.resolve_at = due
        else:
            card.unacknowledge_at = due
        if due is not None:
            heapq.heappush(self._heap, Due(due, next(self._order), act, incident))
            self.changed()

    def next_at(self) -> int | None:
        """When the next act is due; None when none is."""
        while self._heap and not self._stands(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0].at if self._heap else None

    def take(self, now: int) -> Due | None:
        """The next act that is due by `now`, taken off."""
        at = self.next_at()
        return heapq.heappop(self._heap) if at is not None and at <= now else None

    def clear(self) -> None:
        self._heap.clear()

    def _stands(self, due: Due) -> bool:
        """Whether it is still to be done: the incident is there, and nothing else was set since."""
        incident = due.incident
        if not incident.open or self._book.get(incident.id) is not incident:
            return False
        card = card_of(incident)
        if due.act == "resolve":
            return card.resolve_at == due.at
        return card.unacknowledge_at == due.at and incident.status == "acknowledged"
