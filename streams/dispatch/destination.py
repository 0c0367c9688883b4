"""One destination: its window, its share of connections, its pauses, and who waits for a turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from streams.dispatch.backoff import backoff
from streams.dispatch.limiter import SlidingWindow

LONGEST_PAUSE_SECONDS = 600.0
"""Of a pause that is asked for. PagerDuty's limits move within a minute; whatever asks for hours is not to be believed
when it stands between an alert and a person."""


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
    """Grants turns in order of asking, while window, share and pause allow it.

    A failing destination is paused, and then tried with a single request at a time until one is answered: it delays
    only itself and is not knocked down again by its own backlog. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        limit: int,
        *,
        share: int,
        slots: Slots,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self.window = SlidingWindow(limit)
        self.in_flight = 0
        self.failures = 0
        self._share = share
        self._slots = slots
        self._clock = clock
        self._random = random
        self._paused_until = float("-inf")
        self._told_until = float("-inf")
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def limit_to(self, limit: int) -> None:
        """Requests a minute from now on."""
        if limit != self.window.limit:
            self.window.limit = limit
            self.pump()

    def take(self) -> bool:
        """Take a turn at once, if nobody waits and one is free."""
        if self._waiters or self._slots.used >= self._slots.total or self._delay() != 0.0:
            return False
        self._grant()
        return True

    def queue(self) -> asyncio.Future[None]:
        """Stand in line; the future is done when the turn has been granted. Cancel it to leave."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.pump()
        return waiter

    def give_back(self) -> None:
        """Return a turn, used or not, after what it led to has been told to `answered` or `failed`."""
        self.in_flight -= 1
        self._slots.used -= 1
        self.window.end(self._clock())
        self._slots.freed()
        self.pump()

    def answered(self) -> None:
        """PagerDuty answered for good: no reason to hold back, unless it has named a time."""
        self.failures = 0
        self._paused_until = float("-inf")

    def failed(self, after: float | None) -> None:
        """Pause after a failure: `after` seconds when PagerDuty named them, else the back-off.

        Requests that were in flight together fail together, and count as one failure.
        """
        now = self._clock()
        alone = self.in_flight == 1 and now >= max(self._paused_until, self._told_until)
        counts = self.failures == 0 or alone
        self.failures += counts
        if after:
            self._told_until = max(self._told_until, now + min(after, LONGEST_PAUSE_SECONDS))
        elif counts:
            self._paused_until = now + backoff(self.failures, self._random)

    def pump(self) -> None:
        """Grant what can be granted; arrange to be called when time alone makes the next turn possible."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiters:
            if self._waiters[0].done():  # left the line
                self._waiters.popleft()
                continue
            delay = self._delay()
            if delay is None:
                return  # a turn must come back first
            if delay > 0.0:
                self._timer = asyncio.get_running_loop().call_later(delay, self.pump)
                return
            if self._slots.used >= self._slots.total:
                self._slots.line[self] = None
                return
            self._grant()
            self._waiters.popleft().set_result(None)

    def close(self) -> None:
        """Forget the line (the partitions are being taken away); window and pauses stay as they are."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiter in self._waiters:
            waiter.cancel()
        self._waiters.clear()

    def _delay(self) -> float | None:
        """Seconds until a turn is possible; None when one must come back first."""
        if self.in_flight >= (1 if self.failures else self._share):
            return None
        now = self._clock()
        wait = self.window.wait(now)
        return None if wait is None else max(0.0, self._paused_until - now, self._told_until - now, wait)

    def _grant(self) -> None:
        self.window.begin()
        self.in_flight += 1
        self._slots.used += 1
