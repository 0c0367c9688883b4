"""Going through a stage's table, row by row, while the stage is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from streams.kafka.lanes import Lanes
from streams.kafka.producer import Producer
from streams.kafka.tables import ChangelogTable

YIELD_EVERY: Final = 200
"""Rows looked at in one turn of the loop: about a millisecond."""


@dataclass(frozen=True, slots=True)
class Becomes:
    """What a row is to be; None: it is to be deleted."""

    value: bytes | None


DELETED: Final = Becomes(None)

Change = Callable[[bytes], Becomes | None]
"""What a row is to become by its value; None: it stays as it is."""


async def sweep(
    table: ChangelogTable, producer: Producer, lanes: Lanes, ours: Callable[[], bool], change: Change
) -> int:
    """Change rows; returns how many were found to be changed. A row's key names its lane.

    `ours` says whether the partitions are still those that we had at the beginning; nothing is changed when not. The
    row is read again in its lane, behind what came meanwhile.
    """
    found = 0
    for number, (partition, key, value) in enumerate(table.rows.items(), start=1):
        if number % YIELD_EVERY == 0:
            await asyncio.sleep(0)
        if not ours():
            break
        if change(value) is not None:
            found += 1
            await lanes.put(key.decode(), partial(_change, table, producer, ours, change, partition, key))
    return found


async def _change(
    table: ChangelogTable, producer: Producer, ours: Callable[[], bool], change: Change, partition: int, key: bytes
) -> None:
    value = table.read(partition, key) if ours() else None
    if value is not None and (becomes := change(value)) is not None:
        await table.write(producer, partition, key, becomes.value)
