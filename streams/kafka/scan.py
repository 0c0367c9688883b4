"""Reading topics with a plain consumer: everything that is there now, and what comes after a known place.

No group, no commits. For commands, which look at topics that nobody keeps in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.errors import KafkaUnavailable, TopicMismatch

POLL_MS: Final = 1_000
"""How long one read waits for data; it returns at once when there is some."""

EMPTY_POLLS: Final = 30
"""In a row, before a broker that still owes records is taken to be gone."""

Ends = Mapping[TopicPartition, int]


class Scanner:
    """An open consumer; made by `scanner`. One reading at a time."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def ends(self, topics: Iterable[str]) -> Ends:
        """The end of every partition of these topics now. Raises TopicMismatch when one is missing."""
        wanted = list(topics)
        there = await self._consumer.topics()
        if missing := [name for name in wanted if name not in there]:
            raise TopicMismatch("\n".join(f"{name}: missing (pagerline topics apply creates it)" for name in missing))
        first = [TopicPartition(name, 0) for name in wanted]
        self._consumer.assign(first)  # a client knows the partitions only of topics that it has asked about
        await self._consumer.end_offsets(first)
        partitions = [
            TopicPartition(name, number)
            for name in wanted
            for number in sorted(self._consumer.partitions_for_topic(name) or {0})
        ]
        found: Ends = await self._consumer.end_offsets(partitions)
        return found

    async def until(self, ends: Ends, since_ms: int | None = None, *, after: Ends | None = None) -> AsyncIterator[Any]:
        """Every record before `ends`, each partition in order; with `since_ms`, from the first record that was written
        at or after that time (ms since the epoch); with `after`, from those offsets on. Raises KafkaUnavailable when
        the broker stops giving them."""
        consumer = self._consumer
        consumer.assign(list(ends))
        starts = await consumer.beginning_offsets(list(ends))
        for partition, offset in (after or {}).items():
            starts[partition] = max(starts[partition], offset)
        if since_ms is not None:
            for partition, found in (await consumer.offsets_for_times(dict.fromkeys(ends, since_ms))).items():
                starts[partition] = max(starts[partition], ends[partition] if found is None else found.offset)
        unread = {partition for partition in ends if starts[partition] < ends[partition]}
        for partition in unread:
            consumer.seek(partition, starts[partition])
        # A partition that is read must not be asked again: some brokers let the others wait for it.
        consumer.pause(*(partition for partition in ends if partition not in unread))
        empty = 0
        while unread:
            batches = await consumer.getmany(*unread, timeout_ms=POLL_MS)
            empty = 0 if batches else empty + 1
            if empty >= EMPTY_POLLS:
                raise KafkaUnavailable("the brokers have stopped answering in the middle of a topic; try again")
            for partition, records in batches.items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield record
            # By position: compaction and transaction markers leave holes at the end.
            done = {partition for partition in unread if await consumer.position(partition) >= ends[partition]}
            unread -= done
            consumer.pause(*done)

    async def after(self, ends: Ends) -> AsyncIterator[list[Any]]:
        """What is written behind `ends`, for ever: lists of records, empty ones when POLL_MS have brought nothing."""
        consumer = self._consumer
        consumer.assign(list(ends))
        for partition, end in ends.items():
            consumer.seek(partition, end)
        while True:
            batches = await consumer.getmany(timeout_ms=POLL_MS)
            yield [record for records in batches.values() for record in records]


@asynccontextmanager
async def scanner(options: Mapping[str, Any]) -> AsyncIterator[Scanner]:
    """An open scanner; `options` are those of any aiokafka client. Raises KafkaUnavailable, for later faults too."""
    consumer = AIOKafkaConsumer(
        **options,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_000_000,
    )
    try:
        await consumer.start()
        yield Scanner(consumer)
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(
            f"no broker answers ({type(error).__name__}); see that PAGERLINE_BROKERS names one that runs"
        ) from error
    finally:
        await consumer.stop()
