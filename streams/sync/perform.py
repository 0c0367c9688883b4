"""Does one operation by calls of REST API v2: reads first, writes only what is lacking. The calls come through a port.

Every operation may be repeated from its beginning after any failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest
from streams.sync import notes
from streams.sync.done import Declined, Missing, Result, Took
from streams.sync.plan import (
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
from streams.sync.said import Facts, Note, facts, note
from streams.sync.status import Status

CONTENT_REFUSED: Final = frozenset({"invalid_request", "too_large", "priority_unknown"})
"""Reasons that speak of what the incident says: without most of it, PagerDuty may take it."""

PLAIN_CHARACTERS: Final = 250
"""Far below any title that PagerDuty refuses for its length."""


class Api(Protocol):
    """As much of `streams.pagerduty.rest.RestClient` as is needed here."""

    async def create_incident(
        self,
        *,
        title: str,
        service: str,
        key: str,
        details: str | None = None,
        urgency: str | None = None,
        priority: str | None = None,
    ) -> RestAnswer: ...
    async def incident(self, incident_id: str) -> RestAnswer: ...
    async def incidents_by_key(self, key: str, *, statuses: Iterable[str] = ()) -> RestAnswer: ...
    async def update_incident(
        self,
        incident_id: str,
        *,
        status: str | None = None,
        resolution: str | None = None,
        title: str | None = None,
        urgency: str | None = None,
        priority: str | None = None,
    ) -> RestAnswer: ...
    async def notes(self, incident_id: str) -> RestAnswer: ...
    async def add_note(self, incident_id: str, content: str) -> RestAnswer: ...


_CALLED: Final = {
    "create_incident": "create",
    "incident": "read",
    "incidents_by_key": "look",
    "notes": "read notes",
    "add_note": "note",
    "service": "service",
    "services": "services",
    "priorities": "priorities",
}
_MOVED: Final = {"acknowledged": "acknowledge", "triggered": "unacknowledge", "resolved": "resolve"}


def call_of(method: str, status: str | None = None) -> str:
    """A call of the API in a word for people, by the client's method and the status that it sets, if any."""
    if method == "update_incident":
        return _MOVED.get(status or "", "change")
    return _CALLED.get(method, method)


class Names(Protocol):
    """Whom the account calls so."""

    async def service(self, asked: str) -> str | Declined | TryAgain:
        """The id of a service that is named by name or id."""

    async def priority(self, name: str) -> str | None:
        """The id of a priority; None when the account has none of this name."""

    def forget(self, asked: str) -> None:
        """PagerDuty does not know the service that this text stood for."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of it. `answer`: the last one, None when no call was made. `calls`: all answers, where somebody
    counted."""

    result: Result | TryAgain
    answer: RestAnswer | None = None
    calls: tuple[RestAnswer, ...] = ()


class _Stopped(Exception):
    """A call that was not answered as it should be: the operation ends here."""

    def __init__(self, performed: Performed) -> None:
        self.performed = performed


async def perform(operation: Operation, api: Api, names: Names, now_ms: int) -> Performed:
    """Do it. `now_ms`: stands for PagerDuty's time where an incident is gone and nothing says since when."""
    try:
        if isinstance(operation, Create):
            return await _create(operation, api, names)
        if isinstance(operation, AddNote):
            return await _add_note(operation, api)
        if isinstance(operation, ListNotes):
            answer = _checked(await api.notes(operation.incident))
            return Performed(Took(notes=_notes(answer)), answer)
        if isinstance(operation, Look):
            answer = _checked(await api.incident(operation.incident))
            return Performed(Took(facts=_incident(answer)), answer)
        if isinstance(operation, ChangeFields):
            return await _change(operation, api, names)
        return await _move(operation, api)
    except _Stopped as stopped:
        performed, result = stopped.performed, stopped.performed.result
        if isinstance(result, Declined) and result.reason == "not_found" and not isinstance(operation, Create):
            return Performed(Missing(now_ms), performed.answer)
        return performed


def _checked(answer: RestAnswer) -> RestAnswer:
    verdict = judge_rest(answer)
    if isinstance(verdict, Ok):
        return answer
    if isinstance(verdict, TryAgain):
        raise _Stopped(Performed(verdict, answer))
    raise _Stopped(Performed(Declined(verdict.reason, verdict.words, answer.status), answer))


# -- the incident ---------------------------------------------------------------------------------------------------


