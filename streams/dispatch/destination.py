"""One destination: its window, its share of connections, its pauses, and who waits for a turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from streams.dispatch.backoff import backoff
from streams.dispatch.limiter import SlidingWindow


class Slots:
    """Requests in flight over all destinations: at most `total`."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0


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
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    def take(self) -> bool:
        """Take a turn at once, if nobody waits and one is free."""
        if self._waiters or self._delay() != 0.0:
            return False
        self._count()
        return True

    def queue(self) -> asyncio.Future[None]:
        """Stand in line; the future is done when the turn has been granted (and counted). Cancel it to leave."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.pump()
        return waiter

    def give_back(self) -> None:
        """Return a turn that was granted; the window keeps counting it."""
        self.in_flight -= 1
        self._slots.used -= 1

    def answered(self) -> None:
        """PagerDuty answered for good: no reason to hold back."""
        self.failures = 0
        self._paused_until = float("-inf")

    def failed(self, after: float | None) -> float:
        """Pause after a failure: `after` seconds when PagerDuty named them, else the back-off. Returns the pause."""
        self.failures += 1
        pause = after if after is not None else backoff(self.failures, self._random)
        self._paused_until = max(self._paused_until, self._clock() + pause)
        return pause

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
            self._count()
            self._waiters.popleft().set_result(None)

    def close(self) -> None:
        """Forget the line (the partitions are being taken away)."""
        if self._timer is not None:
            self._timer.cancel()
        for waiter in self._waiters:
            waiter.cancel()
        self._waiters.clear()

    def _delay(self) -> float | None:
        """Seconds until a turn is possible; None when it depends on a turn coming back."""
        share = 1 if self.failures else self._share
        if self.in_flight >= share or self._slots.used >= self._slots.total:
            return None
        now = self._clock()
        return max(0.0, self._paused_until - now, self.window.wait(now))

    def _count(self) -> None:
        self.window.take(self._clock())
        self.in_flight += 1
        self._slots.used += 1
