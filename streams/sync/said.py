"""What PagerDuty said, read from its three mouths: webhooks v3, log entries and incidents of REST API v2.

Readers take the parsed JSON as PagerDuty sends it and never raise: what cannot be read is an `Ignored` with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from streams.sync.status import OF_INCIDENT, Status
from streams.sync.times import milliseconds
from streams.updates import Actor, ActorKind, FoundBy, Incident, Service

KEY_PREFIX: Final = "case/"
"""Incident keys of Cases: `case/<dedup key>`."""

Kind = Literal[
    "triggered",
    "acknowledged",
    "unacknowledged",
    "resolved",
    "reopened",
    "reassigned",
    "priority",
    "note",
    "incident",
    "gone",
]

WEBHOOKS: Final[Mapping[str, Kind]] = {
    "incident.triggered": "triggered",
    "incident.acknowledged": "acknowledged",
    "incident.unacknowledged": "unacknowledged",
    "incident.resolved": "resolved",
    "incident.reopened": "reopened",
    "incident.reassigned": "reassigned",
    "incident.delegated": "reassigned",
    "incident.escalated": "reassigned",
    "incident.priority_updated": "priority",
    "incident.annotated": "note",
}
"""Event types of webhooks v3 that a Case is told of (PagerDuty webhooks v3, event types)."""

LOG_ENTRIES: Final[Mapping[str, Kind]] = {
    "acknowledge_log_entry": "acknowledged",
    "unacknowledge_log_entry": "unacknowledged",
    "resolve_log_entry": "resolved",
    "reopen_log_entry": "reopened",
    "annotate_log_entry": "note",
    "assign_log_entry": "reassigned",
    "escalate_log_entry": "reassigned",
    "delegate_log_entry": "reassigned",
    "priority_change_log_entry": "priority",
}

TO: Final[Mapping[Kind, Status]] = {
    "triggered": Status.OPEN,
    "acknowledged": Status.ACKNOWLEDGED,
    "unacknowledged": Status.OPEN,
    "resolved": Status.RESOLVED,
    "reopened": Status.OPEN,
}
"""The status after a change."""


@dataclass(frozen=True, slots=True)
class Facts:
    """An incident as PagerDuty described it. `status_at`: ms since the epoch, when its status changed last."""

    link: Incident
    status: Status
    status_at: int
    key: str | None = None
    title: str | None = None
    priority: str | None = None
    service: Service | None = None
    merged_into: Incident | None = None
    by: Actor | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note. `content` None: not told, or cut; the notes must be listed."""

    id: str | None
    content: str | None
    at: int = 0
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that PagerDuty said. `id`: the event's or log entry's; `at`: ms since the epoch, PagerDuty's time."""

    kind: Kind
    id: str
    incident: str
    at: int
    found_by: FoundBy
    actor: Actor | None = None
    facts: Facts | None = None
    note: Note | None = None
    assignees: tuple[Mapping[str, Any], ...] = ()

    @property
    def key(self) -> str | None:
        """The Case's dedup key, where the incident's key names one."""
        return dedup_key(self.facts.key) if self.facts else None

    @property
    def to(self) -> Status:
        """The incident's status after it: an incident may be reopened to acknowledged."""
        if self.kind == "reopened" and self.facts is not None and self.facts.status is not Status.RESOLVED:
            return self.facts.status
        return TO[self.kind]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not for any Case, with the reason as a word."""

    reason: str


def incident_key(dedup: str) -> str:
    """The incident key of a Case: at most 255 characters, as PagerDuty takes."""
    key = KEY_PREFIX + dedup
    return key if len(key) <= 255 else key[:255]


def dedup_key(key: str | None) -> str | None:
    """The dedup key in an incident key of ours."""
    return key[len(KEY_PREFIX) :] if key is not None and key.startswith(KEY_PREFIX) else None


def from_webhook(body: Mapping[str, Any]) -> Said | Ignored:
    """A webhook's body (PagerDuty webhooks v3, `event`)."""
    event = _object(body.get("event"))
    event_type, event_id = event.get("event_type"), event.get("id")
    if event_type == "pagey.ping":
        return Ignored("ping")
    kind = WEBHOOKS.get(str(event_type))
    if kind is None:
        return Ignored("other_event")
    data, at = _object(event.get("data")), milliseconds(event.get("occurred_at"))
    about = data if data.get("type") == "incident" else _object(data.get("incident"))
    incident_id = about.get("id")
    if not isinstance(incident_id, str) or not isinstance(event_id, str) or at is None:
        return Ignored("unreadable")
    agent = actor(event.get("agent"))
    note = None
    if kind == "note":
        content = data.get("content")
        whole = isinstance(content, str) and not data.get("trimmed")
        note = Note(_text(data.get("id")), content if whole else None, at, agent)
    return Said(
        kind=kind,
        id=event_id,
        incident=incident_id,
        at=at,
        found_by="webhook",
        actor=agent,
        facts=facts(data, at) if data.get("type") == "incident" else None,
        note=note,
        assignees=_people(data.get("assignees")),
    )


