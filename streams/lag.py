"""Lag of each stage: records of its topics that its consumer group has not committed, which is the undelivered work."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from aiokafka.structs import OffsetAndMetadata

from streams.errors import KafkaUnavailable, TopicMismatch
from streams.kafka.topics import admin_client
from streams.topology import Topology

COORDINATOR_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds; a new coordinator is there after one or two."""


@dataclass(frozen=True, slots=True)
class TopicLag:
    """Uncommitted records of one topic, all partitions together."""

    stage: str
    topic: str
    records: int


async def measure(topology: Topology, group: str, options: Mapping[str, Any]) -> list[TopicLag]:
    """The lag of every input topic of every stage. A partition without a commit counts from its beginning.

    Joins no group and commits nothing. Raises KafkaUnavailable, and TopicMismatch when a topic of the stages or of the
    group's tables is missing: under a wrong prefix or app id nothing is ever late.
    """
    stages = [(stage, name) for stage, names in topology.stages().items() for name in names]
    tables = topology.changelogs()
    async with admin_client(options) as admin:
        existing = set(await admin.list_topics())
        if missing := [name for name in (*(name for _, name in stages), *tables) if name not in existing]:
            raise TopicMismatch("\n".join(f"{name}: there is no such topic" for name in missing))
        described = await admin.describe_topics([name for _, name in stages])
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        committed = await committed_offsets(admin, group, partitions) if partitions else {}
    first, last = await _ends(options, partitions)
    records: Counter[str] = Counter()
    for partition in partitions:
        position = committed[partition].offset if partition in committed else -1
        records[partition.topic] += max(0, last[partition] - (first[partition] if position < 0 else position))
    return [TopicLag(stage, name, records[name]) for stage, name in stages]


async def committed_offsets(
    admin: AIOKafkaAdminClient, group: str, partitions: list[TopicPartition]
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Committed offsets. A cluster that never had a group makes its coordinator on the first question, so ask again."""
    for pause in COORDINATOR_PAUSES:
        try:
            found: Mapping[TopicPartition, OffsetAndMetadata]
            found = await admin.list_consumer_group_offsets(group, partitions=partitions)
            return found
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            await asyncio.sleep(pause)
    raise KafkaUnavailable(f"the brokers have no coordinator for group {group}; try again when they are up")


async def _ends(
    options: Mapping[str, Any], partitions: list[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    reader = AIOKafkaConsumer(**options)
    await reader.start()
    try:
        return await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
    finally:
        await reader.stop()
