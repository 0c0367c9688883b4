"""Lag of each stage: records of its topics that its consumer group has not committed, which is the undelivered work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.topology import Topology


@dataclass(frozen=True, slots=True)
class TopicLag:
    """Uncommitted records of one topic, all partitions together."""

    stage: str
    topic: str
    records: int


async def measure(topology: Topology, group: str, options: Mapping[str, Any]) -> list[TopicLag]:
    """The lag of every input topic of every stage. A partition without a commit counts from its beginning.

    Joins no group and commits nothing. A topic that does not exist yet has no lag.
    """
    reader = AIOKafkaConsumer(**options, group_id=group, enable_auto_commit=False)
    await reader.start()
    try:
        found = []
        existing = await reader.topics()
        for stage, names in topology.stages().items():
            for name in names:
                records = await _topic(reader, name) if name in existing else 0
                found.append(TopicLag(stage, name, records))
        return found
    finally:
        await reader.stop()


async def _topic(reader: AIOKafkaConsumer, name: str) -> int:
    partitions = [TopicPartition(name, number) for number in sorted(reader.partitions_for_topic(name) or ())]
    reader.assign(partitions)
    first = await reader.beginning_offsets(partitions)
    last = await reader.end_offsets(partitions)
    total = 0
    for partition in partitions:
        committed = await reader.committed(partition)
        total += max(0, last[partition] - (first[partition] if committed is None else committed))
    return total
