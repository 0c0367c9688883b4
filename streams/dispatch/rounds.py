"""Fair turns among the services of one account: round-robin, however many one of them has waiting."""

from __future__ import annotations

from typing import Generic, TypeVar

Place = TypeVar("Place")


class Rounds(Generic[Place]):
    """Gives each place that waits the number of its round: the next one of its service after the present round.

    In the order of these numbers each service has one turn a round (start-time fair queueing, all of the same weight).
    """

    def __init__(self) -> None:
        self._now = 0
        self._last: dict[str, int] = {}
        self._of: dict[Place, int] = {}

    def join(self, place: Place, service: str) -> int:
        """The round of a place; the one that it has, if it waits already."""
        known = self._of.get(place)
        if known is not None:
            return known
        number = max(self._now, self._last.get(service, 0)) + 1
        self._last[service] = self._of[place] = number
        return number

    def served(self, place: Place) -> None:
        """It is the turn of a place."""
        self._now = max(self._now, self._of.pop(place, 0))
        self._forget()

    def left(self, place: Place) -> None:
        """A place waits no more."""
        self._of.pop(place, None)
        self._forget()

    def clear(self) -> None:
        """Nobody waits."""
        self._of.clear()
        self._forget()

    def _forget(self) -> None:
        if not self._of:
            self._now = 0
            self._last.clear()
