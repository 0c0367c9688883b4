"""What the Case said, taken into its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from streams.dispatch.outcome import replay_of, source_of
from streams.seen import Position
from streams.sync import inputs, notes
from streams.sync.pieces import Comment, Record, Waiting
from streams.sync.row import CaseIncident
from streams.sync.say import say
from streams.sync.status import OF_ACTION, OF_CASE, Status, after_all
from streams.updates import CaseStatus

FIELDS: Final = ("title", "priority", "urgency")
"""What PagerDuty lets be changed of an incident and the Case owns; the body is set once, when it is created."""

URGENT: Final = "P1"
"""A Case of this priority is worth a page and its end even when it was over before anybody could be paged, as a
critical alert is."""


def heard(row: CaseIncident, record: Record, now_ms: int) -> CaseIncident:
    """Take in an outbox record that the row does not know (see `CaseIncident.knows`)."""
    row = replace(row, seen=row.seen.and_also(Position.of(record["source"])), case=record["case"]["id"])
    if replay_of(record) is not None and row.case_status is not None:
        return _heard_again(row, record, now_ms)
    word, status = status_of(record)
    before, own, told = row.case_status, True, row.told
    if before is not None and status is not before:
        followed = _followed(before, told, status)
        own, told = (followed is None, told if followed is None else told[followed:])
    own = own and status is not before
    if status is Status.RESOLVED:
        told = ()  # a resolved Case follows nothing any more
    changed, wanted = word != row.word, row.create != "no"
    row = replace(row, word=word, case_status=status, told=told)
    row, parts = _message(row, record, now_ms)
    if own or (row.link is None and row.create == "no"):
        row, more = _status(row, before, status, record, now_ms)
        parts += more
    row, more = _comments(row, record, own=own)
    return _enter(row, record, (*parts, *more), now_ms, changed=changed, cancelled=wanted and row.create == "no")


def status_of(record: Record) -> tuple[CaseStatus, Status]:
    """The Case's status in a record: its own word, or what its action asks for where the word is another."""
    return OF_CASE.get(str(record["case"].get("status")), OF_ACTION[record["action"]])


def _followed(status: Status, told: tuple[Status, ...], now: Status) -> int | None:
    """How many of the updates the Case has followed when it says `now`; None when it came there by itself."""
    return next((n for n in range(1, len(told) + 1) if after_all(status, told[:n]) is now), None)


def _enter(
    row: CaseIncident,
    record: Record,
    parts: tuple[str, ...],
    now_ms: int,
    *,
    changed: bool = False,
    cancelled: bool = False,
) -> CaseIncident:
    if parts:
        return inputs.settled(replace(row, waiting=(*row.waiting, Waiting(record, parts))), now_ms)
    if row.ended is not None:
        reason: str = row.ended
    elif row.link is None and row.create == "no":
        reason = "never_paged" if cancelled else "no_incident"
    else:
        reason = "in_step"
    row = inputs.skipped(row, record, reason, now_ms)
    return inputs.told_synced(row, record, now_ms) if changed and row.link is not None else row


# -- what it says ---------------------------------------------------------------------------------------------------


def _message(row: CaseIncident, record: Record, now_ms: int) -> tuple[CaseIncident, tuple[str, ...]]:
    """The newest title, priority and urgency. Only what the Case changed is written: PagerDuty's own change stays."""
    before, now = row.last.get("message"), record["message"]
    row = replace(row, last={**record, "comment": None})
    if before is None or not row.linked or Status.RESOLVED in (row.status, row.case_status):
        return row, ()
    wanted = {name: now[name] for name in FIELDS if now.get(name) and now[name] != before.get(name)}
    if not wanted:
        return row, ()
    fields = {**row.fields, **wanted}
    fields = {name: value for name, value in fields.items() if row.known.get(name) != value}
    row = inputs.superseded(row, ("fields",), record, now_ms)
    row = replace(row, fields=fields, given_up=row.given_up - {"fields"})
    return row, ("fields",) if fields else ()


# -- what becomes of its status -------------------------------------------------------------------------------------


def _status(
    row: CaseIncident, before: Status | None, status: Status, record: Record, now_ms: int
) -> tuple[CaseIncident, tuple[str, ...]]:
    if before is Status.RESOLVED and status is not Status.RESOLVED:
        row = _opened_again(row, status, record, now_ms)
    if row.link is None or row.ended is not None:
        return _without_incident(row, status, record, now_ms)
    there = row.status or Status.OPEN
    if status is Status.OPEN:
        row = inputs.superseded(row, ("acknowledge", "resolve"), record, now_ms)
        acknowledged = before is Status.ACKNOWLEDGED or row.doing == "Acknowledge"
        if not acknowledged or there is Status.RESOLVED:
            return row, ()
        return replace(row, un_ack=True, given_up=row.given_up - {"unacknowledge"}), ("unacknowledge",)
    row = inputs.superseded(row, ("unacknowledge", "acknowledge", "resolve"), record, now_ms)
    if status is Status.ACKNOWLEDGED:
        row = replace(row, un_ack=False, given_up=row.given_up - {"acknowledge"})
        return row, ("acknowledge",) if there < Status.ACKNOWLEDGED else ()
    row = inputs.superseded(row, ("fields",), record, now_ms)
    row = replace(row, un_ack=False, fields={}, given_up=row.given_up - {"resolve"})
    return row, ("resolve",) if there < Status.RESOLVED else ()


