"""Which incident a name means that stands in no key: an alert's own id, a hashed deduplication key, an input's place.

The topic `input-index` knows all inputs that route has committed since it was there. What it cannot know is gone
through itself: inputs that no stage has finished, and what is older than the index.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from aiokafka import TopicPartition

from streams import input_index
from streams.explain.asked import Place
from streams.explain.findings import CLOCKS_MS
from streams.explain.inputs import Reader
from streams.explain.queue import Unfinished
from streams.kafka.backwards import FIRST_BLOCK, Found, Log, Span
from streams.topology import Topology

Spans = Mapping[TopicPartition, Span]
Named = tuple[str, int]
"""An incident, and when an input of it with that name was written (ms since the epoch)."""

FIRST_OF_INDEX: Final = 100
"""Offsets in the newest block of the index, where a record tells of up to 500 inputs."""


class Names:
    """Looks a name up. `spans`: what is looked at of all topics."""

    def __init__(self, log: Log, topology: Topology, spans: Spans, reader: Reader, unfinished: Unfinished) -> None:
        self._log = log
        self._topology = topology
        self._spans = spans
        self._reader = reader
        self._unfinished = unfinished

    async def incidents(self, name: str) -> list[str]:
        """The incidents with this deduplication key, with an alert of this id (the newest of it, about), or whose Case
        has PagerDuty's incident of this id."""
        indexed, until = await asyncio.gather(self._indexed(name), self._unindexed_until())
        if indexed:
            others: Sequence[Named] = ()
        elif name.startswith("sha256:"):
            others = await self._delivered(b'"dedup_key":' + orjson.dumps(name), until)
        else:
            others = await self._inputs(name, until) or await self._updated(name)
        return list(dict.fromkeys(incident for incident, _ in (*indexed, *others)))

    async def of(self, place: Place) -> Named | None:
        """Whose an input is that cannot be read (any more)."""
        indexed, until = await asyncio.gather(self._indexed(str(place)), self._unindexed_until())
        found = indexed or await self._delivered(b'"id":"' + orjson.dumps(f"{place}@")[1:-1], until)
        return found[0] if found else None

    # -- where names stand --------------------------------------------------------------------------------------

    async def _indexed(self, name: str) -> list[Named]:
        spans = _of_topics(self._spans, self._topology.input_index)
        found = await self._newest(spans, input_index.needle(name), FIRST_OF_INDEX)
        entries = (entry for record in found for entry in input_index.named(record.value or b"{}", name))
        return [(entry.incident, entry.written_at) for entry in entries]

    async def _inputs(self, name: str, until: int | None) -> list[Named]:
        """By the inputs themselves: what no stage has finished first, then what is older than the index."""
        topology, needle = self._topology, orjson.dumps(name)
        inputs = _of_topics(self._spans, topology.alerts)
        waiting = _of_topics(self._unfinished.spans, topology.alerts, topology.rekeyed)
        older = inputs if until is None or not waiting else await self._log.before(inputs, until)
        for spans in (waiting, older):
            read = [(self._reader.read(one), one) for one in await self._newest(spans, needle, FIRST_BLOCK)]
            if found := [(one.incident, one.written_at) for one, _ in read if one.alert_id == name and one.incident]:
                return found
        return []

    async def _delivered(self, needle: bytes, until: int | None) -> list[Named]:
        """By what was written of inputs before there was an index."""
        deliveries = _of_topics(self._spans, self._topology.deliveries)
        older = deliveries if until is None else await self._log.before(deliveries, until)
        records = [orjson.loads(one.value or b"{}") for one in await self._newest(older, needle, FIRST_BLOCK)]
        return [(one["incident"], one["source"]["timestamp"]) for one in records if one.get("incident")]

    async def _updated(self, name: str) -> list[Named]:
        """By what became of a Case's incident at PagerDuty."""
        needle = b'"incident":{"id":' + orjson.dumps(name)
        found = await self._newest(_of_topics(self._spans, self._topology.case_updates), needle, FIRST_BLOCK)
        records = [orjson.loads(one.value or b"{}") for one in found]
        return [(f"case:{one['case']}", one["at"]) for one in records if (one.get("incident") or {}).get("id") == name]

    async def _unindexed_until(self) -> int | None:
        """The time before which the index may lack something (ms since the epoch); None: it has nothing at all."""
        oldest = await self._log.oldest(_of_topics(self._spans, self._topology.input_index))
        return None if oldest is None else oldest + CLOCKS_MS

    async def _newest(self, spans: Spans, needle: bytes, first: int) -> list[Found]:
        """The newest records with these bytes: once a partition has some, no other goes further back than the block it
        reads."""
        stop = False

        async def one(partition: TopicPartition, span: Span) -> list[Found]:
            nonlocal stop
            async for block in self._log.backwards(partition, span, (needle,), first):
                stop = stop or bool(block.records)
                if stop:
                    return list(block.records)
            return []

        return [one for some in await asyncio.gather(*(one(*each) for each in spans.items())) for one in some]


def _of_topics(spans: Spans, *topics: str) -> dict[TopicPartition, Span]:
    return {partition: span for partition, span in spans.items() if partition.topic in topics}
