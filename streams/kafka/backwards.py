"""Finding a few records in a long topic: newest first, in blocks, with a test of bytes before anything is parsed.

A consumer makes an object of every record, some 100,000 a second. Who looks for one incident among a million records
wants none of that: here a fetched block is searched for the wanted bytes as it came from the broker, and only batches
that have them are parsed. No group, no commits.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import aiokafka.errors as errors
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from streams.errors import KafkaUnavailable, TopicMismatch

FETCH_BYTES: Final = 4_000_000
"""Large enough that the round trip does not count, small enough that searching overlaps with the next fetch."""

FETCH_WAIT_MS: Final = 500
"""How long a broker may keep a fetch that finds nothing; it answers at once when there is something."""

TRIES: Final = 10
"""For a partition whose leader has just moved, or a broker that gives nothing: some seconds with the waits between."""

FIRST_BLOCK: Final = 2_000
"""Offsets in the newest block: what matters at night is recent."""

GROWTH: Final = 4
"""Each block has so many times the offsets of the one before: few blocks, and little read in vain."""

LARGEST_BLOCK: Final = 50_000
"""Offsets; where the story begins inside a block, its older part was read in vain."""

_HEAD: Final = struct.Struct(">qiibIhiqq")
"""Of a record batch: base offset, length, epoch, magic, CRC, attributes, last offset delta, first and last timestamp
(Kafka protocol, record batch)."""
_OVERHEAD: Final = 12  # bytes before those that `length` counts
_COMPRESSED: Final = 0x07
_CONTROL: Final = 0x20


class Found(NamedTuple):
    """One record; `timestamp` in ms since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()

    @property
    def id(self) -> str:
        """`<topic>/<partition>/<offset>`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Block(NamedTuple):
    """A stretch of a partition that has been read: its records with the wanted bytes, oldest first, and when its oldest
    record was written (ms since the epoch; None: it holds none)."""

    records: Sequence[Found]
    oldest: int | None


class Span(NamedTuple):
    """Offsets from `start` to before `end`."""

    start: int
    end: int


@dataclass(slots=True)
class Log:
    """Topics as they are now; made by `open_log`. `read` counts the offsets that were gone through."""

    consumer: AIOKafkaConsumer
    read: int = 0

    async def partitions(self, topics: Iterable[str]) -> dict[str, list[TopicPartition]]:
        """The partitions of these topics. Raises TopicMismatch when one is missing."""
        wanted = list(topics)
        there = await self.consumer.topics()
        if missing := [name for name in wanted if name not in there]:
            raise TopicMismatch("\n".join(f"{name}: missing (pagerline topics apply creates it)" for name in missing))
        first = [TopicPartition(name, 0) for name in wanted]
        self.consumer.assign(first)  # a client knows the partitions only of topics that it has asked about
        self.consumer.pause(*first)  # its own fetches would hold the connection for half a second each
        await self.consumer.end_offsets(first)
        return {
            name: [TopicPartition(name, one) for one in sorted(self.consumer.partitions_for_topic(name) or {0})]
            for name in wanted
        }

    async def spans(self, partitions: Collection[TopicPartition], since_ms: int | None) -> dict[TopicPartition, Span]:
        """What these partitions hold, from the first record that was written at `since_ms` or later."""
        begins = await self.consumer.beginning_offsets(list(partitions))
        ends = await self.consumer.end_offsets(list(partitions))
        starts = dict(begins)
        if since_ms is not None:
            for one, found in (await self._since(partitions, since_ms)).items():
                starts[one] = max(begins[one], ends[one] if found is None else found.offset)
        return {one: Span(starts[one], ends[one]) for one in partitions}

    async def before(self, spans: Mapping[TopicPartition, Span], at_ms: int) -> dict[TopicPartition, Span]:
        """Of these spans the part up to the first record that was written at `at_ms` or later."""
        found = await self._since(spans, at_ms)
        return {
            one: span if (first := found.get(one)) is None else Span(span.start, max(span.start, first.offset))
            for one, span in spans.items()
        }

    async def oldest(self, partitions: Collection[TopicPartition]) -> int | None:
        """When the oldest record of these partitions was written (ms since the epoch); None: they hold none."""
        first = [one.timestamp for one in (await self._since(partitions, 0)).values() if one is not None]
        return min(first, default=None)

    async def _since(self, partitions: Iterable[TopicPartition], at_ms: int) -> dict[TopicPartition, Any]:
        """The first record of each written at that time or later (offset and timestamp), or None."""
        found: dict[TopicPartition, Any] = await self.consumer.offsets_for_times(dict.fromkeys(partitions, at_ms))
        return found

    async def backwards(
        self, partition: TopicPartition, span: Span, needles: Sequence[bytes], first: int = FIRST_BLOCK
    ) -> AsyncIterator[Block]:
        """The records of a span that have one of these needles in key or value, block after block, newest first.
        `first`: offsets in the newest block."""
        end, size = span.end, first
        while end > span.start:
            start = max(span.start, end - size)
            yield await self.block(partition, Span(start, end), needles)
            end, size = start, min(size * GROWTH, LARGEST_BLOCK)

    async def block(self, partition: TopicPartition, span: Span, needles: Sequence[bytes]) -> Block:
        """One span, read from its start to its end."""
        found: list[Found] = []
        oldest: int | None = None
        offset, tries = span.start, 0
        while offset < span.end:
            data = await self._fetch(partition, offset)
            if not data:
                tries += 1
                if tries == TRIES:
                    break  # holes at the end
                continue
            reading = _Reading(partition, data, Span(offset, span.end), needles)
            found += reading.records
            oldest = reading.oldest if oldest is None else oldest
            if reading.next <= offset:
                tries += 1
                if tries == TRIES:
                    raise KafkaUnavailable(f"{partition.topic}/{partition.partition} cannot be read at {offset}")
            offset = max(offset, reading.next)
        self.read += max(0, span.end - span.start)
        return Block(found, oldest)

    async def newest(self, partition: TopicPartition, span: Span, key: bytes) -> bytes | None:
        """The newest value under a key in a span: a table's row by its changelog. None: it has none (any more)."""
        async for block in self.backwards(partition, span, (key,)):
            if found := [one for one in block.records if one.key == key]:
                return found[-1].value
        return None

    async def record(self, partition: TopicPartition, offset: int) -> Found | None:
        """One record by its offset; None when it is not there (any more)."""
        spans = await self.spans([partition], None)
        if not spans[partition].start <= offset < spans[partition].end:
            return None
        block = await self.block(partition, Span(offset, offset + 1), (b"",))
        return next((one for one in block.records if one.offset == offset), None)

    async def _fetch(self, partition: TopicPartition, offset: int) -> bytes:
        """Batches as they are in the log, from the one with `offset`."""
        client = self.consumer._client
        asked = [(partition.topic, [(partition.partition, offset, FETCH_BYTES)])]
        error: Exception = errors.LeaderNotAvailableError()
        for _ in range(TRIES):
            leader = client.cluster.leader_for_partition(partition)
            if leader is None or leader == -1:
                await client.force_metadata_update()
                continue
            answer = await client.send(leader, FetchRequest(FETCH_WAIT_MS, 1, FETCH_BYTES, 0, asked))
            ((_, ((_, code, *_, data),)),) = answer.topics
            if not code:
                return bytes(data or b"")
            error = errors.for_code(code)()
            if isinstance(error, errors.OffsetOutOfRangeError):
                raise KafkaUnavailable(f"{partition.topic}: records were deleted while they were read; try again")
            await client.force_metadata_update()
        raise error


