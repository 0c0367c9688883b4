"""Reads the topics that hold sealed texts, again and again, each time only what is new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from streams.documents.renewal import Renewal
from streams.kafka.scan import Ends, Scanner
from streams.lag import committed_offsets
from streams.rotation.remains import Rows, Waiting
from streams.topology import Topology


@dataclass(frozen=True, slots=True)
class Remains:
    """What still needs an older key: documents, rows of the tables, and records that wait for a worker. `locked`: what
    no key at hand opens, by where it is."""

    documents: int
    pins: int
    incidents: int
    waiting: int
    locked: dict[str, int]

    @property
    def of_workers(self) -> int:
        """What workers have to seal anew, or to finish."""
        return self.pins + self.incidents + self.waiting

    def __str__(self) -> str:
        return (
            f"documents {self.documents:,}, pins {self.pins:,}, incidents {self.incidents:,}, "
            f"records that wait {self.waiting:,}"
        )


class Watched:
    """The topics as far as they have been read. `scan` and `admin` are open."""

    def __init__(self, scan: Scanner, admin: Any, topology: Topology, group: str, renewal: Renewal) -> None:
        self._scan = scan
        self._admin = admin
        self._group = group
        self._inputs = (topology.outbox, topology.rekeyed)
        self._rows = {
            topology.connectors: Rows(renewal),
            topology.pins_changelog: Rows(renewal),
            topology.incidents_changelog: Rows(renewal),
        }
        self._waiting = Waiting(renewal)
        self._read: Ends = {}

    async def look(self) -> Remains:
        """Read what is new. Raises KafkaUnavailable, and TopicMismatch when a topic is missing."""
        ends = await self._scan.ends([*self._rows, *self._inputs])
        inputs = [partition for partition in ends if partition.topic in self._inputs]
        # Before the reading: what is committed meanwhile may be read in vain, nothing is left out.
        found = await committed_offsets(self._admin, self._group, inputs)
        committed = {partition: max(0, found[partition].offset) for partition in inputs if partition in found}
        async for record in self._scan.until(ends, after=self._read or committed):
            rows = self._rows.get(record.topic)
            (self._waiting if rows is None else rows).take(record)
        self._read = ends
        self._waiting.committed(committed)
        _, pins, incidents = self._rows.values()
        return Remains(
            len(self.documents),
            len(pins),
            len(incidents),
            len(self._waiting),
            {topic: len(rows.locked) for topic, rows in self._rows.items() if rows.locked},
        )

    @property
    def documents(self) -> list[str]:
        """Kind and id of the documents that an older key sealed."""
        rows = next(iter(self._rows.values()))
        return sorted(key.decode(errors="replace") for _, key in rows.older)

    def leave(self, documents: Iterable[str]) -> None:
        """Nobody needs what stands under these names (a refused apply left it behind)."""
        rows = next(iter(self._rows.values()))
        rows.older -= {place for place in rows.older if place[1].decode(errors="replace") in set(documents)}
