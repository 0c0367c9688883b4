"""The row of one Case at one account: what both sides said, what is still to be told to either. Pure.

It is a value of table `incidents` as JSON. All memories in it are bounded; the bounds are beside their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import orjson

from streams.dispatch.outcome import Attempt, Outcome, Tried, source_of
from streams.seen import Position, Seen
from streams.sync.pieces import Change, Comment, Lost, Record, Waiting
from streams.sync.said import Facts, Said
from streams.sync.status import INCIDENT_WORDS, Status, after_all, applied
from streams.updates import Actor, CaseStatus, Incident, Service, Trouble, Update

EVENTS_KEPT: Final = 200
"""Ids of webhooks and log entries. PagerDuty repeats a webhook for up to 48 h; an incident has some dozens in its
life."""

NOTES_KEPT: Final = 500
"""Ids of notes; an incident has at most 2,000, and those before the oldest kept one are known by their time."""

COMMENTS_KEPT: Final = 500
"""Ids of the Case's comments that PagerDuty has."""

CHANGES_KEPT: Final = 60
"""Changes of status and assignees that may still be heard of in another way."""

TOLD_KEPT: Final = 16
"""Statuses that the Case was told and has not said yet; more are taken as followed."""

HELD_KEPT: Final = 20
"""Changes of unknown order that wait for a look at the incident."""

Create = Literal["no", "yes", "find"]
"""Whether an incident is wanted: `find` where one may have been made and is to be ended, but none is to be made now."""

Gone = Literal["merged", "deleted"]


