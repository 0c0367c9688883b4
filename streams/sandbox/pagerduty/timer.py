"""Lets the clock act: acknowledgement time-outs, ends of snoozes and auto-resolves come without anybody asking."""

from __future__ import annotations

import asyncio

from streams.sandbox.pagerduty.clock import Clock
from streams.sandbox.pagerduty.desk import Desk


class Timer:
    """Runs while the simulator serves."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._desk.agenda.changed = self._changed.set
        self._task = asyncio.create_task(self._run(), name="timer of the simulator")

    async def stop(self) -> None:
        self._desk.agenda.changed = lambda: None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            self._desk.pass_time(self._clock.time_ms())
            waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._changed.wait())]
            if (due := self._desk.agenda.next_at()) is not None:
                seconds = max(0.0, (due - self._clock.time_ms()) / 1000)
                waits.append(asyncio.ensure_future(self._clock.sleep(seconds)))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
