"""What no stage has finished yet: records behind what the workers have committed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.dispatch.outcome import replay_of, source_of
from streams.errors import KafkaUnavailable
from streams.explain.findings import Queued
from streams.explain.inputs import Reader
from streams.kafka.backwards import Found, Log, Span
from streams.kafka.topics import admin_client
from streams.lag import committed_offsets

MOST: Final = 50_000
"""Unfinished records of a partition that are looked at, the newest: a worker's own bound lies far below, and a lag of
that size is what `pagerline lag` is for."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """By partition, what is not committed. `workers`: members of the group; None: the brokers would not say."""

    spans: Mapping[TopicPartition, Span] = field(default_factory=dict)
    workers: int | None = None

    def behind(self, partition: TopicPartition, offset: int) -> int | None:
        """How many unfinished records come before that offset; None when it is finished."""
        span = self.spans.get(partition)
        return None if span is None or not span.start <= offset < span.end else offset - span.start

    async def of(self, log: Log, incident: str, needles: Sequence[bytes], reader: Reader, outbox: str) -> list[Queued]:
        """Those of an incident; `outbox` is the topic whose records are requests and not inputs."""

        async def look(partition: TopicPartition, span: Span) -> list[Queued]:
            block = await log.block(partition, Span(max(span.start, span.end - MOST), span.end), needles)
            found = [_queued(record, record.offset - span.start, reader, outbox) for record in block.records]
            return [queued for name, queued in found if name == incident]

        waiting = [(one, span) for one, span in self.spans.items() if span.start < span.end]
        return [one for some in await asyncio.gather(*(look(*one) for one in waiting)) for one in some]


def _queued(record: Found, before: int, reader: Reader, outbox: str) -> tuple[str | None, Queued]:
    partition = f"{record.topic}/{record.partition}"
    if record.topic == outbox:
        asks: dict[str, Any] = orjson.loads(record.value or b"{}")
        written_at = asks["source"]["timestamp"]
        queued = Queued(
            "dispatch", source_of(asks), written_at, asks["action"], partition, before, asks, replay_of(asks)
        )
        return asks["incident"], queued
    read = reader.read(record)
    return read.incident, Queued(
        "route", read.source, read.written_at, read.action, partition, before, replay=read.replay
    )


async def unfinished(
    options: Mapping[str, Any], group: str, log: Log, partitions: Collection[TopicPartition]
) -> Unfinished:
    """What `group` has not committed of these partitions. Who may not ask the group learns nothing of it."""
    try:
        async with admin_client(options) as admin:
            committed, workers = await asyncio.gather(
                committed_offsets(admin, group, list(partitions)), _members(admin, group)
            )
    except (KafkaError, KafkaUnavailable):
        return Unfinished()
    spans = {}
    for one, span in (await log.spans(partitions, None)).items():
        position = committed[one].offset if one in committed else -1
        spans[one] = Span(span.start if position < 0 else min(max(position, span.start), span.end), span.end)
    return Unfinished(spans, workers)


async def _members(admin: Any, group: str) -> int | None:
    try:
        (answer,) = await admin.describe_consumer_groups([group])
        code, _name, _state, _type, _protocol, members, *_ = answer.groups[0]
    except (KafkaError, ValueError):
        return None
    return None if code else len(members)