async def _create(operation: Create, api: Api, names: Names) -> Performed:
    if operation.look or not operation.make:
        found = await _find(operation, api)
        if found is not None or not operation.make:
            return Performed(Took(facts=found))
    service = await names.service(operation.service)
    if not isinstance(service, str):
        return Performed(service)
    answer = await api.create_incident(
        title=operation.title,
        service=service,
        key=operation.key,
        details=operation.body,
        urgency=operation.urgency,
        priority=await _priority(operation.priority, names),
    )
    verdict, refused = judge_rest(answer), ""
    if isinstance(verdict, Refused) and verdict.reason in CONTENT_REFUSED:
        # Somebody must be paged, whatever was wrong with the rest.
        refused = verdict.words
        answer = await api.create_incident(title=_plain(operation), service=service, key=operation.key)
        verdict = judge_rest(answer)
    if isinstance(verdict, Refused) and verdict.reason == "duplicate_incident_key":
        found = await _find(operation, api)
        if found is None:  # resolved in between: the next attempt makes one
            return Performed(TryAgain("changed_meanwhile", verdict.words), answer)
        return Performed(Took(facts=found), answer)
    if isinstance(verdict, Refused) and verdict.reason == "not_found":
        names.forget(operation.service)
    _checked(answer)
    return Performed(Took(facts=_incident(answer), wrote=True, refused=refused), answer)


def _plain(operation: Create) -> str:
    """The title in printable ASCII."""
    text = operation.title.encode("ascii", "replace").decode()
    return "".join(one if one.isprintable() else " " for one in text).strip()[:PLAIN_CHARACTERS] or operation.key


async def _find(operation: Create, api: Api) -> Facts | None:
    """The Case's incident by its key: the open one, else the newest that is not of an earlier life."""
    answer = _checked(await api.incidents_by_key(operation.key))
    known = [found for one in answer.many("incidents") if (found := facts(one, None)) is not None]
    mine = [one for one in known if one.key == operation.key]
    still_open = [one for one in mine if one.status is not Status.RESOLVED]
    return next(iter([*still_open, *(one for one in mine if one.link.id not in operation.past)]), None)


async def _move(operation: Acknowledge | Unacknowledge | Resolve, api: Api) -> Performed:
    answer = _checked(await api.incident(operation.incident))
    before = _incident(answer)
    if isinstance(operation, Acknowledge):
        lacking, status = before.status is Status.OPEN, "acknowledged"
    elif isinstance(operation, Unacknowledge):
        lacking, status = before.status is Status.ACKNOWLEDGED, "triggered"
    else:
        lacking, status = before.status is not Status.RESOLVED, "resolved"
    if not lacking:
        return Performed(Took(before=before), answer)
    answer = _checked(await api.update_incident(operation.incident, status=status))
    after = facts(answer.one("incident"), None)  # an "already" has no incident in it
    return Performed(Took(facts=after, before=before, wrote=True), answer)


async def _change(operation: ChangeFields, api: Api, names: Names) -> Performed:
    fields = operation.fields
    priority = await _priority(fields.get("priority"), names)
    if priority is None and not (fields.get("title") or fields.get("urgency")):
        return Performed(Took())  # the account has no such priority
    answer = _checked(
        await api.update_incident(
            operation.incident, title=fields.get("title"), urgency=fields.get("urgency"), priority=priority
        )
    )
    return Performed(Took(wrote=True), answer)


async def _priority(name: str | None, names: Names) -> str | None:
    return await names.priority(name) if name else None


def _incident(answer: RestAnswer) -> Facts:
    found = facts(answer.one("incident"), None)
    if found is None:
        raise _Stopped(Performed(TryAgain("unreadable", "PagerDuty's answer has no incident in it"), answer))
    return found


# -- notes ----------------------------------------------------------------------------------------------------------


async def _add_note(operation: AddNote, api: Api) -> Performed:
    if operation.look:
        answer = _checked(await api.notes(operation.incident))
        known = _notes(answer)
        mine = notes.marker(operation.content)
        for one in known:
            if one.id is not None and one.content and notes.marker(one.content) == mine:
                return Performed(Took(note=one.id, notes=known), answer)
    answer = _checked(await api.add_note(operation.incident, operation.content))
    posted = note(answer.one("note"))
    me = posted.actor.id if posted.actor is not None and posted.actor.kind == "user" else None
    return Performed(Took(note=posted.id, wrote=True, me=me), answer)


def _notes(answer: RestAnswer) -> tuple[Note, ...]:
    return tuple(one for found in answer.many("notes") if (one := note(found)).id is not None)
