"""What the topics say at this moment of an incident and of the next event: the rim of `pagerline preview`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from streams.events import Event, Kind, Malformed, Skip, Source, key_text, read_event
from streams.kafka.backwards import open_log
from streams.kafka.home import home_partition
from streams.routing.pin import Pin
from streams.topology import Topology


async def read_pins(options: Mapping[str, Any], topology: Topology, incident: str) -> dict[str, Pin]:
    """The pins of an incident by connector, as table `pins` has them now; none where the table was never written."""
    changelog = topology.pins_changelog
    async with open_log(options) as log:
        partitions = (await log.partitions([changelog]))[changelog]
        partition = partitions[home_partition(incident.partition(":")[2].encode(), len(partitions))]
        spans = await log.spans([partition], None)
        value = await log.newest(partition, spans[partition], incident.encode())
    row = orjson.loads(value) if value else {"pins": {}}
    return {name: Pin.from_json(pin) for name, pin in row["pins"].items()}


async def next_event(
    options: Mapping[str, Any], topology: Topology, *, seconds: float, max_bytes: int
) -> Event | Malformed | Skip | None:
    """The first record that is written to `alerts` or `cases` from now on, read as route reads it; None when none comes
    within `seconds`. Leaves no trace: no consumer group, nothing committed."""
    kinds: dict[str, Kind] = {topology.alerts: "alert", topology.cases: "case"}
    async with open_log(options) as log:
        known = [one for partitions in (await log.partitions(kinds)).values() for one in partitions]
        log.consumer.assign(known)
        await log.consumer.seek_to_end(*known)
        for one in known:
            await log.consumer.position(one)  # where the end is now: what is written from here on is seen
        try:
            message = await asyncio.wait_for(log.consumer.getone(), seconds)
        except TimeoutError:
            return None
    source = Source(message.topic, message.partition, message.offset, message.timestamp, key_text(message.key))
    return read_event(kinds[message.topic], message.value, source, max_bytes=max_bytes)
