"""One destination: its window, its share of connections, its standing, and who waits for a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streams.dispatch.digest import Digest
from streams.dispatch.incident import Record
from streams.dispatch.limiter import RESERVE, WINDOW_SECONDS, SlidingWindow
from streams.dispatch.line import Line
from streams.dispatch.plan import Rank
from streams.dispatch.rounds import Rounds
from streams.dispatch.standing import Standing

Place = tuple[int, bytes]
"""An incident: its partition and its row's key."""

PROBES = 10
"""Requests that a failing destination may have in flight: with one begun every 1.2 s and a time-out of 10 s, those that
hang never keep the next one waiting."""


class Slots:
    """Requests in flight over all destinations: at most `total`. Those that want one stand in line, each once."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self.line: dict[Destination, None] = {}

    def freed(self) -> None:
        """A slot came back: it is the turn of the destination that has waited longest."""
        while self.line and self.used < self.total:
            first = next(iter(self.line))
            del self.line[first]
            first.pump()  # wants more than it gets: then it stands at the end again


class Destination:
    """Grants turns by rank and age, while window, share and pause allow it.

    A failing destination is paused, and then asked by a single request a pause until one is answered: it delays only
    itself and is not knocked down again by its own backlog. `clock` gives monotonic seconds; `grant` is told the place
    whose turn it is, and must come back with `give_back`.
    """

    def __init__(
        self,
        limit: int,
        *,
        share: int,
        slots: Slots,
        clock: Callable[[], float],
        random: Callable[[], float],
        grant: Callable[[Destination, Place], None],
    ) -> None:
        self.window = SlidingWindow(limit)
        self.standing = Standing(random)
        self.line: Line[Place] = Line()
        self.rounds: Rounds[Place] = Rounds()
        self.digest = Digest()
        self.fold_above = 0
        self.in_flight = 0
        self._share = share
        self._slots = slots
        self._clock = clock
        self._grant = grant
        self._counted_until = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def serve_as(self, record: Record) -> None:
        """Take over what a record says of its destination: the limit, the reserve, when to fold."""
        limit, reserve = record["limit"], record.get("reserve", RESERVE)
        # A digest is an event of a service key; an account has no such thing.
        self.fold_above = (record.get("fold") or {}).get("above", 0) if "routing_key" in record else 0
        if limit != self.window.limit or reserve != self.window.reserve:
            self.window.limit, self.window.reserve = limit, reserve
            self.pump()

    def take(self, rank: Rank) -> bool:
        """Take a turn at once, if one is free and nobody waits who comes first."""
        urgent = rank is Rank.CRITICAL
        if self._slots.used >= self._slots.total or (self.line if not urgent else self.line.has_urgent()):
            return False
        if self._delay(urgent=urgent) != 0.0:
            return False
        self._begin()
        return True

    def wait(self, place: Place, rank: Rank, since: float) -> None:
        """Stand in line (or change the rank there); `grant` may be called before this returns."""
        self.line.put(place, rank, since)
        self.pump()

    def give_back(self) -> None:
        """Return a turn, used or not, after what it led to has been told to `standing`."""
        self.in_flight -= 1
        self._slots.used -= 1
        self.window.end(self._clock())
        self._slots.freed()
        self.pump()

    def failed(self, after: float | None, *, throttled: bool) -> None:
        """Note a failure of a request in flight; `after`: seconds that PagerDuty named."""
        now = self._clock()
        if throttled:
            self.window.overrun(now)
        self.standing.failed(now, after, alone=self.in_flight == 1, throttled=throttled)

    def pump(self) -> None:
        """Grant what can be granted; arrange to be called when time alone makes the next turn possible."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.line:
            urgent_only = False
            delay = self._delay(urgent=False)
            if delay != 0.0 and self.line.has_urgent():
                urgent = self._delay(urgent=True)
                urgent_only = urgent == 0.0
                delay = urgent if delay is None or urgent is None else min(delay, urgent)
            if delay is None:
                return  # a turn must come back first
            if delay > 0.0:
                self._timer = asyncio.get_running_loop().call_later(delay, self.pump)
                return
            if self._slots.used >= self._slots.total:
                self._slots.line[self] = None
                return
            place = self.line.next(urgent_only=urgent_only)
            assert place is not None, "somebody waits"
            self._begin()
            self.rounds.served(place)
            self._grant(self, place)

    def close(self) -> None:
        """Forget the line (the partitions are being taken away); window and standing stay as they are."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.line.clear()
        self.rounds.clear()
        self.digest = Digest()
        self._counted_until = self._clock()

    def forgettable(self, now: float) -> bool:
        """Whether nothing is known of it that matters: nobody waits, nothing was sent in the last minute, no mark."""
        idle = (
            not self.line
            and not self.digest.open
            and not self.in_flight
            and self.standing.mark is None
            and not self.standing.failures
        )
        return idle and self not in self._slots.line and self.window.empty(now)

    def restore(self, sent_at: float) -> None:
        """Count a request that a row tells of, unless it was counted when it was made. Monotonic seconds."""
        if sent_at > max(self._counted_until, self._clock() - WINDOW_SECONDS):
            self.window.restore(sent_at)

    def _delay(self, *, urgent: bool) -> float | None:
        """Seconds until a turn is possible; None when one must come back first."""
        if self.in_flight >= (min(PROBES, self._share) if self.standing.failures else self._share):
            return None
        now = self._clock()
        wait = self.window.wait(now, urgent=urgent)
        return None if wait is None else max(self.standing.pause(now), wait)

    def _begin(self) -> None:
        self.window.begin()
        self.standing.asked(self._clock())
        self.in_flight += 1
        self._slots.used += 1
