"""A pin: where one connector sends one incident, from its first trigger to its resolve and the late duplicates after.

PagerDuty matches acknowledge and resolve by routing key and drops what comes with another, silently (Events API v2,
deduplication); so the key is chosen once a life, and kept here, sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from streams.events import Source
from streams.seen import Position, Seen


@dataclass(frozen=True, slots=True)
class Pin:
    """destination: its id. routing_key_token: the sealed key. connector: whose choice it was. open: whether the
    incident's life goes on (False from its resolve until the next trigger chooses anew). seen: the inputs that are
    part of this pin. by: the source partition of the input that wrote it last. limit: events a minute, for when the
    connector is gone. service: of an account destination, which has no routing key.
    """

    destination: str
    routing_key_token: str = field(repr=False)
    connector: str
    open: bool
    seen: Seen
    by: str
    limit: int
    service: str | None = None

    def wrote_last(self, source: Source) -> bool:
        """Whether this input is the last that wrote the pin: its records may or may not have got out."""
        position = position_of(source)
        return self.by == position.partition and self.seen.ends_with(position)

    def is_past(self, source: Source) -> bool:
        """Whether a later input of the incident has written the pin since: this one's records are out.

        Not so for an input of a topic that was made anew or has lost its end, though its offset has been seen: its
        timestamp is above what was seen there (see `streams.seen`).
        """
        return self.seen.has(position_of(source)) and not self.wrote_last(source)

    def after(self, source: Source, *, open: bool) -> Self:
        """The pin once this input is part of it."""
        position = position_of(source)
        return replace(self, open=open, seen=self.seen.and_also(position), by=position.partition)

    def to_json(self) -> dict[str, Any]:
        """For the changelog; `from_json` reads it back."""
        row: dict[str, Any] = {
            "v": 1,
            "destination": self.destination,
            "routing_key": self.routing_key_token,
            "connector": self.connector,
            "open": self.open,
            "seen": self.seen.to_json(),
            "by": self.by,
            "limit": self.limit,
        }
        return row if self.service is None else {**row, "service": self.service}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Raises KeyError when `row` is not what `to_json` wrote."""
        return cls(
            destination=row["destination"],
            routing_key_token=row["routing_key"],
            connector=row["connector"],
            open=row["open"],
            seen=Seen.from_json(row["seen"]),
            by=row["by"],
            limit=row["limit"],
            service=row.get("service"),
        )


def position_of(source: Source) -> Position:
    """Where an input stands, as pins and rows name it."""
    return Position(f"{source.topic}/{source.partition}", source.offset, source.timestamp)
