"""What people and the REST API know of an incident beyond its status: assignees, priority, notes, log entries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from streams.sandbox.pagerduty.directory import Agent, EscalationPolicy, Priority, TechnicalService, User
from streams.sandbox.pagerduty.incidents import Incident

Urgency = Literal["high", "low"]


class Client(NamedTuple):
    """`client` and `client_url` of the trigger that opened an incident."""

    name: str
    url: str | None


@dataclass(slots=True)
class Note:
    id: str
    user: User
    content: str
    created_at: int
    updated_at: int


@dataclass(slots=True)
class StatusUpdate:
    id: str
    sender: User
    message: str
    created_at: int
    subject: str | None = None
    html_message: str | None = None


@dataclass(slots=True)
class LogEntry:
    """One line of an incident's history. `type` without its ending `_log_entry`."""

    id: str
    type: str
    at: int
    agent: Agent
    incident: Incident = field(repr=False)
    summary: str
    channel: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)
    """Members beside the common ones."""


@dataclass(slots=True)
class Assignment:
    user: User
    at: int


@dataclass(slots=True)
class Acknowledgement:
    by: Agent
    at: int


@dataclass(slots=True)
class Card:
    """Times are milliseconds since the epoch."""

    service: TechnicalService
    policy: EscalationPolicy
    urgency: Urgency
    changed_at: int
    changed_by: Agent
    incident_key: str | None = None
    """None for an incident with alerts (OpenAPI of GET /incidents)."""
    client: Client | None = None
    body: str | None = None
    details: str | None = None
    """The custom details of the trigger as JSON, when they are small."""
    priority: Priority | None = None
    assignments: list[Assignment] = field(default_factory=list)
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    reopened_at: int | None = None
    unacknowledge_at: int | None = None
    resolve_at: int | None = None
    incident_type: str = "incident_default"
    conference_bridge: dict[str, str | None] | None = None


class Happening(NamedTuple):
    """Something that a webhook may tell of. `type` as in `event.event_type`."""

    type: str
    at: int
    agent: Agent
    incident: Incident | None
    data: Note | StatusUpdate | TechnicalService | dict[str, Any] | None = None
    """What it is about, when that is not the incident itself."""
    client: Client | None = None


def card_of(incident: Incident) -> Card:
    """The incident's card, which every incident of an account has."""
    card: Card = incident.card
    return card
