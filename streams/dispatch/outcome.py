"""How an input ends at one destination: the values that deliveries, dead letters and metrics are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from streams import records
from streams.records import input_id

Status = Literal["delivered", "superseded", "skipped", "dead"]

ATTEMPTS_KEPT = 20
"""An outage of hours makes thousands of attempts; the newest say what is wrong, the total says for how long."""

SENT_PLAIN: Final = "; sent in its plainest form instead"
"""The end of a dead letter's message when somebody was paged all the same."""


ROW_ATTEMPTS = 3
ROW_ERROR = 200
"""Attempts of a request that waits, and characters of each one's error, that its row keeps: some 300 bytes as a rule,
below 1 kB where errors are plain text; nothing for what was not asked for yet, as most of a long line."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to PagerDuty: when (ms since the epoch), how long (ms), and what came back.

    `call`: what was asked of an account, in a word; None for an event.
    """

    at: int
    ms: float
    status: int | None
    error: str | None
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """The requests made for an input that has no outcome yet: how many in all, and the newest of them."""

    total: int = 0
    newest: tuple[Attempt, ...] = ()

    def and_also(self, attempt: Attempt) -> Tried:
        """With one more."""
        return Tried(self.total + 1, (*self.newest, attempt)[-ATTEMPTS_KEPT:])

    def to_json(self) -> dict[str, Any]:
        """As a row keeps it: fewer of them, and shorter."""
        newest = [replace(one, error=one.error and one.error[:ROW_ERROR]) for one in self.newest[-ROW_ATTEMPTS:]]
        return {"total": self.total, "newest": newest}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Tried:
        return cls(value["total"], tuple(Attempt(**attempt) for attempt in value["newest"]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final word on one input. `reason` is for machines, `message` for people (PagerDuty's words when it spoke).

    `by` is the source ("topic/partition/offset") of what superseded it. `at` is in ms since the epoch. `plain`:
    PagerDuty refused the event as it was, and took its plainest form. `replay`: id of the dead letter repeated.
    `folded`: a digest told of it while it waited.
    """

    source: str
    status: Status
    reason: str
    message: str
    at: int
    http_status: int | None = None
    by: str | None = None
    attempts: tuple[Attempt, ...] = ()
    attempts_total: int = 0
    plain: bool = False
    replay: str | None = None
    folded: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        attempts = tuple(Attempt(**attempt) for attempt in value["attempts"])
        return cls(**{**value, "attempts": attempts})


def replay_of(record: Mapping[str, Any]) -> str | None:
    """The id of the dead letter that an outbox record repeats; None for all others."""
    replay = record.get("replay")
    return replay["id"] if replay else None


def source_of(record: Mapping[str, Any]) -> str:
    """The input of an outbox record as "topic/partition/offset"."""
    return input_id(record["source"])


def delivery(record: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The `deliveries` record of an outcome (schemas/deliveries.json)."""
    return records.delivery(
        record["source"],
        incident=record["incident"],
        dedup_key=record["dedup_key"],
        action=record["action"],
        destination=record["destination"],
        connector=record["connector"],
        why=record.get("why"),
        render_errors=record.get("render_errors"),
        outcome=records.ending(
            record["source"],
            status=outcome.status,
            reason=outcome.reason,
            message=outcome.message,
            at=outcome.at,
            http_status=outcome.http_status,
            by=outcome.by,
            folded=outcome.folded,
            attempts=outcome.attempts,
            attempts_total=outcome.attempts_total,
        ),
        replay=replay_of(record),
    )


def dead_letter(record: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The `dead-letters` record of an outcome whose status is "dead"; the routing key stays sealed inside."""
    return records.dead_letter(
        record["source"],
        stage="dispatch",
        reason=outcome.reason,
        message=outcome.message,
        at=outcome.at,
        incident=record["incident"],
        destination=record["destination"],
        action=record["action"],
        http_status=outcome.http_status,
        attempts=outcome.attempts,
        attempts_total=outcome.attempts_total,
        outbox=record,
        replay=replay_of(record),
    )