@dataclass(frozen=True, slots=True)
class CaseIncident:
    """What is known and wanted of one Case at one account.

    case, word, case_status: its id and what it said last. told: statuses that it was told since and has not said.
    last: the newest outbox record, without its comment: where to and what to say. create, un_ack, fields, comments:
    what PagerDuty is to be asked for, beside the further status. given_up: parts that PagerDuty refused, until the Case
    asks anew.

    link, status, status_at: the incident and what PagerDuty said last (ms). known: title, priority and urgency there.
    ended: there is nothing to talk to any more. held: changes whose order is not known; doubt: the incident is to be
    read. facts: counts what was heard, so that a read knows whether it is still the newest. list_notes: notes were
    added of which not all is known. me: our user there, once known. past: incidents of the Case's earlier lives.
    resolution: the text of the resolution note that both sides have.

    asked: PagerDuty may have been asked to create it, and the answer is not known. doing: the operation under way (not
    in the row: after a restart nobody knows, see `suspected`). seen, outcomes, released, tried, sent: as in
    `streams.dispatch.incident`.
    """

    case: str = ""
    word: CaseStatus | None = None
    case_status: Status | None = None
    told: tuple[Status, ...] = ()
    last: Record = field(default_factory=dict)
    create: Create = "no"
    un_ack: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    comments: tuple[Comment, ...] = ()
    given_up: frozenset[str] = frozenset()

    link: Incident | None = None
    service: Service | None = None
    status: Status | None = None
    status_at: int = 0
    known: Mapping[str, str | None] = field(default_factory=dict)
    ended: Gone | None = None
    conflict: Trouble | None = None
    error: Trouble | None = None
    held: tuple[Said, ...] = ()
    doubt: bool = False
    facts: int = 0
    list_notes: bool = False
    me: str | None = None
    past: tuple[str, ...] = ()
    resolution: str | None = None

    changes: tuple[Change, ...] = ()
    events: tuple[str, ...] = ()
    notes: tuple[tuple[str, int], ...] = ()
    notes_before: int = 0
    posted: tuple[str, ...] = ()

    asked: bool = False
    doing: str | None = None
    waiting: tuple[Waiting, ...] = ()
    updates: tuple[Mapping[str, Any], ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    released: Mapping[str, Record] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    tried: Mapping[str, Tried] = field(default_factory=dict)
    sent: tuple[int, ...] = ()
    closed_at: int | None = None

    # -- what follows from it ---------------------------------------------------------------------------------------

    @property
    def case_will_be(self) -> Status:
        """The Case's status once it has followed what it was told."""
        return after_all(self.case_status or Status.OPEN, self.told)

    @property
    def linked(self) -> bool:
        """Whether there is an incident to talk to."""
        return self.link is not None and self.ended is None

    @property
    def at_rest(self) -> bool:
        """Whether nothing is to be told to anybody."""
        return not self.waiting and not self.updates and not self.outcomes

    @property
    def over(self) -> bool:
        """Whether both sides are through with it."""
        there = self.status is Status.RESOLVED or self.ended is not None or (self.link is None and self.create == "no")
        return self.case_status is not None and self.case_will_be is Status.RESOLVED and there

    @property
    def differing(self) -> dict[str, str]:
        """Title and priority as the Case has them, where the incident has others."""
        wanted = self.last["message"]
        names = [name for name in ("title", "priority") if name in self.known]
        return {name: wanted[name] for name in names if wanted.get(name) and wanted[name] != self.known[name]}

    def knows(self, record: Record) -> bool:
        """Whether this input has been taken in before."""
        return self.seen.has(Position.of(record["source"]))

    @property
    def pending(self) -> tuple[Record, ...]:
        """The records that wait."""
        return tuple(one.record for one in self.waiting)

    # -- small steps ------------------------------------------------------------------------------------------------

    def tell_case(self, status: Status) -> CaseIncident:
        """The Case is about to be told of this status."""
        told, said = (*self.told, status), self.case_status or Status.OPEN
        while len(told) > TOLD_KEPT:
            said, told = applied(said, told[0]), told[1:]
        return replace(self, told=told, case_status=said)

    def add_update(self, update: Update, now_ms: int) -> CaseIncident:
        """One more record for `case-updates`; one of the same id is not told twice at a time."""
        if any(waiting["id"] == update.id for waiting in self.updates):
            return self
        return replace(self, updates=(*self.updates, update.to_json(now_ms)))

    def published(self, ids: Iterable[str]) -> CaseIncident:
        """Forget updates that are in `case-updates`."""
        gone = frozenset(ids)
        return replace(self, updates=tuple(update for update in self.updates if update["id"] not in gone))

    def reported(self, source: str) -> CaseIncident:
        """Forget an outcome that is in `deliveries` or `dead-letters`."""
        outcomes = {name: done for name, done in self.outcomes.items() if name != source}
        released = {name: record for name, record in self.released.items() if name != source}
        return replace(self, outcomes=outcomes, released=released)

    def release(self) -> CaseIncident:
        """Keep the records of all that waits, because their acknowledgements are about to be given early."""
        return replace(self, released={**self.released, **{source_of(record): record for record in self.pending}})

    def renewed(self, _renew: Callable[[Record], Record]) -> CaseIncident:
        """Nothing in it is sealed."""
        return self

    def attempted(self, source: str, attempt: Attempt) -> CaseIncident:
        """Note a call that was made for something that waits."""
        return replace(self, tried={**self.tried, source: self.tried.get(source, Tried()).and_also(attempt)})

    def closing(self, now_ms: int) -> CaseIncident:
        """Note when both sides were through with it."""
        if not self.over or self.waiting or self.comments:
            return self if self.closed_at is None else replace(self, closed_at=None)
        return self if self.closed_at is not None else replace(self, closed_at=now_ms)

    def note_seen(self, note_id: str, at: int) -> CaseIncident:
        """A note is known now."""
        if self.has_note(note_id):
            return self
        notes, before = (*self.notes, (note_id, at)), self.notes_before
        if len(notes) > NOTES_KEPT:
            notes, before = notes[1:], max(before, notes[0][1])
        return replace(self, notes=notes, notes_before=before)

    def has_note(self, note_id: str) -> bool:
        """Whether a note is known."""
        return any(known == note_id for known, _at in self.notes)

    def comment_posted(self, comment_id: str) -> CaseIncident:
        """PagerDuty has this comment of the Case."""
        return replace(
            self,
            comments=tuple(comment for comment in self.comments if comment.id != comment_id),
            posted=(*(known for known in self.posted if known != comment_id), comment_id)[-COMMENTS_KEPT:],
        )

    def suspected(self) -> CaseIncident:
        """What is wanted may have been asked for by whoever had the row before: look before asking again."""
        return replace(
            self,
            asked=self.asked or (self.create != "no" and self.link is None),
            comments=tuple(replace(comment, tried=True) for comment in self.comments),
            doubt=self.doubt or (self.linked and bool(self.waiting)),
        )

    # -- as JSON ----------------------------------------------------------------------------------------------------

    def to_row(self, epoch: str = "") -> bytes:
        """The row's value in the changelog. `epoch` names the worker's present tenure of its partitions."""
        waiting = {source_of(record) for record in self.pending}
        value = {name: getattr(self, name) for name in _PLAIN}
        value |= {
            "given_up": sorted(self.given_up),
            "state": "none" if self.status is None else INCIDENT_WORDS[self.status],
            "pending": self.pending,
            "waiting": [{"parts": one.parts, "took": one.took, "lost": one.lost} for one in self.waiting],
            "outcomes": list(self.outcomes.values()),
            "released": {source: None if source in waiting else record for source, record in self.released.items()},
            "tried": {source: calls.to_json() for source, calls in self.tried.items()},
            "seen": self.seen.to_json(),
            "epoch": epoch,
        }
        return orjson.dumps(value)

    @classmethod
    def from_row(cls, value: bytes, epoch: str | None = None) -> CaseIncident:
        """Read a row back. Of another epoch than this one nobody knows what was asked after it was written."""
        row: dict[str, Any] = orjson.loads(value)
        read = {name: row[name] for name in _AS_THEY_ARE}
        outcomes = [Outcome.from_json(outcome) for outcome in row["outcomes"]]
        waiting = tuple(_waiting(record, one) for record, one in zip(row["pending"], row["waiting"], strict=True))
        records = {source_of(one.record): one.record for one in waiting}
        found = cls(
            **read,
            case_status=_status(row["case_status"]),
            told=tuple(Status(status) for status in row["told"]),
            comments=tuple(Comment(**comment) for comment in row["comments"]),
            given_up=frozenset(row["given_up"]),
            link=_known(Incident, row["link"]),
            service=_known(Service, row["service"]),
            status=_status(row["status"]),
            conflict=_known(Trouble, row["conflict"]),
            error=_known(Trouble, row["error"]),
            held=tuple(_said(said) for said in row["held"]),
            past=tuple(row["past"]),
            changes=tuple(Change(**change) for change in row["changes"]),
            events=tuple(row["events"]),
            notes=tuple((note, at) for note, at in row["notes"]),
            posted=tuple(row["posted"]),
            waiting=waiting,
            released={source: record or records[source] for source, record in row["released"].items()},
            tried={source: Tried.from_json(calls) for source, calls in row["tried"].items()},
            updates=tuple(row["updates"]),
            outcomes={outcome.source: outcome for outcome in outcomes},
            seen=Seen.from_json(row["seen"]),
            sent=tuple(row["sent"]),
        )
        return found if row["epoch"] == epoch else found.suspected()


_AS_THEY_ARE: Final = (
    "case",
    "word",
    "last",
    "create",
    "un_ack",
    "fields",
    "status_at",
    "known",
    "ended",
    "doubt",
    "facts",
    "list_notes",
    "me",
    "resolution",
    "notes_before",
    "asked",
    "closed_at",
)
_PLAIN: Final = (
    *_AS_THEY_ARE,
    *("case_status", "told", "comments", "link", "service", "status", "conflict", "error", "held", "past", "changes"),
    *("events", "notes", "posted", "updates", "sent"),
)


def _status(value: int | None) -> Status | None:
    return None if value is None else Status(value)


def _known(kind: Any, value: Mapping[str, Any] | None) -> Any:
    return None if value is None else kind(**value)


def _waiting(record: Record, value: Mapping[str, Any]) -> Waiting:
    lost = value["lost"]
    return Waiting(
        record,
        tuple(value["parts"]),
        value["took"],
        None if lost is None else Lost(**{**lost, "near": tuple(lost["near"])}),
    )


def _said(value: Mapping[str, Any]) -> Said:
    known = value["facts"]
    facts = known and Facts(
        **{
            **known,
            "link": Incident(**known["link"]),
            "status": Status(known["status"]),
            "service": _known(Service, known["service"]),
            "merged_into": _known(Incident, known["merged_into"]),
            "by": _known(Actor, known["by"]),
        }
    )
    return Said(
        **{
            **value,
            "actor": _known(Actor, value["actor"]),
            "facts": facts,
            "note": None,
            "assignees": tuple(value["assignees"]),
        }
    )
