"""The compacted topic `connectors`: the newest record of a key is the document, a record without value deletes it.

    async with DocumentLog(settings) as log:
        changes = plan_changes(await log.read(), wanted)
        await log.write(changes, by="pagerline apply")      # raises DocumentsChanged when somebody was quicker

How an apply takes effect as one: `streams.documents.revision`.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from streams.documents.changes import Changes
from streams.documents.document import Document, name_of
from streams.documents.follower import Follower
from streams.documents.records import to_record
from streams.documents.revision import MARK_KEY, Headers, Mark
from streams.documents.secrets import Cipher, cipher_of
from streams.documents.snapshot import Snapshot
from streams.errors import DocumentError, DocumentsChanged, KafkaUnavailable, SecretError, TopicMismatch
from streams.settings import Settings, kafka_options

__all__ = ["DocumentLog", "Entry", "Follower", "document_producer", "put", "tombstone", "write"]

BATCH_BYTES: Final = 8 * 1024 * 1024
"""As many bytes as the topic takes at once (`streams.topology`), before compression: some ten thousand documents."""

COMPRESSION: Final = "gzip"
"""Every broker and client knows it. Sealed texts become three quarters of their size, the rest a tenth."""


class Entry(NamedTuple):
    """What to write: key and value of a record."""

    key: bytes
    value: bytes | None


def put(document: Document, cipher: Cipher) -> Entry:
    """The record that makes this the document of its kind and id."""
    return Entry(name_of(document).encode(), to_record(document, cipher))


def tombstone(name: str) -> Entry:
    """The record that deletes the document of this kind and id (`connector/payments`)."""
    return Entry(name.encode(), None)


class DocumentLog:
    """The topic as the settings name it, to read and to change. One event loop; open it, or use it in `async with`.

    While it is open, `snapshot` follows what others write.
    """

    def __init__(self, settings: Settings, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        """Raises SettingsError when PAGERLINE_SECRET_KEYS is not set."""
        self.cipher = cipher_of(settings)
        self.topic = settings.topic("connectors")
        self._options = kafka_options(settings)
        self._now_ms = now_ms
        self._follower = Follower(self._options, self.topic, self.cipher)
        self._open = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None

    @property
    def snapshot(self) -> Snapshot:
        """What has been read so far."""
        return self._follower.snapshot

    @property
    def following(self) -> bool:
        """Whether `snapshot` still follows what others write."""
        return self._follower.following

    @property
    def follower(self) -> Follower:
        """What follows the topic."""
        return self._follower

    async def __aenter__(self) -> Self:
        """Raises KafkaUnavailable and TopicMismatch as `Follower.start` does."""
        await self._open.enter_async_context(self._follower)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._producer = None
        await self._open.aclose()

    async def read(self) -> Snapshot:
        """All that is in the topic at this moment. Raises KafkaUnavailable."""
        return await self._follower.refresh()

    async def write(self, changes: Changes, *, by: str, force: bool = False) -> Snapshot:
        """Write these changes as one apply, and give what holds then. Nothing is written when nothing changes.

        Raises DocumentsChanged when the documents are no longer those that the changes were planned with: nothing of
        them takes effect then. SecretError when a stored document is sealed with a key that is not at hand: those who
        have that key could not read what is written with another; `force` writes all the same. DocumentError when they
        are too many for one batch, KafkaUnavailable when the brokers do not confirm: they may have been written then.
        """
        snapshot = await self._follower.refresh()
        if snapshot.head != changes.base:
            raise _overtaken(snapshot, changes.base)
        if snapshot.locked and not force:
            raise SecretError(
                f"nothing was written: PAGERLINE_SECRET_KEYS does not open {snapshot.locked[0]}, so that those who can "
                "could not read what is sealed here; add the key that is missing at the end of the list"
            )
        entries = [
            tombstone(change.name) if change.document is None else put(change.document, self.cipher)
            for change in changes.writes
        ]
        if not entries:
            return snapshot
        mine, after = await self._apply(entries, snapshot, by)
        if any(seen.accepted for seen in after.marks if seen.mark.apply == mine.apply):
            return after
        while after.strays:  # what holds, written again over what we have left behind
            _, after = await self._apply([], after, by)
        raise _overtaken(after, changes.base)

    async def _apply(self, entries: list[Entry], snapshot: Snapshot, by: str) -> tuple[Mark, Snapshot]:
        """Write one apply on top of a snapshot, repair what refused ones left in the topic, and read it back."""
        written = {entry.key for entry in entries}
        for key in snapshot.strays - written:
            document = snapshot.get(key.decode())
            entries.append(Entry(key, None) if document is None else put(document, self.cipher))
        head = snapshot.head
        mark = Mark(uuid.uuid4().hex, head + 1, head, self._now_ms(), by)
        producer = await self._started_producer()
        partitions = sorted(await _partitions(producer, self.topic))
        if partitions != [0]:
            raise TopicMismatch(
                f"{self.topic}: has {len(partitions)} partitions, and an apply is one batch of one partition; make the "
                "topic anew with one (keep the documents as files before: pagerline get KIND -o yaml)"
            )
        batch = producer.create_batch()
        for entry in [*entries, Entry(MARK_KEY, mark.to_record())]:
            _append(batch, entry, mark.headers)
        await _confirmed(producer, self.topic, {0: batch})
        return mark, await self._follower.refresh(until=mark.apply)

    async def _started_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = await self._open.enter_async_context(document_producer(self._options))
        return self._producer


def _overtaken(snapshot: Snapshot, base: int) -> DocumentsChanged:
    return DocumentsChanged(base, snapshot.head, next((s.mark.by for s in reversed(snapshot.marks) if s.accepted), ""))


@asynccontextmanager
async def document_producer(options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer fit for `write`. Raises KafkaUnavailable when no broker answers."""
    producer = AIOKafkaProducer(**options, acks="all", max_batch_size=BATCH_BYTES, compression_type=COMPRESSION)
    try:
        await producer.start()
    except (KafkaError, OSError) as error:
        await producer.stop()
        raise KafkaUnavailable(
            f"no broker answers ({type(error).__name__}); see that PAGERLINE_BROKERS names one that runs"
        ) from error
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: AIOKafkaProducer, topic: str, entries: Iterable[Entry]) -> None:
    """Write records as they are, without a revision, all of a partition or none; return when that is confirmed.

    For repairs, tests and tools that are alone with the topic; everything else is `DocumentLog.write`. `producer` is
    one of `document_producer`. Raises DocumentError, and writes nothing, when they are too many for a batch;
    KafkaUnavailable when the brokers do not confirm, and then they may have been written: again is harmless.
    """
    partitions = sorted(await _partitions(producer, topic))
    partition_of = DefaultPartitioner()
    batches: dict[int, Any] = defaultdict(producer.create_batch)
    for entry in entries:
        _append(batches[partition_of(entry.key, partitions, partitions)], entry, ())
    await _confirmed(producer, topic, batches)


