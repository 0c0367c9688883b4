"""Ordered work per key, many keys at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]


class Lanes:
    """One first-in-first-out lane per key, each served by a task of its own while it is not empty.

    Work that raises is a bug: `on_crash` gets the exception and the lane stops where it is, so that nothing behind
    the failed work overtakes it. `full` bounds what waits: `put` waits below it, which is the agent's back-pressure.
    """

    def __init__(self, on_crash: Callable[[BaseException], None], full: int) -> None:
        self._lanes: dict[str, deque[Work]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_crash = on_crash
        self._full = full
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()
        self._draining = False

    async def put(self, key: str, work: Work) -> None:
        """Add `work` at the end of `key`'s lane; waits while the lanes are full. Dropped while they are drained."""
        while self._waiting >= self._full and not self._draining:
            self._room.clear()
            await self._room.wait()
        if self._draining:
            return
        self._waiting += 1
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(work)
            return
        self._lanes[key] = deque((work,))
        task = asyncio.get_running_loop().create_task(self._serve(key))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def _serve(self, key: str) -> None:
        lane = self._lanes[key]
        while lane:
            try:
                await lane[0]()
            finally:
                self._waiting -= 1
                if not self._room.is_set() and self._waiting < self._full:
                    self._room.set()
            lane.popleft()
        del self._lanes[key]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_crash(error)

    async def drain(self, seconds: float) -> None:
        """Finish what runs within `seconds`, drop what has not begun; what was dropped is delivered again later."""
        self._draining = True
        self._room.set()
        for lane in self._lanes.values():
            while len(lane) > 1:
                lane.pop()
                self._waiting -= 1
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._lanes.clear()
        self._waiting = 0
        self._draining = False

    def __len__(self) -> int:
        return self._waiting
