"""What the dispatcher needs from the world, so that it can be run without Kafka, HTTP or time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from streams.dispatch.outcome import Outcome
from streams.pagerduty.answers import Answer
from streams.pagerduty.rest_answers import RestAnswer
from streams.sync.perform import Performed
from streams.sync.plan import Operation


class Table(Protocol):
    """Rows of the partitions this worker owns."""

    def read(self, partition: int, key: bytes) -> bytes | None:
        """The newest confirmed value."""

    async def write(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Write; returns when the broker has confirmed it. Never returns otherwise."""


class Publisher(Protocol):
    """Where outcomes go."""

    async def publish(self, topic: str, key: str, value: Mapping[str, Any]) -> asyncio.Future[Any]:
        """Queue one record; the future is done when the broker has confirmed it."""


class Sender(Protocol):
    """PagerDuty."""

    async def send(self, record: Mapping[str, Any]) -> Answer:
        """One attempt for one outbox record. Waits while the worker may not speak for its partitions."""


class Accounts(Protocol):
    """PagerDuty's REST API, one account each."""

    async def perform(self, record: Mapping[str, Any], operation: Operation) -> Performed:
        """Try once to do an operation for the account that an outbox record is for, with all calls that it takes.

        Waits while the worker may not speak for its partitions.
        """


class Meter(Protocol):
    """What is counted."""

    def outcome(self, record: Mapping[str, Any], outcome: Outcome) -> None:
        """An input ended."""

    def attempt(self, answer: Answer | RestAnswer, meaning: str) -> None:
        """PagerDuty was asked."""
