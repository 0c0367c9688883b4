"""Finding the records of an incident: the rim of `explain`, and the only part of it that knows Kafka.

What makes it quick: `deliveries` is keyed by incident, so one partition has all of them; its newest records are read
first, and reading ends where the incident's present life began; a table's newest row is the last record of its key;
and nothing is parsed that does not hold the incident's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import TopicPartition

from streams.dispatch.incident import row_key
from streams.events import dedup_key_of
from streams.explain.asked import Asked, Place
from streams.explain.findings import CLOCKS_MS, Findings, Queued, Record, beginning
from streams.explain.inputs import Reader
from streams.explain.names import Names
from streams.explain.queue import Unfinished
from streams.kafka.backwards import Found, Log, Span
from streams.kafka.home import home_partition
from streams.topology import Topology

Partitions = Mapping[str, Sequence[TopicPartition]]


@dataclass(frozen=True, slots=True)
class Window:
    """How far back is looked: from `since_ms` on (None: everything). `life`: only as far as the newest life reaches."""

    since_ms: int | None
    life: bool


class Search:
    """Looks for what one id means. `reader` reads inputs as the workers do; `behind` tells what they have not done."""

    def __init__(
        self,
        log: Log,
        topology: Topology,
        window: Window,
        reader: Reader,
        behind: Callable[[Log, Collection[TopicPartition]], Awaitable[Unfinished]],
    ) -> None:
        self._log = log
        self._topology = topology
        self._window = window
        self._reader = reader
        self._behind = behind
        self._partitions: Partitions = {}
        self._spans: dict[TopicPartition, Span] = {}

    async def run(self, asked: Asked) -> list[Findings]:
        """All that was found, one Findings for each incident that the id may mean; none: nothing was found."""
        topology = self._topology
        topics = (topology.alerts, topology.cases, topology.rekeyed, topology.outbox)
        tables = (topology.pins_changelog, topology.incidents_changelog)
        others = (topology.deliveries, topology.dead_letters, topology.input_index, topology.case_updates)
        self._partitions = await self._log.partitions([*topics, *others, *tables])
        every = [one for partitions in self._partitions.values() for one in partitions]
        self._spans, unfinished = await asyncio.gather(
            self._log.spans(every, self._window.since_ms),
            self._behind(self._log, [one for topic in topics for one in self._partitions[topic]]),
        )
        if asked.place is not None:
            return await self._of_place(asked.place, unfinished)
        found = await asyncio.gather(*(self._of_incident(one, unfinished) for one in asked.incidents))
        if some := [one for one in found if one.any]:
            return some
        incidents = await self._names(unfinished).incidents(asked.text)
        return [one for one in [await self._of_incident(name, unfinished) for name in incidents] if one.any]

    # -- what an id means ---------------------------------------------------------------------------------------

    async def _of_place(self, place: Place, unfinished: Unfinished) -> list[Findings]:
        """The incident of an input, by the input itself, or when it is gone by what was written of it."""
        partition = TopicPartition(place.topic, place.partition)
        known = partition in self._spans
        record = await self._log.record(partition, place.offset) if known else None
        incident, written_at = (
            (None, None) if record is None else (self._reader.read(record).incident, record.timestamp)
        )
        if incident is None:
            letters, named = await asyncio.gather(
                self._everywhere(self._topology.dead_letters, b'"id":"' + orjson.dumps(f"{place}@")[1:-1]),
                self._names(unfinished).of(place),
            )
            mine = [orjson.loads(letter.value) for letter in letters if letter.value]
            told = [(one["incident"], one["source"]["timestamp"]) for one in mine if one["incident"]]
            if named is None and not told:
                queued = _unread(place, record, unfinished)
                if not mine and not queued and record is None:
                    return []
                return [Findings(None, letters=mine, queued=queued, workers=unfinished.workers, asked=str(place))]
            incident, written_at = named or told[0]
        return [await self._of_incident(incident, unfinished, asked=(str(place), written_at))]

    def _names(self, unfinished: Unfinished) -> Names:
        return Names(self._log, self._topology, self._spans, self._reader, unfinished)

    # -- what is known of an incident ---------------------------------------------------------------------------

    async def _of_incident(
        self, incident: str, unfinished: Unfinished, asked: tuple[str, int | None] | None = None
    ) -> Findings:
        identity = incident.partition(":")[2]
        (deliveries, begin), letters, pins, queued, updates = await asyncio.gather(
            self._deliveries(incident, None if asked is None else asked[1]),
            self._letters(incident),
            self._row(self._topology.pins_changelog, identity.encode(), incident.encode()),
            self._queued(incident, identity, unfinished),
            self._updates(incident, identity),
        )
        if begin is not None:  # an earlier life's dead letters are another story
            letters = [one for one in letters if one["at"] >= begin - CLOCKS_MS]
            updates = [one for one in updates if one["recorded_at"] >= begin - CLOCKS_MS]
        destinations = dict.fromkeys(
            [pin["destination"] for pin in ((pins or {}).get("pins") or {}).values()]
            + [one["destination"]["id"] for one in deliveries if one.get("destination")]
            + [one["destination"] for one in letters if one.get("destination")]
            + [one["state"]["destination"] for one in updates]
            + [one.outbox["destination"] for one in queued if one.outbox is not None]
        )
        key = dedup_key_of(identity)
        rows = await asyncio.gather(
            *(self._row(self._topology.incidents_changelog, one.encode(), row_key(one, key)) for one in destinations)
        )
        return Findings(
            incident,
            deliveries,
            letters,
            pins,
            {one: row for one, row in zip(destinations, rows, strict=True) if row is not None},
            queued,
            unfinished.workers,
            complete=begin is not None or self._window.since_ms is None,
            asked=None if asked is None else asked[0],
            updates=updates,
        )

    async def _deliveries(self, incident: str, before_ms: int | None) -> tuple[list[Record], int | None]:
        """The deliveries of an incident in the window, and where the life that is told began; None: further back, or
        the window was to be read whole."""
        partition = self._home(self._topology.deliveries, incident.encode())
        key = incident.encode()
        records: list[Record] = []
        begin: int | None = None
        async for block in self._log.backwards(partition, self._spans[partition], (key,)):
            records[:0] = [orjson.loads(one.value) for one in block.records if one.key == key and one.value]
            if self._window.life and begin is None:
                begin = beginning(records, before_ms)
            if begin is not None and block.oldest is not None and block.oldest < begin - CLOCKS_MS:
                break
        if begin is not None:
            records = [one for one in records if one["outcome"]["at"] >= begin - CLOCKS_MS]
        return records, begin

    async def _updates(self, incident: str, identity: str) -> list[Record]:
        """What became of a Case's incident at PagerDuty, in the window."""
        if not incident.startswith("case:"):
            return []
        key = identity.encode()
        partition = self._home(self._topology.case_updates, key)
        found: list[Record] = []
        async for block in self._log.backwards(partition, self._spans[partition], (key,)):
            found[:0] = [orjson.loads(one.value) for one in block.records if one.key == key and one.value]
        return found

    async def _letters(self, incident: str) -> list[Record]:
        needle = b'"incident":' + orjson.dumps(incident)
        found = [
            orjson.loads(one.value or b"{}") for one in await self._everywhere(self._topology.dead_letters, needle)
        ]
        return sorted((one for one in found if one.get("incident") == incident), key=lambda one: int(one["at"]))

    async def _row(self, changelog: str, home: bytes, key: bytes) -> dict[str, Any] | None:
        """The newest row of a table; None when it has none (any more)."""
        partition = self._home(changelog, home)
        value = await self._log.newest(partition, self._spans[partition], key)
        return orjson.loads(value) if value else None

    async def _queued(self, incident: str, identity: str, unfinished: Unfinished) -> list[Queued]:
        """What of the incident no stage has finished."""
        needles = (orjson.dumps(identity)[1:-1], identity.encode())
        return await unfinished.of(self._log, incident, needles, self._reader, self._topology.outbox)

    # -- reading ------------------------------------------------------------------------------------------------

    async def _everywhere(self, topic: str, needle: bytes) -> list[Found]:
        """The records of a topic in the window that hold these bytes, oldest first in each partition."""

        async def one(partition: TopicPartition) -> list[Found]:
            found: list[Found] = []
            async for block in self._log.backwards(partition, self._spans[partition], (needle,)):
                found[:0] = block.records
            return found

        return _flat(await asyncio.gather(*(one(partition) for partition in self._partitions[topic])))

    def _home(self, topic: str, key: bytes) -> TopicPartition:
        partitions = self._partitions[topic]
        return partitions[home_partition(key, len(partitions))]


def _unread(place: Place, record: Found | None, unfinished: Unfinished) -> list[Queued]:
    """An input that tells no incident, while no stage has come to it."""
    behind = unfinished.behind(TopicPartition(place.topic, place.partition), place.offset)
    if record is None or behind is None:
        return []
    return [Queued("route", str(place), record.timestamp, None, f"{place.topic}/{place.partition}", behind)]


def _flat(lists: Iterable[Collection[Found]]) -> list[Found]:
    return [one for some in lists for one in some]
