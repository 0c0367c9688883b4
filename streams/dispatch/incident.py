"""One incident at one destination: what PagerDuty should hear, what it has heard, and which inputs that settles.

Pure. The row of table `incidents` is this value as JSON. At most three requests wait at a time, in this order: a
resolve that ends the life before, a trigger, an acknowledge; a newer one takes the place of the one of its kind
(architecture, section 4: newest state wins while waiting).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from streams.dispatch.outcome import Outcome, source_of

Record = Mapping[str, Any]
"""An outbox record (schemas/pagerduty-outbox.json)."""

State = Literal["none", "triggered", "acknowledged", "resolved"]

AFTER: Mapping[str, State] = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


@dataclass(frozen=True, slots=True)
class Incident:
    """state: what PagerDuty was last told and accepted. pending: outbox records still to be sent, in order.

    seen: for each source partition ("topic/partition") the newest input offset that is part of this value; an input at
    or below it is a re-delivery. outcomes: decided, not yet known to be in `deliveries`, by source. released: sources
    whose acknowledgement was given before their outcome, so that nobody will deliver them again: their records are kept
    here until they are reported. closed_at: ms since the epoch of the accepted resolve, None while open.
    """

    state: State = "none"
    pending: tuple[Record, ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    released: Mapping[str, Record] = field(default_factory=dict)
    closed_at: int | None = None

    # -- what arrives -------------------------------------------------------------------------------------------

    def knows(self, record: Record) -> bool:
        """Whether this input has been taken in before (a crash between its outcome and its acknowledgement)."""
        partition, offset = _position(record)
        return self.seen.get(partition, -1) >= offset

    def ask(self, record: Record, now_ms: int) -> Incident:
        """Take in a new input. What it makes pointless is superseded, with an outcome that names it."""
        partition, offset = _position(record)
        action = record["action"]
        gone: tuple[Record, ...]
        kept: tuple[Record, ...]
        if action == "resolve":
            gone, kept = self.pending, (record,)
        elif action == "trigger":
            # An acknowledged incident stays so when it is triggered again; one that was not open is not acknowledged.
            stays = ("resolve", "acknowledge") if self._to_be_open else ("resolve",)
            gone = tuple(waiting for waiting in self.pending if waiting["action"] not in stays)
            before = tuple(waiting for waiting in self.pending if waiting["action"] == "resolve")
            after = tuple(waiting for waiting in self.pending if waiting["action"] in stays[1:])
            kept = (*before, record, *after)
        else:
            gone = tuple(waiting for waiting in self.pending if waiting["action"] == "acknowledge")
            kept = (*(waiting for waiting in self.pending if waiting["action"] != "acknowledge"), record)
        outcomes = dict(self.outcomes)
        for waiting in gone:
            source = source_of(waiting)
            outcomes[source] = Outcome(
                source=source,
                status="superseded",
                reason=f"superseded_by_{action}",
                message=f"a newer {action} of the same incident arrived while this {waiting['action']} was waiting",
                at=now_ms,
                by=source_of(record),
            )
        return replace(self, pending=kept, seen={**self.seen, partition: offset}, outcomes=outcomes)

    @property
    def _to_be_open(self) -> bool:
        """Whether PagerDuty's incident is open once all that waits has been sent."""
        waiting = {record["action"] for record in self.pending}
        if "trigger" in waiting:
            return True
        return "resolve" not in waiting and self.state in ("triggered", "acknowledged")

    # -- what was done ------------------------------------------------------------------------------------------

    def settle(self, record: Record, outcome: Outcome) -> Incident:
        """Note the final outcome of a pending record: delivered moves the state, anything else does not."""
        state, closed_at = self.state, self.closed_at
        if outcome.status == "delivered":
            state = AFTER[record["action"]]
            if state == "acknowledged" and self.state in ("none", "resolved"):
                state = self.state  # PagerDuty drops an acknowledge for what is not open
            closed_at = outcome.at if state == "resolved" else None
        return replace(
            self,
            state=state,
            pending=tuple(waiting for waiting in self.pending if waiting is not record),
            outcomes={**self.outcomes, outcome.source: outcome},
            closed_at=closed_at,
        )

    def release(self) -> Incident:
        """Keep the records of all that waits, because their acknowledgements are about to be given early."""
        return replace(self, released={**self.released, **{source_of(record): record for record in self.pending}})

    def only(self, sources: Container[str]) -> Incident:
        """Forget the outcomes of all other sources (they are known to be told)."""
        if not self.outcomes:
            return self
        return replace(self, outcomes={source: done for source, done in self.outcomes.items() if source in sources})

    def reported(self, source: str) -> Incident:
        """Forget an outcome that is in `deliveries` or `dead-letters`."""
        outcomes, released = dict(self.outcomes), dict(self.released)
        outcomes.pop(source, None)
        released.pop(source, None)
        return replace(self, outcomes=outcomes, released=released)

    # -- its row ------------------------------------------------------------------------------------------------

    def to_row(self) -> bytes:
        """The row's value in the changelog."""
        return orjson.dumps(
            {
                "state": self.state,
                "pending": self.pending,
                "seen": self.seen,
                "outcomes": list(self.outcomes.values()),
                "released": self.released,
                "closed_at": self.closed_at,
            }
        )

    @classmethod
    def from_row(cls, value: bytes) -> Incident:
        """Read a row back."""
        row = orjson.loads(value)
        outcomes = [Outcome.from_json(outcome) for outcome in row["outcomes"]]
        return cls(
            state=row["state"],
            pending=tuple(row["pending"]),
            seen=row["seen"],
            outcomes={outcome.source: outcome for outcome in outcomes},
            released=row["released"],
            closed_at=row["closed_at"],
        )


def row_key(destination: str, dedup_key: str) -> bytes:
    """The key of an incident's row: destination and dedup key, which PagerDuty also matches by."""
    return f"{destination}|{dedup_key}".encode()


def _position(record: Record) -> tuple[str, int]:
    source = record["source"]
    return f"{source['topic']}/{source['partition']}", source["offset"]
