"""Whether Cases and their incidents are one thing: by both sides as they are, and what `case-updates` told in between.

Every comment stands once on each side, the statuses are the same, and what Pagerline did itself did not come back.
Pure; the rules are those of docs/two-way.md, the code is none of the product's.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from streams import contracts
from streams.sandbox.verify.model import Counts, Kind, Violation
from streams.sandbox.verify.outcomes import Told
from streams.sandbox.verify.sides import KEYS, CaseSide, IncidentSide, Note, Sides

ACCOUNT: Final = "account:"
"""What the ids of account destinations begin with."""

STATUS: Final[Mapping[str, str]] = {
    "OPEN": "triggered",
    "ACKNOWLEDGED": "acknowledged",
    "RESOLVED": "resolved",
    "CLOSED": "resolved",
}
"""The incident's status that goes with a Case's."""

GONE: Final = frozenset({"merged", "deleted"})
"""Changes after which a Case has no incident of its own any more, so that nothing is compared."""

DOES: Final = frozenset({"acknowledged", "unacknowledged", "resolved", "comment", "resolution_note", "priority"})
"""Changes that Pagerline makes itself. Whom PagerDuty calls for an incident is news, whoever opened it."""

RESOLUTION: Final = "Resolution Note: "
"""How a note begins that was given with a resolve."""

_OURS: Final = re.compile(r"\n\[[^\n]* via Pagerline, case (?P<case>\S+), (?P<comment>\S+)\]\s*\Z")
_SHOWN: Final = 60
"""Characters of a comment, to know which one is meant."""


class Heard(NamedTuple):
    """A record of `case-updates`, as far as it is looked at."""

    id: str
    case: str
    change: str
    apply: bool
    note: str | None
    actor: str | None


def check_two_way(sides: Sides, told: Told, counts: Counts) -> Iterator[Violation]:
    """Everything in which the two sides differ. told: the outcomes of the inputs, which say what went to an account."""
    updates, broken = _read(sides.updates, counts)
    yield from broken
    incidents: dict[str, list[IncidentSide]] = defaultdict(list)
    for incident in sides.incidents:
        incidents[incident.key.removeprefix(KEYS)].append(incident)
    sent = _sent(told)
    for case in sides.cases:
        found, heard = incidents.get(case.id, []), updates.get(case.id, [])
        if not found and case.id not in sent and not heard:
            continue  # a Case of a service key, or one that was over before anybody had to know
        counts.cases += 1
        if any(one.change in GONE for one in heard):
            continue
        if len(found) != 1:
            what = "has no incident" if not found else f"has {len(found)} incidents"
            yield _wrong(Kind.INCIDENT_COUNT, case, f"the Case {what} with the key {KEYS}{case.id}; it must be one")
            continue
        yield from _statuses(case, found[0], heard)
        yield from _comments_there(case, found[0])
        yield from _comments_here(case, found[0], counts)
        yield from _updates(case, found[0], heard)
    if not counts.cases:
        what = "no Case of the file has anything to do with an account: look at the file, and at routing"
        yield Violation(Kind.NOTHING_TO_VERIFY, "-", what)


def _sent(told: Told) -> set[str]:
    """The Cases of which PagerDuty has been told over an account."""
    return {
        (outcome.incident or "").removeprefix("case:")
        for at in told.values()
        for outcome in at.values()
        if outcome.destination.startswith(ACCOUNT) and outcome.status == "delivered"
    }


def _read(values: Iterable[bytes | None], counts: Counts) -> tuple[dict[str, list[Heard]], list[Violation]]:
    """The updates of each Case, those that came again left out; and what is wrong with the records."""
    found: dict[str, dict[str, Heard]] = defaultdict(dict)
    broken = []
    for value in values:
        try:
            document = orjson.loads(value or b"")
        except orjson.JSONDecodeError as error:
            broken.append(Violation(Kind.BROKEN_RECORD, "?", f"a record of case-updates is not JSON: {error.msg}"))
            continue
        problem = contracts.problem("case-updates", document)
        if problem is not None:
            broken.append(Violation(Kind.BROKEN_RECORD, "?", f"a record of case-updates: {problem.message}"))
            continue
        one = _told(document)
        again = found[one.case].setdefault(one.id, one)
        if again is one:
            counts.updates += 1
        else:
            counts.repeated_records += 1
    return {case: list(by_id.values()) for case, by_id in found.items()}, broken


def _told(document: Mapping[str, Any]) -> Heard:
    details, actor = document.get("details") or {}, document.get("actor") or {}
    return Heard(
        document["id"], document["case"], document["change"], document["apply"], details.get("note"), actor.get("id")
    )


def _statuses(case: CaseSide, incident: IncidentSide, heard: Iterable[Heard]) -> Iterator[Violation]:
    if STATUS.get(case.status) == incident.status:
        return
    if STATUS.get(case.status) == "resolved" and any(one.change == "reopened" for one in heard):
        return  # told as a conflict, and left alone
    yield _wrong(Kind.SIDES_DIFFER, case, f"the Case is {case.status}, its incident {incident.id} is {incident.status}")


def _comments_there(case: CaseSide, incident: IncidentSide) -> Iterator[Violation]:
    """What people said on the Case stands once at PagerDuty."""
    notes = [(note, ours) for note in incident.notes if (ours := _OURS.search(note.text))]
    for comment in (one for one in case.comments if one.origin == "case"):
        there = [note for note, ours in notes if ours["comment"] == comment.id and note.text.startswith(comment.text)]
        yield from _once(case, len(there), f"comment {comment.id} {_shown(comment.text)} of the Case", "at PagerDuty")
    if case.resolved_here and case.resolution:
        there = [note for note in incident.notes if _said(note) == RESOLUTION + case.resolution]
        yield from _once(case, len(there), f"the resolution {_shown(case.resolution)} of the Case", "at PagerDuty")
    known = {comment.id for comment in case.comments}
    for note, ours in notes:
        foreign = ours["case"] != case.id or ours["comment"] not in known
        if foreign and not note.text.startswith(RESOLUTION):
            what = f"note {note.id} {_shown(note.text)} says that it is a comment of the Case, and it is none"
            yield _wrong(Kind.COMMENT_INVENTED, case, what)


def _comments_here(case: CaseSide, incident: IncidentSide, counts: Counts) -> Iterator[Violation]:
    """What people said at PagerDuty stands once on the Case."""
    theirs = [note for note in incident.notes if not _OURS.search(note.text)]
    plain = Counter(note.text.strip() for note in theirs if not note.text.startswith(RESOLUTION))
    here = Counter(comment.text.strip() for comment in case.comments if comment.origin == "pagerduty")
    counts.comments += len(incident.notes)
    for text in plain | here:
        if here[text] > plain[text] == 0:
            what = f"the Case has a comment {_shown(text)} from PagerDuty, and there is no such note"
            yield _wrong(Kind.COMMENT_INVENTED, case, what)
        else:
            yield from _once(case, here[text], f"the note {_shown(text)} of PagerDuty", "on the Case", plain[text])
    reasons = [note.text.removeprefix(RESOLUTION) for note in theirs if note.text.startswith(RESOLUTION)]
    if reasons and not case.resolved_here and case.resolution not in reasons:
        what = f"the resolution {_shown(reasons[0])} of PagerDuty stands not on the Case; {case.resolution!r} does"
        yield _wrong(Kind.COMMENT_LOST, case, what)


def _updates(case: CaseSide, incident: IncidentSide, heard: Iterable[Heard]) -> Iterator[Violation]:
    """Each note of a person was told once, and nothing that Pagerline did itself was told as somebody's act."""
    told = [one for one in heard if one.change in ("comment", "resolution_note")]
    for note in incident.notes:
        times = sum(one.note == note.id for one in told)
        if _OURS.search(note.text):
            if times:
                yield _wrong(Kind.ECHO, case, f"note {note.id} is Pagerline's own, and case-updates tells it as news")
        elif times != 1:
            what = f"case-updates tells note {note.id} {_shown(note.text)} {times} times, under as many ids"
            yield _wrong(Kind.NOTE_UPDATES, case, what)
    for one in heard:
        if one.apply and one.change in DOES and one.actor is not None and one.actor == incident.opened_by:
            what = f"case-updates asks the Case for {one.change} ({one.id}), and that was Pagerline itself"
            yield _wrong(Kind.ECHO, case, what)


def _once(case: CaseSide, times: int, what: str, where: str, wanted: int = 1) -> Iterator[Violation]:
    if times < wanted:
        yield _wrong(Kind.COMMENT_LOST, case, f"{what} is missing {where}")
    elif times > wanted:
        yield _wrong(Kind.COMMENT_DOUBLED, case, f"{what} stands {times} times {where}")


def _said(note: Note) -> str:
    """A note's text without the line that says whose it is."""
    return _OURS.sub("", note.text).strip()


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…")


def _wrong(kind: Kind, case: CaseSide, what: str) -> Violation:
    return Violation(kind, f"case:{case.id}", what)
