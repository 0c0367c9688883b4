"""A broker as a producer meets it: records land in order, are confirmed later, or are lost with the producer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

LATENCIES = (0.0, 0.0, 0.002, 0.002, 0.05)
SLOW = (1.5, 12.0)


class Channel:
    """One partition. `slow` gives the probability that a record takes seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random, slow: Callable[[], float]) -> None:
        self._loop = loop
        self._random = random
        self._slow = slow
        self._unlanded: deque[Callable[[], None]] = deque()
        self._unconfirmed: deque[tuple[asyncio.Future[None], Callable[[], None]]] = deque()
        self._last_landing = 0.0
        self._last_confirmation = 0.0

    def send(self, land: Callable[[], None], confirmed: Callable[[], None]) -> asyncio.Future[None]:
        """Queue a record: `land` makes it durable, later `confirmed` runs and the future is done."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._unlanded.append(land)
        self._unconfirmed.append((future, confirmed))
        self._last_landing = max(self._loop.time() + self._latency(), self._last_landing)
        self._last_confirmation = max(self._last_landing + self._latency(), self._last_confirmation)
        self._loop.call_at(self._last_landing, self._land)
        self._loop.call_at(self._last_confirmation, self._confirm)
        return future

    async def flush(self) -> None:
        """Wait until everything sent so far is confirmed."""
        await self.send(lambda: None, lambda: None)

    def cut(self) -> None:
        """The producer died: of what had not landed, a beginning may still land."""
        for _ in range(self._random.randint(0, len(self._unlanded))):
            self._unlanded.popleft()()

    def _land(self) -> None:
        self._unlanded.popleft()()

    def _confirm(self) -> None:
        if len(self._unconfirmed) == len(self._unlanded):  # of two timers for one instant either may come first
            self._loop.call_soon(self._confirm)
            return
        future, confirmed = self._unconfirmed.popleft()
        confirmed()
        if not future.done():
            future.set_result(None)

    def _latency(self) -> float:
        slow = self._random.random() < self._slow()
        return self._random.choice(SLOW if slow else LATENCIES)


class Ledger(dict[str, set[str]]):
    """What `deliveries` and `dead-letters` say: the statuses by id."""

    def note(self, record_id: str, status: str) -> None:
        self.setdefault(record_id, set()).add(status)


def status_of(topic: str, value: dict[str, Any]) -> str:
    """The status that a consumer of both topics would read."""
    return "dead" if topic == "dead-letters" else value["outcome"]["status"]
