"""An event loop whose clock moves only when nothing is left to do: hours pass in microseconds, and always the same way.

One handle is run per step, so that a test can stop a program between any two of them, as a kill would.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any


class Idle(Exception):
    """Nothing is ready and no timer is set, though the condition waited for does not hold."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's loop without a selector. `start` is its clock's first value, in seconds."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self._now = start
        self._abandoned = False
        self.steps = 0
        self.failures: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _loop, context: self.failures.append(context))

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        if self._abandoned:
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def run(self, until: Callable[[], bool], *, deadline: float = float("inf"), idle_ok: bool = False) -> None:
        """Step until the condition holds or the clock would pass `deadline`, where it then stands.

        Raises Idle when nothing can ever happen any more, unless `idle_ok` (the clock then goes to the deadline).
        """
        asyncio._set_running_loop(self)
        try:
            while not until():
                if not self._ready and not self._wake(deadline):
                    if self._scheduled or idle_ok:
                        self._now = max(self._now, deadline)
                        return
                    raise Idle
                handle = self._ready.popleft()
                if not handle._cancelled:
                    self.steps += 1
                    handle._run()
        finally:
            asyncio._set_running_loop(None)

    def complete(self, coroutine: Any) -> Any:
        """Run one coroutine to its end; its result."""
        task = self.create_task(coroutine)
        self.run(task.done)
        return task.result()

    def abandon(self) -> None:
        """Kill: no task takes another step, no callback runs, as if the process had ended here."""
        self._abandoned = True
        self._ready.clear()
        self._scheduled.clear()
        asyncio._set_running_loop(self)
        try:
            ended: set[asyncio.Task[Any]] = set()
            while alive := asyncio.all_tasks(self) - ended:  # a closing coroutine may make another
                for task in alive:
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    task.get_coro().close()  # type: ignore[union-attr]
                ended |= alive
        finally:
            asyncio._set_running_loop(None)
        self._scheduled.clear()
        self.close()

    def _wake(self, deadline: float) -> bool:
        """Move the clock to the next timer and make what is due ready; False when there is none before the deadline."""
        timers = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not timers or timers[0]._when > deadline:
            return False
        self._now = max(self._now, timers[0]._when)
        while timers and timers[0]._when <= self._now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            self._ready.append(handle)
        return True

    # What BaseEventLoop leaves to a selector; nothing here comes from outside.

    def _write_to_self(self) -> None:
        return None

    def _process_events(self, _events: object) -> None:
        return None