def _opened_again(row: CaseIncident, status: Status, record: Record, now_ms: int) -> CaseIncident:
    """The Case itself left "resolved": a new life, and a new incident if the one before is over."""
    if row.link is None:
        return row
    incident = row.link.id
    if row.status is Status.RESOLVED or row.ended is not None:
        return anew(row)
    row = replace(row, conflict=None, fields=row.differing)
    if row.status is not Status.ACKNOWLEDGED or status is not Status.OPEN:
        return row
    row = row.tell_case(Status.ACKNOWLEDGED)
    name = f"{incident}:acknowledged:{source_of(record)}"
    return say(row, "acknowledged", now_ms, id=name, at=row.status_at, found_by="answer", apply=True)


def anew(row: CaseIncident) -> CaseIncident:
    """Forget the incident: the Case goes on with another one."""
    past = row.past if row.link is None else (*row.past, row.link.id)
    return replace(
        row,
        link=None,
        service=None,
        status=None,
        status_at=0,
        known={},
        ended=None,
        conflict=None,
        held=(),
        doubt=False,
        list_notes=False,
        un_ack=False,
        fields={},
        changes=(),
        resolution=None,
        past=past[-20:],
        closed_at=None,
    )


def _without_incident(
    row: CaseIncident, status: Status, record: Record, now_ms: int
) -> tuple[CaseIncident, tuple[str, ...]]:
    if row.ended is not None:
        return row, ()
    if status is Status.OPEN:
        row = inputs.superseded(row, ("create", "acknowledge", "resolve"), record, now_ms)
        return replace(row, create="yes", given_up=row.given_up - {"create"}), ("create",)
    if row.create == "no":
        return row, ()
    if status is Status.ACKNOWLEDGED:
        return inputs.superseded(row, ("acknowledge", "unacknowledge"), record, now_ms), ("acknowledge",)
    worth_it = record.get("brief") == "send" or record["message"].get("priority") == URGENT
    if worth_it:
        return inputs.superseded(row, ("acknowledge", "unacknowledge", "resolve"), record, now_ms), ("resolve",)
    if row.asked or row.doing is not None:
        # If there is one after all, what was said meanwhile belongs to it.
        row = inputs.superseded(row, ("create", "acknowledge", "unacknowledge", "resolve"), record, now_ms)
        return replace(row, create="find"), ("resolve",)
    parts = {part for one in row.waiting for part in one.parts}
    row = inputs.superseded(replace(row, comments=()), parts, record, now_ms)
    return replace(row, create="no"), ()


# -- comments -------------------------------------------------------------------------------------------------------


def _comments(row: CaseIncident, record: Record, *, own: bool) -> tuple[CaseIncident, tuple[str, ...]]:
    """The comment of this input, and the Case's resolution note, unless PagerDuty has them."""
    if row.ended is not None or (row.link is None and row.create == "no"):
        return row, ()
    wanted = []
    comment = record.get("comment")
    if comment:
        wanted.append(Comment(str(comment["id"]), str(comment["text"]), comment.get("author")))
    wanted += _resolution(row, record["case"], own=own)
    parts = []
    for one in wanted:
        known = one.id in row.posted or any(one.id == waiting.id for waiting in row.comments)
        if not known and not one.id.startswith("pagerduty:note:"):
            row = replace(row, comments=(*row.comments, one))
            parts.append(f"note:{one.id}")
        if one.resolution:
            row = replace(row, resolution=one.text)
    return row, tuple(parts)


def _resolution(row: CaseIncident, case: Mapping[str, Any], *, own: bool) -> list[Comment]:
    """The note with which the Case was resolved, when it is the Case's own."""
    given = case.get("resolution") or {}
    text, by = str(given.get("note") or "").strip(), str(given.get("by") or "")
    from_pagerduty = "pagerduty" in by.replace("_", "").lower()
    if not text or text == row.resolution or from_pagerduty or row.case_status is not Status.RESOLVED:
        return []
    return [Comment(notes.resolution_id(text), text, by or None, resolution=True)]


# -- replays --------------------------------------------------------------------------------------------------------


def _heard_again(row: CaseIncident, record: Record, now_ms: int) -> CaseIncident:
    """A dead letter that is repeated: what it asks for is done if the Case still wants it and PagerDuty lacks it."""
    parts: tuple[str, ...] = ()
    status = status_of(record)[1]
    if row.link is None and row.case_will_be is not Status.RESOLVED and status is not Status.RESOLVED:
        row = inputs.superseded(row, ("create",), record, now_ms)
        row = replace(row, create="yes", given_up=frozenset(), last={**record, "comment": None})
        parts = ("create",)
        if row.case_will_be is Status.ACKNOWLEDGED:
            parts = ("create", "acknowledge")
    elif row.linked and row.case_will_be is status and (row.status or Status.OPEN) < status:
        part = "acknowledge" if status is Status.ACKNOWLEDGED else "resolve"
        row, parts = replace(row, given_up=row.given_up - {part}), (part,)
    row, more = _comments(row, record, own=False)
    if parts or more:
        return _enter(row, record, (*parts, *more), now_ms)
    return inputs.skipped(row, record, "moved_on", now_ms)
