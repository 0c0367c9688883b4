"""Tables: a compacted changelog topic, and its partitions' newest values on this machine.

Declared as Faust tables, so that Faust's assignor hands changelog partition N to the worker that owns partition N of
the source topics. Writing and recovery are ours: a write names its partition and is confirmed before it counts, and
recovery reads to the end of the log by position, so that a hole at the end (a compacted record, a transaction marker)
cannot hang it, as it does Faust's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service

from streams.kafka.producer import Producer
from streams.kafka.store import Store

POLL_MS = 500
"""How long one read of a changelog waits for data; only the last read of a recovery can wait at all."""

RETRY_SECONDS = 1.0
"""Between attempts while the broker is away."""

MAX_POLL_RECORDS = 2_000
"""Large enough to be fast, small enough to look for a new rebalance every few milliseconds."""


class ChangelogTable(faust.Table):
    """Rows of bytes by (partition, key), for the partitions that this worker owns."""

    def __init__(self, *args: Any, folder: Path | None = None, **kwargs: Any) -> None:
        super().__init__(*args, key_type=bytes, value_type=bytes, **kwargs)
        self.rows = Store(folder)

    def read(self, partition: int, key: bytes) -> bytes | None:
        """The confirmed value, or None."""
        return self.rows.get(partition, key)

    async def write(self, producer: Producer, partition: int, key: bytes, value: bytes | None) -> None:
        """Write one row (None deletes it); returns when the broker has it, and only then is it readable here."""
        await producer.send_and_wait(self.changelog_topic.get_topic_name(), key, value, partition=partition)
        self.apply(partition, key, value)

    def apply(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take over a value that is in the log."""
        self.rows.put(partition, key, value)


class PositionRecovery(Recovery):
    """Rebuilds the owned partitions of all tables after every rebalance, then lets the streams go on."""

    @Service.task
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                return
            self.signal_recovery_start.clear()
            generation = self._generation_id
            self._set_recovery_started()
            try:
                if await self._restored(generation):
                    self._set_recovery_ended()
                    await self._resume_streams(generation_id=generation)
            except (RebalanceAgain, IllegalStateError):
                continue  # the partitions are another set by now, and their recovery is asked for
            except ServiceStopped:  # also raised when a seek takes longer than a request may
                if self.should_stop:
                    return
                self.signal_recovery_start.set()

    async def _restored(self, generation: int) -> bool:
        while not self.should_stop and self.app.owning:
            try:
                return await self._restore(generation)
            except KafkaError as error:
                if not error.retriable:
                    raise
                self.log.warning("Tables not restored, will try again: %s", error)
                await self.sleep(RETRY_SECONDS)
        return False

    @Service.task
    async def _slurp_changelogs(self) -> None:
        return  # nothing arrives that way: changelog partitions stay paused in Faust's consumer

    async def _restore(self, generation: int) -> bool:
        """Read the changelogs; False when another rebalance has begun meanwhile."""
        app, tables = self.app, list(self.tables.values())
        by_topic = {table.changelog_topic.get_topic_name(): table for table in tables}
        app.consumer.pause_partitions({tp for tp in app.consumer.assignment() if tp.topic in by_topic})
        for table in tables:
            table.rows.clear()
        owned = [TopicPartition(tp.topic, tp.partition) for tp in self.active_tps]
        if owned:
            reader = AIOKafkaConsumer(
                **app.client_options,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=MAX_POLL_RECORDS,
                max_partition_fetch_bytes=4_000_000,
            )
            await reader.start()
            try:
                await self._note_ends(reader)
                if not await self._read(reader, owned, by_topic, generation):
                    return False
            finally:
                await reader.stop()
        return bool(generation == app.consumer_generation_id)

    async def _note_ends(self, reader: AIOKafkaConsumer) -> None:
        changelogs = {table.changelog_topic.get_topic_name() for table in self.tables.values()}
        inputs = [TopicPartition(*tp) for tp in self.app.consumer.assignment() if tp.topic not in changelogs]
        ends = await reader.end_offsets(inputs)
        self.app.log_ends = {TP(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def _read(
        self,
        reader: AIOKafkaConsumer,
        owned: Iterable[TopicPartition],
        by_topic: Mapping[str, ChangelogTable],
        generation: int,
    ) -> bool:
        reader.assign(list(owned))
        await reader.seek_to_beginning()
        ends = {tp: end for tp, end in (await reader.end_offsets(list(owned))).items() if end > 0}
        while ends:
            if generation != self.app.consumer_generation_id or not self.app.owning or self.should_stop:
                return False
            for tp, records in (await reader.getmany(timeout_ms=POLL_MS)).items():
                apply = by_topic[tp.topic].apply
                for record in records:
                    apply(tp.partition, record.key, record.value)
            for tp in list(ends):
                if await reader.position(tp) >= ends[tp]:
                    del ends[tp]
                    reader.pause(tp)
        return True


class SafeTableManager(TableManager):
    """Faust's table manager with our recovery."""

    _recovery: Recovery | None

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = PositionRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


def owned_partitions(assignment: Iterable[TP], topic: str) -> list[int]:
    """The partitions of `topic` in an assignment, in order."""
    return sorted(tp.partition for tp in assignment if tp.topic == topic)
