"""Time for the simulator: the machine's, or one that a test moves by hand."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the simulator reads the time and waits."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back. The rate-limit window is measured with it."""

    def time_ms(self) -> int:
        """Wall-clock time in milliseconds since the epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def time_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance` is called, on the event loop that the sleepers run on.

    >>> clock = ManualClock()
    >>> clock.advance(61)
    >>> clock.monotonic()
    61.0
    """

    def __init__(self, time_ms: int = 1_775_000_000_000) -> None:
        self._start_ms = time_ms
        self._now = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def monotonic(self) -> float:
        return self._now

    def time_ms(self) -> int:
        return self._start_ms + round(self._now * 1000)

    async def sleep(self, seconds: float) -> None:
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self._now + seconds, waker)
        self._sleepers.append(sleeper)
        self._changed.set()
        try:
            await waker
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
            self._changed.set()

    async def asleep(self, count: int = 1, timeout: float = 10.0) -> None:
        """Return when `count` coroutines, no more, are asleep on this clock: moving it will wake them.

        Raises TimeoutError after `timeout` seconds of real time.
        """
        async with asyncio.timeout(timeout):
            while len(self._sleepers) != count:
                self._changed.clear()
                await self._changed.wait()

    def advance(self, seconds: float) -> None:
        """Move the time on by `seconds` and wake whoever is due.

        Raises ValueError for a negative number: a monotonic clock does not go back.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back ({seconds} s)")
        self._now += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
        for sleeper in due:
            self._sleepers.remove(sleeper)
            if not sleeper[1].done():
                sleeper[1].set_result(None)
