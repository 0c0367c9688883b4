"""Reading table `cases` by its changelog topic, whether workers run or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from streams.kafka.backwards import open_log
from streams.kafka.home import home_partition
from streams.kafka.scan import scanner
from streams.project.row import CaseRow
from streams.topology import Topology


async def all_rows(topology: Topology, options: Mapping[str, Any]) -> list[CaseRow]:
    """Every Case, the one that changed last first. Raises KafkaUnavailable, and TopicMismatch without the topic."""
    newest: dict[bytes, bytes] = {}
    async with scanner(options) as log:
        async for record in log.until(await log.ends([topology.cases_changelog])):
            if record.value is None:
                newest.pop(record.key, None)
            else:
                newest[record.key] = record.value
    return sorted(map(read, newest.values()), key=lambda row: row.at, reverse=True)


async def one_row(topology: Topology, options: Mapping[str, Any], case: str) -> CaseRow | None:
    """A Case; None when nothing is known of it (any more). Raises as `all_rows` does."""
    topic, key = topology.cases_changelog, case.encode()
    async with open_log(options) as log:
        partitions = (await log.partitions([topic]))[topic]
        partition = partitions[home_partition(key, len(partitions))]
        span = (await log.spans([partition], None))[partition]
        value = await log.newest(partition, span, key)
    return None if value is None else read(value)


def read(value: bytes) -> CaseRow:
    """A row as the table has it."""
    document: Mapping[str, Any] = orjson.loads(value)
    return CaseRow.from_json(document)
