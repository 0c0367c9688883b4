"""A process's own copy of the documents: everything at start, every change within moments."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.documents.connector import Connector
from streams.documents.revision import read_headers
from streams.documents.secrets import Cipher
from streams.documents.snapshot import NOTHING, Record, Snapshot, Unreadable
from streams.errors import KafkaUnavailable, TopicMismatch

log = logging.getLogger("pagerline.documents")

START_SECONDS: Final = 30.0
"""For reading everything: a thousand documents are some megabytes, the rest is for a broker that is just starting."""

PAUSE_SECONDS: Final = 1.0
"""After an error of the brokers; the client has tried again by itself by then."""

MANY: Final = 50
"""Records that are decrypted and checked in a thread: below that it takes some milliseconds, a thousand take half a
second, in which nothing else would go on."""

POLL_MS: Final = 1_000
"""How long a fetch waits for something new; it returns at once when there is."""


class Follower:
    """Reads the topic without a consumer group, all its partitions from the beginning, and keeps on reading.

    A record that cannot be read stops nothing: it is left out, logged once and listed in `problems`; only listed, when
    it is sealed with another key already at the start, which is for the caller to tell. After the start an apply counts
    as a whole or not at all: one that holds such a record is held back, and so is what comes after it, until that
    record is overwritten. Nor does a broker that is away stop it, or a topic that was emptied: what has been read stays
    in use. To be used from one event loop.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        topic: str,
        cipher: Cipher,
        *,
        consumer: Callable[..., Any] = AIOKafkaConsumer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        crash: Callable[[BaseException], None] | None = None,
        changed: Callable[[Snapshot], None] | None = None,
    ) -> None:
        """`options` are those of any aiokafka client (`kafka_options`).

        `crash` is called when following has ended by an error that nobody foresaw; without it, it is logged.
        `changed` is called after `start` with what each change leads to, before anybody can act on that.
        """
        self._topic = topic
        self._cipher = cipher
        self._make_consumer: Callable[[], Any] = lambda: consumer(
            **options, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._sleep = sleep
        self._crash = crash or _log_crash
        self._on_change = changed
        self._consumer: Any = None
        self._task: asyncio.Task[None] | None = None
        self._snapshot = NOTHING
        self._changed = asyncio.Event()
        self._looked = asyncio.Event()
        self._partitions: list[TopicPartition] = []
        self._done: dict[TopicPartition, int] = {}

    @property
    def current(self) -> Mapping[str, Connector]:
        """The connectors by id; a mapping that never changes, a new one after every change."""
        return self._snapshot.connectors

    @property
    def problems(self) -> Mapping[str, Unreadable]:
        """By kind and id (`connector/payments`), why its newest record is not used."""
        return self._snapshot.problems

    @property
    def snapshot(self) -> Snapshot:
        """All kinds of documents, and what is wrong with them, as they were at one moment."""
        return self._snapshot

    @property
    def following(self) -> bool:
        """Whether changes are followed: after `start`, until `stop` or an error that nobody foresaw."""
        return self._task is not None and not self._task.done()

    async def start(self, timeout: float = START_SECONDS) -> None:
        """Returns when all that was in the topic has been read; from then on changes are followed.

        `timeout` is in seconds. Raises KafkaUnavailable when no broker answers in time, TopicMismatch when there is no
        such topic. Nothing is left running then.
        """
        self._consumer = self._make_consumer()
        try:
            async with asyncio.timeout(timeout):
                await self._consumer.start()
                await self._read_to_end()
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnavailable(
                f"the topic {self._topic} could not be read: {type(error).__name__}; "
                "see that PAGERLINE_BROKERS names a broker that runs and can be reached"
            ) from error
        else:
            self._task = asyncio.create_task(self._follow(), name=f"follow {self._topic}")
            self._task.add_done_callback(self._ended)
        finally:
            if self._task is None:
                await self._consumer.stop()

    async def stop(self) -> None:
        """Ends the following; what was read stays in `current`. Harmless when it has not been started."""
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        await asyncio.wait([task])
        await self._consumer.stop()

    async def changed(self) -> Snapshot:
        """Waits until records have been read after this call, and gives what holds then."""
        self._changed.clear()
        await self._changed.wait()
        return self._snapshot

    async def refresh(self, until: str | None = None, timeout: float = START_SECONDS) -> Snapshot:
        """Waits until all that is in the topic at this moment has been read, and with it the mark of the apply `until`;
        gives what holds then. Only between `start` and `stop`. Raises KafkaUnavailable."""
        consumer, partitions = self._consumer, self._partitions
        try:
            async with asyncio.timeout(timeout):
                ends = await consumer.end_offsets(partitions)
                while any(self._done.get(one, 0) < ends[one] for one in partitions) or (
                    until is not None and all(seen.mark.apply != until for seen in self._snapshot.marks)
                ):
                    self._looked.clear()
                    await self._looked.wait()
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnavailable(f"the topic {self._topic} could not be read: {type(error).__name__}") from error
        return self._snapshot

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _read_to_end(self) -> None:
        consumer = self._consumer
        if self._topic not in await consumer.topics():
            raise TopicMismatch(f"{self._topic}: missing (pagerline topics apply creates it)")
        consumer.assign([TopicPartition(self._topic, 0)])  # makes the client ask for the topic's partitions
        await consumer.end_offsets([TopicPartition(self._topic, 0)])
        numbers = consumer.partitions_for_topic(self._topic) or {0}
        partitions = self._partitions = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        # Positions, not counts: in a compacted topic offsets are missing.
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            await self._read_some()

    async def _follow(self) -> None:
        while True:
            try:
                await self._read_some()
            except (KafkaError, OSError) as error:
                log.warning("following %s: %s; trying again", self._topic, type(error).__name__)
                await self._sleep(PAUSE_SECONDS)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash(error)

    async def _read_some(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=POLL_MS)
        if any(batch and batch[0].offset < self._done.get(one, 0) for one, batch in batches.items()):
            log.warning("%s begins anew: its revisions count from there, documents read before stay", self._topic)
            self._snapshot = self._snapshot.restarted()
        records = [
            Record(
                record.key,
                record.value,
                f"{record.topic}/{record.partition}/{record.offset}",
                *read_headers(record.headers or ()),
            )
            for batch in batches.values()
            for record in batch
        ]
        if records:
            await self._take(records, following=self._task is not None)
        # Positions are further than what has been read where compaction has left gaps.
        self._done = {one: await self._consumer.position(one) for one in self._partitions}
        self._looked.set()

    async def _take(self, records: list[Record], *, following: bool) -> None:
        before = self._snapshot
        if len(records) > MANY:
            after = await asyncio.to_thread(before.after, records, self._cipher, whole=following)
        else:
            after = before.after(records, self._cipher, whole=following)
        self._snapshot = after
        self._tell(before, following)
        if self._on_change is not None and following:
            self._on_change(self._snapshot)
        self._changed.set()

    def _tell(self, before: Snapshot, following: bool) -> None:
        now = self._snapshot
        for name, problem in now.problems.items():
            if before.problems.get(name) != problem and (following or not problem.locked):
                kind, _, document_id = name.partition("/")
                log.error("%s %s of record %s is not used: %s", kind, document_id, problem.where, problem.reason)
        if now.head != before.head and now.held:
            log.error("revision %d is not used, because of that; revision %d stays in use", now.head, now.revision)
        elif now.revision != before.revision and following:
            log.info("documents of revision %d in use", now.revision)


def _log_crash(error: BaseException) -> None:
    log.critical("documents are no longer followed", exc_info=error)
