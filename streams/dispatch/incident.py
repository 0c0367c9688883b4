"""One incident at one destination: what PagerDuty should hear, what it has heard, and which inputs that settles.

Pure. The row of table `incidents` is this value as JSON. At most three requests wait at a time, in this order: a
resolve that ends the life before, a trigger, an acknowledge; a newer one takes the place of the one of its kind
(architecture, section 4: newest state wins while waiting).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from streams.dispatch.outcome import Attempt, Outcome, Tried, replay_of, source_of
from streams.seen import Position, Seen

Record = Mapping[str, Any]
"""An outbox record (schemas/pagerduty-outbox.json)."""

State = Literal["none", "triggered", "acknowledged", "resolved"]

AFTER: Mapping[str, State] = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


WINDOW_MS = 60_000

DIGEST_TOPIC = "pagerline-digest"
"""Stands in the place of an input topic in a digest's source."""

SKIPPED = {
    "moved_on": "a newer input of the incident has been seen since this one was given up",
    "already_replayed": "this dead letter has been replayed before",
}


@dataclass(frozen=True, slots=True)
class Incident:
    """state: what PagerDuty was last told and accepted. pending: outbox records still to be sent, in order.

    seen: the inputs that are part of this value, by their places in the source partitions; one of them that comes again
    is a re-delivery. outcomes: decided, not yet known to be in `deliveries`, by source. released: sources
    whose acknowledgement was given before their outcome, so that nobody will deliver them again: their records are kept
    here until they are reported. closed_at: ms since the epoch of the accepted resolve, None while open. sent: when the
    requests of the last minute were made, ms since the epoch: the destination's window after a restart. asked: whether
    PagerDuty may have been asked for something that is still pending. replayed: for each source partition offset and
    timestamp of the last replay from the dead letters that did not die. taken: the inputs that PagerDuty took, or
    needs not hear of. digest: what a digest said last, so that a successor can end it. tried: the requests made for
    what is pending and was not accepted so far, by source.
    """

    state: State = "none"
    pending: tuple[Record, ...] = ()
    seen: Seen = field(default_factory=Seen)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    released: Mapping[str, Record] = field(default_factory=dict)
    closed_at: int | None = None
    sent: tuple[int, ...] = ()
    asked: bool = False
    replayed: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    taken: Seen = field(default_factory=Seen)
    digest: Record | None = None
    tried: Mapping[str, Tried] = field(default_factory=dict)

    @property
    def paged(self) -> bool:
        """Whether PagerDuty's incident was open when last heard of."""
        return self.state in ("triggered", "acknowledged")

    # -- what arrives -------------------------------------------------------------------------------------------

    def knows(self, record: Record) -> bool:
        """Whether this input has been taken in before (a crash between its outcome and its acknowledgement).

        An input at an offset that has been seen, but younger than what was seen there, is none of these: its topic has
        been made anew, or has lost its end, and it is as new as any other (see `streams.seen`).
        """
        return self.seen.has(_position(record))

    def stale(self, record: Record) -> str | None:
        """Why a replay from the dead letters is not to be done: its reason, or None when it is.

        Only what is newer than all that PagerDuty took or is about to hear is worth replaying, and once, unless
        somebody insists. Once means with success: what died again may be tried again.
        """
        position = _position(record)
        if record["replay"]["force"]:
            return None
        if self.replayed.get(position.partition) == position[1:]:
            return "already_replayed"
        waiting = (_position(one) for one in self.pending)
        newer = any(one.partition == position.partition and one.offset > position.offset for one in waiting)
        return "moved_on" if newer or self.taken.goes_beyond(position) else None

    def ask(self, record: Record, now_ms: int) -> Incident:
        """Take in a new input. What it makes pointless is superseded, with an outcome that names it.

        An incident that is over before anybody was paged is not worth a page and its end: unless it is critical, or its
        record asks for it, neither is sent.
        """
        position = _position(record)
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
        tried = dict(self.tried)
        for waiting in gone:
            source = source_of(waiting)
            requests = tried.pop(source, Tried())
            outcomes[source] = Outcome(
                source=source,
                status="superseded",
                reason=f"superseded_by_{action}",
                message=f"a newer {action} of the same incident arrived while this {waiting['action']} was waiting",
                at=now_ms,
                by=source_of(record),
                attempts=requests.newest,
                attempts_total=requests.total,
                replay=replay_of(waiting),
            )
        if action == "resolve" and self._brief(record):
            kept = ()
            outcomes[source_of(record)] = Outcome(
                source=source_of(record),
                status="skipped",
                reason="never_paged",
                message="the incident was triggered and resolved while it waited: nobody was paged, nothing was sent",
                at=now_ms,
                replay=replay_of(record),
            )
        seen, taken = self.seen.and_also(position), self.taken
        replayed = {**self.replayed, position.partition: position[1:]} if replay_of(record) else self.replayed
        if not kept:
            taken = taken.and_also(position)  # the incident is over, and nobody is to be paged for it any more
        return replace(
            self,
            pending=kept,
            seen=seen,
            taken=taken,
            outcomes=outcomes,
            replayed=replayed,
            digest=record if is_digest(record) else None,
            tried=tried,
        )

    def _brief(self, resolve: Record) -> bool:
        """Whether the incident that `resolve` ends was surely never heard of at PagerDuty, and need not be."""
        triggers = [waiting for waiting in self.pending if waiting["action"] == "trigger"]
        return (
            bool(triggers)
            and not self.paged
            and not self.asked
            and resolve.get("brief") != "send"
            and all(severity(trigger) != "critical" for trigger in triggers)
        )

    @property
    def _to_be_open(self) -> bool:
        """Whether PagerDuty's incident is open once all that waits has been sent."""
        waiting = {record["action"] for record in self.pending}
        if "trigger" in waiting:
            return True
        return "resolve" not in waiting and self.state in ("triggered", "acknowledged")

    # -- what was done ------------------------------------------------------------------------------------------

    def settle(self, record: Record, outcome: Outcome) -> Incident:
        """Note the final outcome of a pending record: what PagerDuty took moves the state, anything else does not."""
        state, closed_at = self.state, self.closed_at
        if outcome.status == "delivered" or outcome.plain:
            state = AFTER[record["action"]]
            if state == "acknowledged" and self.state in ("none", "resolved"):
                state = self.state  # PagerDuty drops an acknowledge for what is not open
            closed_at = outcome.at if state == "resolved" else None
        pending = tuple(waiting for waiting in self.pending if waiting is not record)
        took = outcome.status == "delivered" or outcome.plain
        position = _position(record)
        replayed = self.replayed
        if replay_of(record) and not took:
            replayed = {name: place for name, place in replayed.items() if name != position.partition}
        return replace(
            self,
            state=state,
            pending=pending,
            outcomes={**self.outcomes, outcome.source: outcome},
            closed_at=closed_at,
            replayed=replayed,
            taken=self.taken.and_also(position) if took else self.taken,
            sent=(*self.sent[:-1], outcome.at) if outcome.attempts else self.sent,
            asked=self.asked and bool(pending),
            tried={source: requests for source, requests in self.tried.items() if source != outcome.source},
        )

    def attempted(self, source: str, attempt: Attempt) -> Incident:
        """Note a request that was made for something pending."""
        return replace(self, tried={**self.tried, source: self.tried.get(source, Tried()).and_also(attempt)})

    def asking(self, now_ms: int) -> Incident:
        """A request is about to be made."""
        sent = (*(at for at in self.sent if at > now_ms - WINDOW_MS), now_ms)
        return replace(self, sent=sent, asked=True)

    def suspected(self) -> Incident:
        """What is pending may have been asked for by whoever had the partition before."""
        return replace(self, asked=True)

    def skip(self, record: Record, reason: str, now_ms: int) -> Incident:
        """Refuse a replay (see `stale`)."""
        outcome = Outcome(
            source=source_of(record),
            status="skipped",
            reason=reason,
            message=SKIPPED[reason],
            at=now_ms,
            replay=replay_of(record),
        )
        return replace(self, outcomes={**self.outcomes, outcome.source: outcome})

    def release(self) -> Incident:
        """Keep the records of all that waits, because their acknowledgements are about to be given early."""
        return replace(self, released={**self.released, **{source_of(record): record for record in self.pending}})

    def renewed(self, renew: Callable[[Record], Record]) -> Incident:
        """With all its outbox records as `renew` gives them; itself when that changes none of them."""
        pending = tuple(map(renew, self.pending))
        released = {source: renew(record) for source, record in self.released.items()}
        digest = self.digest and renew(self.digest)
        before = (*self.pending, *self.released.values(), self.digest)
        if all(new is old for new, old in zip((*pending, *released.values(), digest), before, strict=True)):
            return self
        return replace(self, pending=pending, released=released, digest=digest)

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

    def to_row(self, epoch: str = "") -> bytes:
        """The row's value in the changelog. `epoch` names the worker's present tenure of its partitions.

        A released record that is also pending is written once.
        """
        pending = {source_of(record) for record in self.pending}
        released = {source: None if source in pending else record for source, record in self.released.items()}
        return orjson.dumps(
            {
                "state": self.state,
                "pending": self.pending,
                "seen": self.seen.to_json(),
                "taken": self.taken.to_json(),
                "outcomes": list(self.outcomes.values()),
                "released": released,
                "closed_at": self.closed_at,
                "sent": self.sent,
                "asked": self.asked,
                "replayed": self.replayed,
                "digest": self.digest,
                "tried": {source: requests.to_json() for source, requests in self.tried.items()},
                "epoch": epoch,
            }
        )

    @classmethod
    def from_row(cls, value: bytes, epoch: str | None = None) -> Incident:
        """Read a row back. Of another epoch than this one nobody knows what was asked after it was written."""
        row = orjson.loads(value)
        outcomes = [Outcome.from_json(outcome) for outcome in row["outcomes"]]
        pending = {source_of(record): record for record in row["pending"]}
        return cls(
            state=row["state"],
            pending=tuple(row["pending"]),
            seen=Seen.from_json(row["seen"]),
            taken=Seen.from_json(row["taken"]),
            outcomes={outcome.source: outcome for outcome in outcomes},
            released={source: record or pending[source] for source, record in row["released"].items()},
            closed_at=row["closed_at"],
            sent=tuple(row["sent"]),
            asked=bool(pending) and (row["asked"] or row["epoch"] != epoch),
            replayed={partition: (offset, timestamp) for partition, (offset, timestamp) in row["replayed"].items()},
            digest=row["digest"],
            tried={source: Tried.from_json(requests) for source, requests in (row.get("tried") or {}).items()},
        )


def is_digest(record: Record) -> bool:
    """Whether an outbox record is a digest's (see `streams.dispatch.digest`), and no input's."""
    return bool(record["source"]["topic"] == DIGEST_TOPIC)


def severity(record: Record) -> str:
    """The severity of a trigger's payload."""
    return str((record.get("payload") or {}).get("severity"))


def row_key(destination: str, dedup_key: str) -> bytes:
    """The key of an incident's row: destination and dedup key, which PagerDuty also matches by."""
    return f"{destination}|{dedup_key}".encode()


def _position(record: Record) -> Position:
    return Position.of(record["source"])