async def _partitions(producer: AIOKafkaProducer, topic: str) -> set[int]:
    try:
        found: set[int] = await producer.partitions_for(topic)
    except (KafkaError, OSError) as error:
        raise _unconfirmed(topic, error) from error
    return found


async def _confirmed(producer: AIOKafkaProducer, topic: str, batches: Mapping[int, Any]) -> None:
    try:
        confirmations = [
            await producer.send_batch(batch, topic, partition=partition) for partition, batch in batches.items()
        ]
        for confirmation in confirmations:
            await confirmation
    except MessageSizeTooLargeError:
        raise DocumentError(
            "these documents are more than the topic takes at once, and none was written",
            remedy=f"apply them in parts, or raise max.message.bytes of {topic}",
        ) from None
    except (KafkaError, OSError) as error:
        raise _unconfirmed(topic, error) from error


def _unconfirmed(topic: str, error: Exception) -> KafkaUnavailable:
    return KafkaUnavailable(
        f"the brokers have not confirmed the writing to {topic} ({type(error).__name__}); do it again, that is harmless"
    )


def _append(batch: Any, entry: Entry, headers: Headers) -> None:
    if batch.append(key=entry.key, value=entry.value, timestamp=None, headers=list(headers)) is None:
        raise DocumentError(
            f"these documents have more than {BATCH_BYTES:,} bytes together and cannot be written whole",
            remedy="apply them in parts",
        )
