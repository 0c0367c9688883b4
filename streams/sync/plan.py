"""What PagerDuty is to be asked next for one Case. Pure.

Each operation reads before it writes where a write could do harm, and may be repeated after an unknown outcome: a
status is written only where the incident lacks it, a note only when no note has its marker, an incident only when none
has the Case's key. `facts` in an operation: what had been heard of the incident when it was planned, so that its answer
is not taken for newer than what was heard meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from streams.sync.notes import written
from streams.sync.row import CaseIncident
from streams.sync.said import incident_key
from streams.sync.status import Status


@dataclass(frozen=True, slots=True)
class Create:
    """Make the Case's incident, or adopt the one that has its key. `look`: one may have been made, look for it first.

    make: False when it is only to be found. past: incidents of earlier lives with the same key, never adopted.
    """

    key: str
    service: str
    title: str
    body: str | None
    urgency: str | None
    priority: str | None
    look: bool = False
    make: bool = True
    past: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Acknowledge the incident if it is open: on a resolved one it would reopen it (PagerDuty, since 2025-09-18)."""

    incident: str
    facts: int = 0


@dataclass(frozen=True, slots=True)
class Unacknowledge:
    """Set an acknowledged incident back to triggered."""

    incident: str
    facts: int = 0


@dataclass(frozen=True, slots=True)
class Resolve:
    """Resolve the incident unless it is."""

    incident: str
    facts: int = 0


@dataclass(frozen=True, slots=True)
class AddNote:
    """Post a comment. `look`: it may have been posted, look for its marker among the notes first."""

    incident: str
    comment: str
    content: str
    look: bool = False


@dataclass(frozen=True, slots=True)
class ChangeFields:
    """Change title, priority (its name) or urgency."""

    incident: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """Read the incident."""

    incident: str
    facts: int


@dataclass(frozen=True, slots=True)
class ListNotes:
    """Read all notes."""

    incident: str
    facts: int = 0


PARTS: Final[Mapping[type[Any], str]] = {
    Create: "create",
    Acknowledge: "acknowledge",
    Unacknowledge: "unacknowledge",
    Resolve: "resolve",
    ChangeFields: "fields",
}
"""The part of an input (see `streams.sync.row.Waiting`) that an operation does."""

Operation = Create | Acknowledge | Unacknowledge | Resolve | AddNote | ChangeFields | Look | ListNotes


def plan(row: CaseIncident) -> Operation | None:
    """The next operation, or None when PagerDuty knows all there is to know."""
    if row.link is None:
        return _create(row) if row.create != "no" and "create" not in row.given_up else None
    if row.ended is not None:
        return None
    incident = row.link.id
    if row.doubt:
        return Look(incident, row.facts)
    there, case = row.status or Status.OPEN, row.case_will_be
    if row.un_ack and "unacknowledge" not in row.given_up:
        return Unacknowledge(incident, row.facts)
    if case is Status.RESOLVED and there < case and row.conflict is None and "resolve" not in row.given_up:
        return Resolve(incident, row.facts)
    if case is Status.ACKNOWLEDGED and there < case and "acknowledge" not in row.given_up:
        return Acknowledge(incident, row.facts)
    if row.fields and there is not Status.RESOLVED:
        return ChangeFields(incident, row.fields)
    if row.comments:
        comment = row.comments[0]
        content = written(
            comment.text, author=comment.author, case=row.case, comment=comment.id, resolution=comment.resolution
        )
        return AddNote(incident, comment.id, content, comment.tried)
    return ListNotes(incident, row.facts) if row.list_notes else None


def begin(row: CaseIncident, operation: Operation) -> CaseIncident:
    """An operation is under way: from here on its outcome is unknown until `done`."""
    row = replace(row, doing=type(operation).__name__)
    if isinstance(operation, Create):
        return replace(row, asked=True)
    if isinstance(operation, AddNote):
        tried = tuple(replace(one, tried=one.tried or one.id == operation.comment) for one in row.comments)
        return replace(row, comments=tried)
    return row


def part_of(operation: Operation) -> str | None:
    """The part of an input that an operation does; None for one that all of them wait for."""
    if isinstance(operation, AddNote):
        return f"note:{operation.comment}"
    return PARTS.get(type(operation))


def _create(row: CaseIncident) -> Create:
    message: Mapping[str, Any] = row.last["message"]
    return Create(
        key=incident_key(str(row.last["dedup_key"])),
        service=str(row.last["service"]),
        title=str(message.get("title") or row.last["case"].get("title") or f"Case {row.case}"),
        body=message.get("body"),
        urgency=message.get("urgency"),
        priority=message.get("priority"),
        look=row.asked,
        make=row.create == "yes",
        past=row.past,
    )
