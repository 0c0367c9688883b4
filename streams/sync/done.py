"""What PagerDuty answered to an operation, taken into the Case's row. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from streams.dispatch.outcome import SENT_PLAIN
from streams.sync import inputs
from streams.sync.echoes import noted
from streams.sync.heard import anew
from streams.sync.pieces import Change, Lost
from streams.sync.plan import (
    PARTS,
    Acknowledge,
    AddNote,
    ChangeFields,
    Create,
    ListNotes,
    Look,
    Operation,
    Resolve,
    Unacknowledge,
)
from streams.sync.row import CaseIncident
from streams.sync.said import Facts, Note, Said, gone
from streams.sync.say import say
from streams.sync.status import INCIDENT_WORDS, Status
from streams.sync.times import near, order
from streams.sync.told import ended, found_out, late, linked, news, seen_incident, seen_note
from streams.updates import Trouble


@dataclass(frozen=True, slots=True)
class Took:
    """PagerDuty has it. facts: the incident as it is now; before: as it was read before writing. wrote: whether it had
    to be written. note: id of the note that has the comment; notes: all notes, where they were read. me: our user
    there. refused: what PagerDuty said to the incident as it was wanted, when it took it in its plainest form only."""

    facts: Facts | None = None
    before: Facts | None = None
    wrote: bool = False
    note: str | None = None
    notes: tuple[Note, ...] | None = None
    me: str | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such incident. `at`: our time, ms since the epoch."""

    at: int


@dataclass(frozen=True, slots=True)
class Declined:
    """PagerDuty refuses: the same would be refused again. `near`: what may have been meant."""

    reason: str
    words: str
    http: int | None = None
    near: tuple[str, ...] = ()


Result = Took | Missing | Declined

MAKES = {
    Acknowledge: ("acknowledged", Status.ACKNOWLEDGED),
    Unacknowledge: ("unacknowledged", Status.OPEN),
    Resolve: ("resolved", Status.RESOLVED),
}


def done(row: CaseIncident, operation: Operation, result: Result, now_ms: int) -> CaseIncident:
    """Take in the answer to an operation that was begun."""
    if isinstance(result, Took):
        row = _took(row, operation, result, now_ms)
    elif isinstance(result, Missing):
        row = _missing(row, operation, result, now_ms)
    else:
        row = _declined(row, operation, result, now_ms)
    return inputs.settled(replace(row, doing=None), now_ms)


def _took(row: CaseIncident, operation: Operation, result: Took, now_ms: int) -> CaseIncident:
    if result.me is not None:
        row = replace(row, me=result.me)
    if isinstance(operation, Create):
        return _created(row, operation, result, now_ms)
    if isinstance(operation, AddNote) and result.note is not None:
        row = row.comment_posted(operation.comment)
    if row.link is None or row.link.id != operation.incident or row.ended is not None:
        return row  # the Case has gone on to another incident, or there is none any more
    row = replace(row, error=None)
    if isinstance(operation, Look):
        return _looked(row, operation, result, now_ms)
    if isinstance(operation, AddNote | ListNotes):
        return _noted(row, operation, result, now_ms)
    if isinstance(operation, ChangeFields):
        left = {name: value for name, value in row.fields.items() if operation.fields.get(name) != value}
        return replace(row, fields=left, known={**row.known, **operation.fields})
    return _moved(row, operation, result, now_ms)


# -- statuses -------------------------------------------------------------------------------------------------------


def _moved(
    row: CaseIncident, operation: Acknowledge | Unacknowledge | Resolve, result: Took, now_ms: int
) -> CaseIncident:
    kind, status = MAKES[type(operation)]
    if isinstance(operation, Unacknowledge):
        row = replace(row, un_ack=False)
    if not result.wrote:
        return row if result.before is None else _learn(row, result.before, now_ms)
    facts = result.facts
    if facts is None:
        return replace(row, doubt=True)  # taken, but not said how it is now
    row = _own(row, kind, facts.status_at)
    if facts.status is not status:
        return _learn(row, facts, now_ms)
    later = order(facts.status_at, row.status_at)
    if row.facts == operation.facts or later > 0:  # nothing was heard since: all that was heard is older than our write
        row = replace(row, status=status, status_at=max(facts.status_at, row.status_at))
        if status is Status.RESOLVED:
            row = inputs.over(replace(row, conflict=None), now_ms)
        return _level(row, operation, facts, now_ms)
    if later == 0 and row.status is not status:
        return replace(row, doubt=True)
    return row


def _own(row: CaseIncident, kind: str, at: int) -> CaseIncident:
    """Note a change of our own, so that its echo is known; it may have been heard already."""
    for place, one in enumerate(row.changes):
        if one.kind == kind and not one.own and near(one.at, at):
            return replace(row, changes=(*row.changes[:place], replace(one, own=True), *row.changes[place + 1 :]))
    return noted(row, Change(kind, at, own=True))


