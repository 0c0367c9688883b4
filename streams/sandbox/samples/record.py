"""One input record of a sample story."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import orjson

TEAMS: Final = ("payments", "platform", "checkout")

START: Final = 1_760_000_000
"""Seconds since the epoch at which stories begin unless told otherwise (9 October 2025): fixed, so that a seed always
gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Record:
    """What goes to Kafka. `topic` is without a prefix, `at` is in seconds since the story's beginning."""

    at: float
    topic: str
    key: bytes
    value: bytes = field(repr=False)

    @classmethod
    def of(cls, at: float, topic: str, key: str, document: dict[str, Any]) -> Record:
        """A record with `document` as JSON."""
        return cls(at, topic, key.encode(), orjson.dumps(document))


@dataclass(frozen=True, slots=True)
class Setting:
    """What the lives of one story share: its random seed, its first second, and where a team's events are to go.

    connector: the id of the connector that events name as their destination; None leaves it to routing.
    """

    seed: int
    start: int
    team: str
    connector: str | None

    def rng(self, kind: str, number: int) -> Random:
        """Randomness of one life alone, so that more lives beside it change nothing in it."""
        return Random(f"{self.seed}/{kind}/{number}")

    def second(self, at: float) -> int:
        """A time of the story in whole seconds since the epoch, as alerts give it."""
        return self.start + int(at)

    def iso(self, at: float) -> str:
        """The same as Cases give it: ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.second(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def destinations(self) -> dict[str, Any]:
        """The member `destinations`, or nothing."""
        return {"destinations": [{"connectorId": self.connector}]} if self.connector else {}


def identifier(rng: Random) -> str:
    """A random UUID."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
