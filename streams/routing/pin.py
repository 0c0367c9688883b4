"""A pin: where one connector sends one incident, from its first trigger to its resolve and the late duplicates after.

PagerDuty matches acknowledge and resolve by routing key and drops what comes with another, silently (Events API v2,
deduplication); so the key is chosen once a life, and kept here, sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from streams.events import Source


@dataclass(frozen=True, slots=True)
class Pin:
    """destination: its id. routing_key_token: the sealed key. connector: whose choice it was. open: whether the
    incident's life goes on (False from its resolve until the next trigger chooses anew). seen: for each source
    partition ("topic/partition") the newest input that is part of this pin. by: the source partition of the input that
    wrote it last. limit: events a minute, for when the connector is gone.
    """

    destination: str
    routing_key_token: str = field(repr=False)
    connector: str
    open: bool
    seen: Mapping[str, int]
    by: str
    limit: int

    def wrote_last(self, source: Source) -> bool:
        """Whether this input is the last that wrote the pin: its records may or may not have got out."""
        partition = partition_of(source)
        return self.by == partition and self.seen[partition] == source.offset

    def is_past(self, source: Source) -> bool:
        """Whether a later input of the incident has written the pin since: this one's records are out."""
        newest = self.seen.get(partition_of(source), -1)
        return newest > source.offset or (newest == source.offset and not self.wrote_last(source))

    def after(self, source: Source, *, open: bool) -> Self:
        """The pin once this input is part of it."""
        partition = partition_of(source)
        return replace(self, open=open, seen={**self.seen, partition: source.offset}, by=partition)

    def to_json(self) -> dict[str, Any]:
        """For the changelog; `from_json` reads it back."""
        return {
            "v": 1,
            "destination": self.destination,
            "routing_key": self.routing_key_token,
            "connector": self.connector,
            "open": self.open,
            "seen": dict(self.seen),
            "by": self.by,
            "limit": self.limit,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Raises KeyError when `row` is not what `to_json` wrote."""
        return cls(
            destination=row["destination"],
            routing_key_token=row["routing_key"],
            connector=row["connector"],
            open=row["open"],
            seen=row["seen"],
            by=row["by"],
            limit=row["limit"],
        )


def partition_of(source: Source) -> str:
    """`<topic>/<partition>`, as pins and rows name it."""
    return f"{source.topic}/{source.partition}"
