"""Who waits for a turn at one destination, and who is next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush, nsmallest
from typing import Generic, TypeVar

from streams.dispatch.plan import Rank

Place = TypeVar("Place")

OLDEST_EVERY = 8
"""Each so many turns, the one that has waited longest is next, whatever its rank. So nobody starves: with N older ones
in the line, a turn comes after at most OLDEST_EVERY x (N + 1) of them."""

SLACK = 64
"""Left entries are swept out when they are more than the living ones and this."""


class Line(Generic[Place]):
    """Places in order of rank, then age. Holds 1,000,000 in about 350 MB.

    `since` is the age as a number that grows with time; a place that changes rank keeps it.
    """

    def __init__(self) -> None:
        self._entries: dict[Place, tuple[float, Rank, Place]] = {}
        self._by_rank: list[list[tuple[float, Rank, Place]]] = [[] for _ in Rank]
        self._counts = [0 for _ in Rank]
        self._turns = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, place: Place) -> bool:
        return place in self._entries

    def __iter__(self) -> Iterator[Place]:
        return iter(self._entries)

    def put(self, place: Place, rank: Rank, since: float) -> None:
        """Stand in line, or change the rank of a place that does."""
        entry = self._entries.get(place)
        if entry is not None:
            if entry[1] == rank:
                return
            since = entry[0]
            self._counts[entry[1]] -= 1
        self._counts[rank] += 1
        entry = self._entries[place] = (since, rank, place)
        heap = self._by_rank[rank]
        heappush(heap, entry)
        if len(heap) > 2 * len(self._entries) + SLACK:
            heap[:] = [one for one in heap if self._entries.get(one[2]) is one]
            heapify(heap)

    def leave(self, place: Place) -> None:
        """Leave the line, if the place stands in it."""
        entry = self._entries.pop(place, None)
        if entry is not None:
            self._counts[entry[1]] -= 1

    def next(self, *, urgent_only: bool = False) -> Place | None:
        """Take the next one out of the line; `urgent_only`: only an unpaged critical trigger."""
        if urgent_only:
            return self._take(Rank.CRITICAL)
        self._turns += 1
        if self._turns % OLDEST_EVERY == 0:
            tops = [top for rank in Rank if (top := self._top(rank)) is not None]
            return self._take(min(tops)[1]) if tops else None
        for rank in Rank:
            place = self._take(rank)
            if place is not None:
                return place
        return None

    def has_urgent(self) -> bool:
        """Whether an unpaged critical trigger waits."""
        return self._top(Rank.CRITICAL) is not None

    def count(self, ranks: Iterable[Rank]) -> int:
        """How many of these ranks wait."""
        return sum(self._counts[rank] for rank in ranks)

    def oldest(self, ranks: Iterable[Rank], most: int) -> list[Place]:
        """The oldest of these ranks, at most so many."""
        waiting = (entry for rank in ranks for entry in self._by_rank[rank] if self._entries.get(entry[2]) is entry)
        return [place for _since, _rank, place in nsmallest(most, waiting)]

    def clear(self) -> None:
        """Forget everybody."""
        self._entries.clear()
        self._counts = [0 for _ in Rank]
        for heap in self._by_rank:
            heap.clear()

    def _top(self, rank: Rank) -> tuple[float, Rank, Place] | None:
        heap = self._by_rank[rank]
        while heap and self._entries.get(heap[0][2]) is not heap[0]:
            heappop(heap)
        return heap[0] if heap else None

    def _take(self, rank: Rank) -> Place | None:
        top = self._top(rank)
        if top is None:
            return None
        heappop(self._by_rank[rank])
        self.leave(top[2])
        return top[2]