def from_log_entry(entry: Mapping[str, Any]) -> Said | Ignored:
    """A log entry (REST API v2, `GET /log_entries`). A note's id and text are not in it: the notes must be listed."""
    kind = LOG_ENTRIES.get(str(entry.get("type")))
    if kind is None:
        return Ignored("other_event")
    incident_id, at = _object(entry.get("incident")).get("id"), milliseconds(entry.get("created_at"))
    if not isinstance(incident_id, str) or not isinstance(entry.get("id"), str) or at is None:
        return Ignored("unreadable")
    agent = actor(entry.get("agent"))
    return Said(
        kind=kind,
        id=f"log:{entry['id']}",
        incident=incident_id,
        at=at,
        found_by="poll",
        actor=agent,
        note=Note(None, None, at, agent) if kind == "note" else None,
        assignees=_people(entry.get("assignees")),
    )


def from_incident(incident: Mapping[str, Any], found_by: FoundBy = "poll") -> Said | Ignored:
    """An incident that was read (REST API v2, `GET /incidents`)."""
    known = facts(incident, None)
    if known is None:
        return Ignored("unreadable")
    return Said(
        kind="incident",
        id="",
        incident=known.link.id,
        at=known.status_at,
        found_by=found_by,
        actor=known.by,
        facts=known,
    )


def gone(incident_id: str, at: int) -> Said:
    """PagerDuty does not know the incident any more (404); `at`: our time, as there is none of PagerDuty's."""
    return Said(kind="gone", id=f"{incident_id}:gone", incident=incident_id, at=at, found_by="poll")


def facts(incident: Mapping[str, Any], at: int | None) -> Facts | None:
    """What an incident's JSON says. `at`: when it was so, else the time of its last status change is taken from it."""
    incident_id, status = _text(incident.get("id")), OF_INCIDENT.get(str(incident.get("status")))
    if incident_id is None or status is None:
        return None
    if at is None:
        named = ("last_status_change_at", "resolved_at", "updated_at", "created_at")
        at = next((found for name in named if (found := milliseconds(incident.get(name))) is not None), 0)
    number = incident.get("number", incident.get("incident_number"))
    service = _object(incident.get("service"))
    into = _object(_object(incident.get("resolve_reason")).get("incident"))
    return Facts(
        link=Incident(incident_id, number if isinstance(number, int) else None, _text(incident.get("html_url"))),
        status=status,
        status_at=at,
        key=_text(incident.get("incident_key")),
        title=_text(incident.get("title")),
        priority=_text(_object(incident.get("priority")).get("summary")),
        service=Service(_text(service.get("id")), _text(service.get("summary"))) if service else None,
        merged_into=Incident(into["id"], None, _text(into.get("html_url"))) if _text(into.get("id")) else None,
        by=actor(incident.get("last_status_change_by")),
    )


def note(value: Mapping[str, Any]) -> Note:
    """A note of `GET /incidents/{id}/notes`."""
    content = value.get("content")
    return Note(
        _text(value.get("id")),
        content if isinstance(content, str) else "",
        milliseconds(value.get("created_at")) or 0,
        actor(value.get("user")),
    )


def actor(agent: object) -> Actor | None:
    """Who did it, of an agent reference; None when PagerDuty does not say."""
    named = _object(agent)
    if not named:
        return None
    word = str(named.get("type", "")).removesuffix("_reference")
    kind: ActorKind = "unknown"
    if word == "user":
        kind = "user"
    elif word == "service":
        kind = "service"
    elif word.endswith("integration"):
        kind = "integration"
    return Actor(kind, _text(named.get("id")), _text(named.get("summary")), _text(named.get("email")))


def _people(value: object) -> tuple[Mapping[str, Any], ...]:
    people = value if isinstance(value, list) else []
    return tuple(
        {"id": _text(one.get("id")), "name": _text(one.get("summary"))} for one in people if isinstance(one, dict)
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
