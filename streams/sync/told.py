"""What PagerDuty said, taken into a Case's row: news for the Case, or an echo of what is known. Pure.

A status that is told with a time after the last known one counts. One from before is told to the Case, but changes
nothing. Where the order cannot be known (REST gives whole seconds), the incident is read before anything is decided.
"""

from __future__ import annotations

from dataclasses import replace

from streams.sync import inputs, notes
from streams.sync.echoes import DOES, absorbed, by_us, heard_before, noted, ours, resolved_by_us
from streams.sync.heard import anew
from streams.sync.pieces import Change
from streams.sync.row import EVENTS_KEPT, HELD_KEPT, CaseIncident
from streams.sync.said import Facts, Note, Said
from streams.sync.say import report, say
from streams.sync.status import INCIDENT_WORDS, Status
from streams.sync.times import order
from streams.updates import FoundBy, Trouble


def told(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    """Take in what PagerDuty said of this Case's incident; what is known already changes nothing."""
    if said.id and said.id in row.events:
        return row
    if row.link is None:
        row = _found(row, said, now_ms)
    if row.link is None or row.link.id != said.incident or row.ended is not None:
        return row
    row = replace(row, facts=row.facts + 1)
    if said.id:
        row = replace(row, events=(*row.events, said.id)[-EVENTS_KEPT:])
    if said.facts is not None and said.facts.service is not None:
        row = replace(row, service=said.facts.service)
    if said.kind == "note":
        row = _note(row, said.note, said.found_by, now_ms)
    elif said.kind == "reassigned":
        row = _reassigned(row, said, now_ms)
    elif said.kind == "priority":
        row = _priority(row, said, now_ms)
    elif said.kind == "gone":
        row = ended(row, said, "deleted", now_ms)
    elif said.kind == "incident":
        row = seen_incident(row, said, now_ms)
    else:
        row = _status(row, said, now_ms)
    return inputs.settled(row, now_ms)


# -- the link -------------------------------------------------------------------------------------------------------


def _found(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    """An incident with the Case's key that the row does not know yet: the one that was just made for it."""
    if said.facts is None or said.key is None or said.incident in row.past or row.create == "no":
        return row
    if said.kind == "triggered" and said.actor is not None and said.actor.kind == "user":
        row = replace(row, me=said.actor.id)
    return linked(row, said.facts, said.found_by, now_ms)


def linked(row: CaseIncident, facts: Facts, found_by: FoundBy, now_ms: int) -> CaseIncident:
    """The Case has this incident. Title and priority are made to be the Case's newest."""
    row = replace(
        row,
        link=facts.link,
        service=facts.service or row.service,
        create="no",
        asked=False,
        error=None,
        status=Status.OPEN,
        status_at=0,
        known={"title": facts.title, "priority": facts.priority},
    )
    row = replace(row, fields={} if row.case_will_be is Status.RESOLVED else row.differing)
    name = f"{facts.link.id}:linked"
    return say(row, "linked", now_ms, id=name, at=facts.status_at, found_by=found_by, apply=False)


def ended(row: CaseIncident, said: Said, how: str, now_ms: int) -> CaseIncident:
    """There is nothing to talk to any more: merged into another incident, or deleted."""
    into = said.facts.merged_into.id if said.facts is not None and said.facts.merged_into is not None else None
    words = f"the incident was merged into {into}" if into else "PagerDuty does not know the incident any more"
    at_rest = row.case_will_be is Status.RESOLVED
    row = replace(
        row,
        ended="merged" if how == "merged" else "deleted",
        status=Status.RESOLVED if how == "merged" else row.status,
        status_at=said.at,
        held=(),
        doubt=False,
        list_notes=False,
        conflict=None if at_rest else Trouble(how, words, said.at),
    )
    change = "merged" if how == "merged" else "deleted"
    row = report(row, said, change, now_ms, apply=False, details={"into": into} if into else None)  # type: ignore[arg-type]
    return inputs.let_go(row, how, now_ms)


# -- statuses -------------------------------------------------------------------------------------------------------


def _status(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    row, known = heard_before(row, said)
    if known:
        return row
    if said.kind == "resolved" and said.facts is None:
        return _hold(row, said)  # a log entry does not say whether it was merged
    later = order(said.at, row.status_at)
    if later == 0 and said.to is row.status:
        return row
    if later == 0:
        return _hold(row, said)
    return news(row, said, now_ms) if later > 0 else late(row, said, now_ms)


def _hold(row: CaseIncident, said: Said) -> CaseIncident:
    return replace(row, held=(*row.held, said)[-HELD_KEPT:], doubt=True)


def late(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    """A change of before: told, but nothing follows from it. Unless it was a resolve that we wrote over, unknowing."""
    if ours(row, said.actor) or said.kind == "triggered" or (said.kind == "reopened" and by_us(row, said)):
        return row
    if any(change.own and change.kind == said.kind and change.at == said.at for change in row.changes):
        return row  # it was heard before our own answer
    echo = absorbed(row, said, own=True)
    if echo is not None:
        return echo
    after = [change for change in row.changes if order(change.at, said.at) >= 0 and change.kind != said.kind]
    if said.kind == "resolved" and said.facts and said.facts.merged_into:
        return ended(row, said, "merged", now_ms)
    if said.kind == "resolved" and after and all(change.own for change in after) and row.status is not Status.RESOLVED:
        apply = row.case_will_be is not Status.RESOLVED
        row = replace(row, un_ack=False)
        return report(row.tell_case(Status.RESOLVED) if apply else row, said, "resolved", now_ms, apply=apply)
    return report(row, said, said.kind, now_ms, apply=False)  # type: ignore[arg-type]


def news(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    """The incident has another status than was known, since `said.at`."""
    before, now = row.status or Status.OPEN, said.to
    row = replace(row, status=now, status_at=said.at)
    if now is Status.RESOLVED and said.facts is not None and said.facts.merged_into is not None:
        return ended(row, said, "merged", now_ms)
    undone = said.kind == "reopened" and resolved_by_us(row, said)
    if now is before and not undone:
        return row
    if now is Status.RESOLVED:
        return _resolved(row, said, now_ms)
    if before is Status.RESOLVED or undone:
        return _reopened(row, said, now_ms)
    return _acknowledged(row, said, now_ms) if now is Status.ACKNOWLEDGED else _fell_back(row, said, now_ms)


def _acknowledged(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    case = row.case_will_be
    if row.un_ack and (row.doing == DOES["acknowledged"] or ours(row, said.actor)):
        return row  # our own, from before the Case took it back
    if case is Status.ACKNOWLEDGED:
        return row
    if case is Status.RESOLVED:
        return (
            row if by_us(row, said) or ours(row, said.actor) else report(row, said, "acknowledged", now_ms, apply=False)
        )
    row = replace(row, un_ack=False).tell_case(Status.ACKNOWLEDGED)
    return report(row, said, "acknowledged", now_ms, apply=True)


def _fell_back(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    """Acknowledged no more: by a person, or because nobody did anything for too long."""
    if row.un_ack:
        return replace(row, un_ack=False)
    changes = row.case_will_be is Status.ACKNOWLEDGED
    if changes:
        row = inputs.overtaken(row, ("acknowledge",), now_ms).tell_case(Status.OPEN)
    elif by_us(row, said):
        return row
    return report(row, said, "unacknowledged", now_ms, apply=changes)


def _resolved(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    row = inputs.over(row, now_ms)
    if row.case_will_be is Status.RESOLVED:
        settled, row = row.conflict is None or by_us(row, said), replace(row, conflict=None)
        return row if settled else report(row, said, "resolved", now_ms, apply=False)
    if by_us(row, said):  # the Case was opened again meanwhile
        return replace(anew(row), create="yes")
    row = row.tell_case(Status.RESOLVED)
    return report(row, said, "resolved", now_ms, apply=True)


def _reopened(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    if by_us(row, said):
        return row  # an acknowledge of ours that came too late opened it; it will be resolved again
    if row.case_will_be is Status.RESOLVED:
        words = "the incident was opened again at PagerDuty; the Case stays resolved"
        row = replace(row, conflict=Trouble("reopened", words, said.at))
    return report(row, said, "reopened", now_ms, apply=False)


def seen_incident(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    """The incident was read, by a poll: what it says may be older than what is known by now."""
    facts = said.facts
    assert facts is not None, "an incident that was read has facts"
    later = order(facts.status_at, row.status_at)
    if facts.status is row.status:
        return replace(row, status_at=max(row.status_at, facts.status_at))
    if later > 0:
        return found_out(row, said, now_ms)
    return replace(row, doubt=True) if later == 0 else row


def found_out(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    """A status that nobody told of, learnt by reading: as if the change had been told."""
    facts = said.facts
    assert facts is not None, "an incident that was read has facts"
    before, now = row.status or Status.OPEN, facts.status
    kind = "acknowledged" if now is Status.ACKNOWLEDGED else "resolved"
    if now < before:
        kind = "reopened" if before is Status.RESOLVED else "unacknowledged"
    name = f"{said.incident}:{INCIDENT_WORDS[now]}:{facts.status_at}"
    change = replace(said, kind=kind, id=name)  # type: ignore[arg-type]
    return news(noted(row, Change(kind, facts.status_at)), change, now_ms)


# -- everything else ------------------------------------------------------------------------------------------------


def _reassigned(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    row, known = heard_before(row, said)
    # Whoever is on call gets a new incident; whoever acknowledges one over REST gets it too (PagerDuty).
    follows = any(by_us(row, replace(said, kind=kind)) for kind in ("triggered", "acknowledged"))
    if known or (ours(row, said.actor) and follows):
        return row
    details = {"assignees": [dict(one) for one in said.assignees]}
    return report(row, said, "reassigned", now_ms, apply=True, details=details)


def _priority(row: CaseIncident, said: Said, now_ms: int) -> CaseIncident:
    row, known = heard_before(row, said)
    if said.facts is None:
        return replace(row, doubt=True)  # a log entry does not say which
    priority = said.facts.priority
    echo = known or ours(row, said.actor) or priority in (row.known.get("priority"), row.fields.get("priority"))
    row = replace(row, known={**row.known, "priority": priority})
    if echo:
        return row
    return report(row, said, "priority", now_ms, apply=False, details={"priority": priority})


def _note(row: CaseIncident, note: Note | None, found_by: FoundBy, now_ms: int) -> CaseIncident:
    if note is None or note.id is None or note.content is None:
        known = note is not None and note.id is not None and row.has_note(note.id)
        return row if known else replace(row, list_notes=True)
    return seen_note(row, note, found_by, now_ms)


def seen_note(row: CaseIncident, note: Note, found_by: FoundBy, now_ms: int) -> CaseIncident:
    """A note with its text: the Case's own comment come back, or a new one for the Case."""
    assert note.id is not None, "a note has an id"
    assert note.content is not None, "a note has a content"
    marker = notes.marker(note.content)
    if row.has_note(note.id) or (note.at and note.at <= row.notes_before):
        return row if marker is None else row.comment_posted(marker.comment)
    row = row.note_seen(note.id, note.at)
    if marker is not None:
        if note.actor is not None and note.actor.kind == "user":
            row = replace(row, me=note.actor.id)
        return row.comment_posted(marker.comment) if marker.case == row.case else row
    text = notes.resolution(note.content)
    if text is not None:
        if text == row.resolution:
            return row
        row = replace(row, resolution=text)
    details = {"note": note.id, "text": note.content if text is None else text}
    return say(
        row,
        "comment" if text is None else "resolution_note",
        now_ms,
        id=f"note:{note.id}",
        at=note.at,
        found_by=found_by,
        apply=True,
        actor=note.actor,
        details=details,
    )
