"""The ends of a Case's inputs: which of their parts are done, given up or overtaken, and the outcome that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from streams.dispatch.outcome import Outcome, Tried, replay_of, source_of
from streams.sync.pieces import Lost, Record, Waiting
from streams.sync.row import CaseIncident
from streams.sync.say import state_of
from streams.sync.status import Status
from streams.updates import Trouble, Update

SKIPPED: Final = {
    "in_step": "PagerDuty has what this says already",
    "no_incident": "the Case has no incident at PagerDuty, and this is no reason to make one",
    "never_paged": "the Case was opened and resolved while it waited: nobody was paged, nothing was sent",
    "merged": "the incident was merged into another one at PagerDuty; what it says is not this Case's to change",
    "deleted": "PagerDuty does not know the incident any more",
    "over": "the incident is resolved at PagerDuty",
    "overtaken": "somebody decided otherwise at PagerDuty since",
    "moved_on": "the Case has moved on since this was given up",
}
"""Why an input is not sent."""

TAKEN: Final = Lost("delivered", "delivered", "PagerDuty has taken it")


def skipped(row: CaseIncident, record: Record, reason: str, now_ms: int) -> CaseIncident:
    """An input that PagerDuty need not hear of."""
    return _with_outcome(row, record, Lost("skipped", reason, SKIPPED[reason]), now_ms)


def superseded(row: CaseIncident, parts: Iterable[str], by: Record, now_ms: int) -> CaseIncident:
    """Give up parts of waiting inputs, as a newer input says otherwise."""
    names = frozenset(parts)
    reason = f"superseded_by_{by['action']}"
    message = f"a newer input of the same Case ({by['case']['status']}) arrived while this one was waiting"
    lost = Lost("superseded", reason, message, by=source_of(by))
    return _lose(row, lambda one: [part for part in one.parts if part in names], lost, now_ms)


def overtaken(row: CaseIncident, parts: Iterable[str], now_ms: int) -> CaseIncident:
    """Give up parts, as somebody at PagerDuty has decided otherwise since."""
    names = frozenset(parts)
    lost = Lost("skipped", "overtaken", SKIPPED["overtaken"])
    return _lose(row, lambda one: [part for part in one.parts if part in names], lost, now_ms)


def over(row: CaseIncident, now_ms: int) -> CaseIncident:
    """The incident is resolved: its title and priority stay as they are, and it is not taken back."""
    lost = Lost("skipped", "over", SKIPPED["over"])
    row = _lose(row, lambda one: [part for part in one.parts if part in ("fields", "unacknowledge")], lost, now_ms)
    return replace(row, fields={}, un_ack=False)


def dead(row: CaseIncident, parts: Iterable[str], lost: Lost, now_ms: int) -> CaseIncident:
    """Give up parts, as PagerDuty refuses them."""
    names = frozenset(parts)
    return _lose(row, lambda one: [part for part in one.parts if part in names], lost, now_ms)


def let_go(row: CaseIncident, reason: str, now_ms: int) -> CaseIncident:
    """Give up all that waits: there is nothing at PagerDuty that it could be said to."""
    row = replace(row, comments=(), fields={}, un_ack=False)
    return _lose(row, lambda one: one.parts, Lost("skipped", reason, SKIPPED[reason]), now_ms)


def settled(row: CaseIncident, now_ms: int) -> CaseIncident:
    """End the parts that have come true, and the inputs of which nothing is left."""
    waiting = []
    for one in row.waiting:
        left = tuple(part for part in one.parts if not _true(row, part))
        waiting.append(replace(one, parts=left, took=one.took or len(left) < len(one.parts)))
    row = _ended(replace(row, waiting=tuple(waiting)), now_ms)
    idle = _idle(row)
    return overtaken(row, idle, now_ms) if any(part in idle for one in row.waiting for part in one.parts) else row


def _idle(row: CaseIncident) -> tuple[str, ...]:
    """Parts that nobody works on any more, as the other side has decided otherwise."""
    case = row.case_will_be
    acknowledge = ("acknowledge",) if row.linked and case is not Status.ACKNOWLEDGED else ()
    resolve = ("resolve",) if row.linked and (case is not Status.RESOLVED or row.conflict is not None) else ()
    return (*acknowledge, *resolve)


def _true(row: CaseIncident, part: str) -> bool:
    if part == "create":
        return row.link is not None
    if part == "acknowledge":
        return row.status is not None and row.status >= Status.ACKNOWLEDGED
    if part == "unacknowledge":
        return not row.un_ack
    if part == "resolve":
        return row.status is Status.RESOLVED
    if part == "fields":
        return not row.fields
    return all(f"note:{comment.id}" != part for comment in row.comments)


def _lose(row: CaseIncident, which: Callable[[Waiting], Iterable[str]], lost: Lost, now_ms: int) -> CaseIncident:
    waiting = []
    for one in row.waiting:
        gone = frozenset(which(one))
        if gone:
            kept = one.lost if one.lost is not None and (one.lost.status == "dead" or lost.status != "dead") else lost
            one = replace(one, parts=tuple(part for part in one.parts if part not in gone), lost=kept)
        waiting.append(one)
    return _ended(replace(row, waiting=tuple(waiting)), now_ms)


def _ended(row: CaseIncident, now_ms: int) -> CaseIncident:
    over = [one for one in row.waiting if not one.parts]
    row = replace(row, waiting=tuple(one for one in row.waiting if one.parts))
    for one in over:
        row = _end(row, one, now_ms)
    return row


def _end(row: CaseIncident, one: Waiting, now_ms: int) -> CaseIncident:
    lost = one.lost
    if lost is not None and (lost.status == "dead" or not one.took):
        row = _with_outcome(row, one.record, lost, now_ms)
        return _told_failed(row, one.record, lost, now_ms) if lost.status == "dead" else row
    row = _with_outcome(row, one.record, TAKEN, now_ms)
    return told_synced(row, one.record, now_ms)


def _with_outcome(row: CaseIncident, record: Record, lost: Lost, now_ms: int) -> CaseIncident:
    source = source_of(record)
    tried = row.tried.get(source, Tried())
    outcome = Outcome(
        source=source,
        status=lost.status,
        reason=lost.reason,
        message=lost.message,
        at=now_ms,
        http_status=lost.http,
        by=lost.by,
        attempts=tried.newest,
        attempts_total=tried.total,
        replay=replay_of(record),
    )
    left = {name: calls for name, calls in row.tried.items() if name != source}
    return replace(row, outcomes={**row.outcomes, source: outcome}, tried=left)


def told_synced(row: CaseIncident, record: Record, now_ms: int) -> CaseIncident:
    """Say how both sides stand after an input: nothing for the Case to do."""
    update = Update(
        id=f"{source_of(record)}@{record['destination']}",
        case=row.case,
        change="synced",
        at=row.status_at or now_ms,
        found_by="answer",
        state=state_of(row),
        incident=row.link,
        details={"operation": record["action"]},
    )
    return row.add_update(update, now_ms)


def _told_failed(row: CaseIncident, record: Record, lost: Lost, now_ms: int) -> CaseIncident:
    row = replace(row, error=Trouble(lost.reason, lost.message, now_ms))
    details = {"operation": record["action"], "reason": lost.reason, "message": lost.message, "near": list(lost.near)}
    update = Update(
        id=f"{source_of(record)}@{record['destination']}:failed",
        case=row.case,
        change="failed",
        at=now_ms,
        found_by="answer",
        state=state_of(row),
        incident=row.link,
        details=details,
    )
    return row.add_update(update, now_ms)
