"""What became of each webhook: the rules of delivery, and a journal of the attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

TIMEOUT_S: Final = 5.0
"""In which a receiver must answer (developer docs "Webhooks, Behavior")."""
MAX_BODY_BYTES: Final = 256 * 1024
"""Larger webhooks are dropped; above 55 KB they are best effort only."""


class Outcome(StrEnum):
    DELIVERED = "delivered"
    RETRIED = "retried"
    """It will be tried again."""
    DROPPED = "dropped"
    """It counts towards disabling the subscription."""
    DISCARDED = "discarded"
    """Not sent, because the subscription is disabled or gone."""
    LOST = "lost"
    """Not sent, because a test wanted so."""


class Trouble(StrEnum):
    """Why there was no answer."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Retries:
    """When a webhook is tried again: `first_s`, then ever `factor` times longer up to `cap_s`, for `horizon_s`.

    PagerDuty tries for 48 hours; its intervals are not documented, these are for a machine where tests run.
    """

    first_s: float = 0.5
    factor: float = 2.0
    cap_s: float = 30.0
    horizon_s: float = 48 * 3600.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait after failed attempt number `attempt`, counted from 1."""
        try:
            return min(self.cap_s, self.first_s * self.factor ** (attempt - 1))
        except OverflowError:
            return self.cap_s


def judge(answer: int | Trouble) -> Outcome:
    """What an answer, or none, leads to. A redirect is not followed and counts as refused, which is not documented."""
    if isinstance(answer, Trouble):
        return Outcome.DROPPED if answer is Trouble.TLS else Outcome.RETRIED
    if 200 <= answer < 300:
        return Outcome.DELIVERED
    return Outcome.RETRIED if answer == 429 or answer >= 500 else Outcome.DROPPED


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook to one subscription. resource: the incident or service that it is about; those wait in line."""

    id: str
    """`x-webhook-id`, the same for every attempt."""
    subscription: str
    event: str
    type: str
    resource: str
    body: bytes
    at: int
    """When it happened, milliseconds since the epoch."""


class Attempt(NamedTuple):
    """One try to deliver a webhook, or the decision not to."""

    at: int
    webhook: str
    subscription: str
    event: str
    type: str
    resource: str
    number: int
    """Of the attempt, from 1; 0 when nothing was sent."""
    answer: int | str | None
    """The HTTP status, or why there was none."""
    outcome: Outcome
    repeated: bool = False
    """Sent once more after it was delivered."""


class Attempts:
    """The attempts in order."""

    def __init__(self) -> None:
        self._all: list[Attempt] = []
        self.listeners: list[Callable[[Attempt], None]] = []

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, index: int) -> Attempt:
        return self._all[index]

    def add(self, attempt: Attempt) -> None:
        self._all.append(attempt)
        for listener in tuple(self.listeners):
            listener(attempt)

    def clear(self) -> None:
        self._all.clear()
