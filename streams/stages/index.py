"""Writes the topic `input-index`: many inputs a record, so that it costs next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from streams import input_index
from streams.events import Event
from streams.kafka.producer import Producer

Ack = Callable[[], None]

WAIT_SECONDS: Final = 0.2
"""How long an input waits for others. Its acknowledgement waits with it, its page does not."""

MOST: Final = 500
"""Inputs of a record: some 50 kB."""

MOST_BYTES: Final = 500_000
"""Of entries, before the next record: the topic takes four times as much, and an entry has some 40 kB at most."""


class InputIndex:
    """Notes inputs that are done, and acknowledges them once the index has them: what is not in it is not committed.

    `crash` is told when a record cannot be written.
    """

    def __init__(self, producer: Producer, topic: str, crash: Callable[[BaseException], None]) -> None:
        self._producer = producer
        self._topic = topic
        self._crash = crash
        self._entries: list[bytes] = []
        self._acks: list[Ack] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, event: Event, ack: Ack) -> None:
        """Take in an input; `ack` is called when the broker has its entry."""
        entry = input_index.entry_of(event)
        self._entries.append(entry)
        self._acks.append(ack)
        self._bytes += len(entry)
        if len(self._entries) >= MOST or self._bytes >= MOST_BYTES:
            self._write()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WAIT_SECONDS, self._write)

    async def flush(self, seconds: float) -> None:
        """Write what has been noted; returns when that is confirmed, or after so many seconds. What is not confirmed
        by then stays unacknowledged."""
        self._write()
        if self._writing:
            await asyncio.wait(self._writing, timeout=seconds)

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._entries:
            return
        value, acks = input_index.record_of(self._entries), self._acks
        self._entries, self._acks, self._bytes = [], [], 0
        task = asyncio.get_running_loop().create_task(self._send(value, acks))
        self._writing.add(task)
        task.add_done_callback(self._written)

    async def _send(self, value: bytes, acks: list[Ack]) -> None:
        await self._producer.send_and_wait(self._topic, None, value)
        for ack in acks:
            ack()

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash(error)
