"""What the plain and the safe worker of these tests share: their journal, and the work that an event asks for.

Both scripts get one argument, the JSON of a `Job`. They write what they do to a journal, one JSON line each, with one
write call, so that what was written before a SIGKILL is there and the lines of several workers stand in true order.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError

TICK_SECONDS = 0.02
"""How often waiting work looks whether its gate has opened."""

PR_SET_PDEATHSIG = 1


class Job:
    """What a worker is told: `job.name`, with the defaults below for what is not given."""

    defaults = {  # noqa: RUF012 - never changed
        "who": "worker",
        "table": None,
        "partitions": 1,
        "session": 3.0,
        "heartbeat": 0.5,
        "commit": 0.2,
        "concurrency": 1,
        "wait_empty": False,
        "drain": 2.0,
        "recorder": None,
        "out": None,
        "inject": None,
        "seek": None,
        "ensure": [],
        "poll_interval": 31_536_000.0,
        "metadata_age": 300.0,
        "produce_timeout": 30.0,
        "lanes": 1_000,
    }

    def __init__(self, argument: str) -> None:
        self.__dict__.update(self.defaults)
        self.__dict__.update(json.loads(argument))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Journal:
    """Appends to the file that all workers of a test share."""

    def __init__(self, path: str, who: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._who = who

    def __call__(self, what: str, **details: Any) -> None:
        line = {"at": time.monotonic(), "who": self._who, "pid": os.getpid(), "what": what, **details}
        os.write(self._file, json.dumps(line).encode() + b"\n")


def begin() -> Job:
    """Read the job; from now on this process ends with the one that started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return Job(sys.argv[1])


async def inject(app: Any, job: Job, journal: Journal) -> None:
    """Once `job.inject` is there: a rebalance, and a coordinator whose answer to it aiokafka cannot go on from."""
    if not await _asked(job.inject):
        return
    coordinator = app.consumer._thread._consumer._coordinator

    async def refused(_subscription: Any) -> bool:
        await asyncio.sleep(1.5)  # as long as a rebalance takes; a fetch that is still waiting would see the error
        raise GroupAuthorizationFailedError(job.group)

    coordinator._do_rejoin_group = refused
    app.consumer._thread.thread_loop.call_soon_threadsafe(coordinator.request_rejoin)
    journal("injected")


async def seek(app: Any, job: Job, journal: Journal) -> None:
    """Once `job.seek` is there: what a rebalance ends with, on the same partitions."""
    if not await _asked(job.seek):
        return
    app.consumer.stop_flow()
    await app.consumer.perform_seek()
    app.consumer.resume_flow()
    journal("sought")


async def _asked(file: str | None) -> bool:
    while file is not None and not Path(file).exists():
        await asyncio.sleep(TICK_SECONDS)
    return file is not None


async def work(
    journal: Journal, message: Any, each_tick: Callable[[dict[str, Any]], Awaitable[None]] | None = None
) -> None:
    """Do what the event asks for.

    `gate`: wait until that file exists, calling `each_tick` all the while. `fail_once`: raise, unless that file
    exists; it does after the first time. `seconds`: take that long.
    """
    event = json.loads(message.value)
    where = {"id": event["id"], "partition": message.partition, "offset": message.offset}
    journal("begin", **where)
    try:
        marker = event.get("fail_once")
        if marker and not Path(marker).exists():
            Path(marker).touch()
            raise RuntimeError(f"told to fail on {event['id']}")
        gate = event.get("gate")
        while gate and not Path(gate).exists():
            if each_tick is not None:
                await each_tick(event)
            await asyncio.sleep(TICK_SECONDS)
        await asyncio.sleep(event.get("seconds", 0.0))
    except asyncio.CancelledError:
        journal("cancelled", **where)
        raise
    journal("done", **where)