class _Reading:
    """One fetched piece of a partition: `records` with the needles, `oldest`, and `next`, the offset behind it."""

    def __init__(self, partition: TopicPartition, data: bytes, span: Span, needles: Sequence[bytes]) -> None:
        self.records: list[Found] = []
        self.oldest: int | None = None
        self.next = span.start
        self._data = data
        self._needles = needles
        self._hits = [-1] * len(needles)
        at, size = 0, len(data)
        while at + _HEAD.size <= size:
            base, length, _, magic, _, attributes, last, first_written, _ = _HEAD.unpack_from(data, at)
            stop = at + _OVERHEAD + length
            if base >= span.end:  # what was asked for has been compacted away
                self.next = span.end
                break
            if stop > size:
                break
            if magic < 2:
                self._parse(partition, data[at:stop], span)
                self.next = max(self.next, base + 1)
            else:
                self.next = base + last + 1
                if self.oldest is None:
                    self.oldest = first_written
                if not attributes & _CONTROL and (attributes & _COMPRESSED or self._hit(at, stop)):
                    self._parse(partition, data[at:stop], span)
            at = stop

    def _hit(self, at: int, stop: int) -> bool:
        """Whether one of the needles begins between. The next place of each is remembered: one pass over the data."""
        for number, needle in enumerate(self._needles):
            if self._hits[number] < at:
                place = self._data.find(needle, at)
                self._hits[number] = place if place >= 0 else len(self._data)
            if self._hits[number] < stop:
                return True
        return False

    def _parse(self, partition: TopicPartition, data: bytes, span: Span) -> None:
        batches: Any = MemoryRecords(data)
        while batches.has_next():
            for record in batches.next_batch():
                if span.start <= record.offset < span.end and _has(record, self._needles):
                    place = (partition.topic, partition.partition, record.offset)
                    self.records.append(Found(*place, record.timestamp, record.key, record.value, record.headers))


def _has(record: Any, needles: Sequence[bytes]) -> bool:
    return any(needle in (record.key or b"") or needle in (record.value or b"") for needle in needles)


@asynccontextmanager
async def open_log(options: Mapping[str, Any]) -> AsyncIterator[Log]:
    """An open log; `options` are those of any aiokafka client. Raises KafkaUnavailable, for later faults too."""
    consumer = AIOKafkaConsumer(**options, group_id=None, enable_auto_commit=False)
    try:
        await consumer.start()
        yield Log(consumer)
    except (errors.KafkaError, OSError) as error:
        raise KafkaUnavailable(
            f"no broker answers ({type(error).__name__}); see that PAGERLINE_BROKERS names one that runs"
        ) from error
    finally:
        await consumer.stop()