def _level(row: CaseIncident, operation: Operation, facts: Facts, now_ms: int) -> CaseIncident:
    """Our write came later than a decision of the other side: the further status holds."""
    assert row.status is not None, "the incident was written"
    if row.status <= row.case_will_be or row.un_ack:
        return row
    if isinstance(operation, Resolve):
        return replace(anew(row), create="yes")  # the Case was opened again while it was being resolved
    word = INCIDENT_WORDS[row.status]
    row = row.tell_case(row.status)
    name = f"{facts.link.id}:{word}:{facts.status_at}"
    change: Literal["acknowledged", "resolved"] = "resolved" if row.status is Status.RESOLVED else "acknowledged"
    return say(row, change, now_ms, id=name, at=facts.status_at, found_by="answer", apply=True)


def _learn(row: CaseIncident, facts: Facts, now_ms: int) -> CaseIncident:
    """What was read before a write that turned out to be needless."""
    return seen_incident(row, _read(facts), now_ms)


def _read(facts: Facts) -> Said:
    return Said("incident", "", facts.link.id, facts.status_at, "answer", actor=facts.by, facts=facts)


def _looked(row: CaseIncident, operation: Look, result: Took, now_ms: int) -> CaseIncident:
    """The truth, unless something was heard since: then it is looked at again."""
    facts = result.facts
    if facts is None or row.facts != operation.facts:
        return row
    held, row = sorted(row.held, key=lambda said: said.at), replace(row, held=(), doubt=False)
    merged = facts.merged_into is not None and facts.status is Status.RESOLVED
    if facts.priority is not None or row.known.get("priority") is not None:
        row = replace(row, known={**row.known, "priority": facts.priority})
    newest = next((said for said in reversed(held) if said.to is facts.status), None)
    for said in held:
        if merged and said.to is Status.RESOLVED:
            said = replace(said, facts=facts)
        if said is newest or (merged and said.to is Status.RESOLVED):
            row = news(row, replace(said, at=max(said.at, facts.status_at)), now_ms)
        else:
            row = late(row, said, now_ms)
        if not row.linked:
            return row
    if facts.status is row.status:
        return replace(row, status_at=max(row.status_at, facts.status_at))
    return found_out(row, _read(facts), now_ms)


# -- creation -------------------------------------------------------------------------------------------------------


def _created(row: CaseIncident, operation: Create, result: Took, now_ms: int) -> CaseIncident:
    facts = result.facts
    if facts is None:  # there is none, and none was to be made
        row = replace(row, asked=False)
        if row.create != "find":  # the Case was opened again meanwhile
            return row
        return inputs.let_go(replace(row, create="no"), "never_paged", now_ms)
    if row.link is not None:  # a webhook was faster than the answer
        return _learn(row, facts, now_ms) if row.link.id == facts.link.id else row
    row = linked(row, facts, "answer", now_ms)
    if result.refused:
        row = replace(row, fields={})
        row = inputs.dead(row, ("create",), Lost("dead", "invalid_event", result.refused + SENT_PLAIN), now_ms)
    if result.wrote:
        me = facts.by.id if facts.by is not None and facts.by.kind == "user" else None
        row = replace(_own(row, "triggered", facts.status_at), me=me or row.me)
    row = replace(row, status=Status.OPEN, status_at=facts.status_at)
    return row if facts.status is Status.OPEN else found_out(row, _read(facts), now_ms)


# -- notes ----------------------------------------------------------------------------------------------------------


def _noted(row: CaseIncident, operation: AddNote | ListNotes, result: Took, now_ms: int) -> CaseIncident:
    if isinstance(operation, ListNotes) and row.facts == operation.facts:
        row = replace(row, list_notes=False)
    for note in result.notes or ():
        if note.id is not None and note.content is not None:
            row = seen_note(row, note, "answer", now_ms)
    if isinstance(operation, AddNote) and result.note is not None:
        row = row.note_seen(result.note, 0)
    return row


# -- refusals -------------------------------------------------------------------------------------------------------


def _missing(row: CaseIncident, operation: Operation, result: Missing, now_ms: int) -> CaseIncident:
    if isinstance(operation, Create):
        return _declined(row, operation, Declined("not_found", "PagerDuty has no such service", 404), now_ms)
    if row.link is None or row.link.id != operation.incident or row.ended is not None:
        return row
    return ended(row, gone(operation.incident, result.at), "deleted", now_ms)


def _declined(row: CaseIncident, operation: Operation, result: Declined, now_ms: int) -> CaseIncident:
    lost = Lost("dead", result.reason, result.words, http=result.http, near=result.near)
    if isinstance(operation, Create):
        every = [part for one in row.waiting for part in one.parts]
        return inputs.dead(replace(row, create="no", asked=False, comments=()), every, lost, now_ms)
    if isinstance(operation, AddNote):
        left = tuple(comment for comment in row.comments if comment.id != operation.comment)
        return inputs.dead(replace(row, comments=left), (f"note:{operation.comment}",), lost, now_ms)
    if isinstance(operation, ListNotes | Look):
        row = replace(row, list_notes=False, doubt=False, error=Trouble(result.reason, result.words, now_ms))
        held, row = row.held, replace(row, held=())
        for said in held:
            row = late(row, said, now_ms)
        return row
    part = PARTS[type(operation)]
    row = replace(row, given_up=row.given_up | {part})
    if isinstance(operation, ChangeFields):
        row = replace(row, fields={})
    if isinstance(operation, Unacknowledge):
        row = replace(row, un_ack=False)
    return inputs.dead(row, (part,), lost, now_ms)
