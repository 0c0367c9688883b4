"""The body of a webhook: `{"event": {...}}`, compact, as it was when it happened.

Sources: PagerDuty developer docs "Webhooks, Overview", and captures of deliveries (their shapes are in
tests/fixtures/pagerduty/webhooks_v3).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from streams.sandbox.pagerduty.card import Happening, Note, StatusUpdate, card_of
from streams.sandbox.pagerduty.directory import Agent, EscalationPolicy, TechnicalService, User
from streams.sandbox.pagerduty.incidents import Incident
from streams.sandbox.pagerduty.shapes import Json, Shapes, moment, moment_or_none

INCIDENT_TYPES: Final = tuple(
    f"incident.{name}"
    for name in (
        "acknowledged",
        "action_invocation.created",
        "action_invocation.terminated",
        "action_invocation.updated",
        "annotated",
        "conference_bridge.updated",
        "custom_field_values.updated",
        "delegated",
        "escalated",
        "incident_type.changed",
        "priority_updated",
        "reassigned",
        "reopened",
        "resolved",
        "responder.added",
        "responder.replied",
        "role.assigned",
        "service_updated",
        "status_update_published",
        "task.completed",
        "task.created",
        "task.updated",
        "triggered",
        "unacknowledged",
        "workflow.completed",
        "workflow.started",
    )
)
SERVICE_TYPES: Final = ("service.created", "service.custom_field_values.updated", "service.deleted", "service.updated")
EVENT_TYPES: Final = INCIDENT_TYPES + SERVICE_TYPES
"""What a subscription may ask for. Types may be added: a receiver must not refuse what it does not know."""

PING: Final = "pagey.ping"
_MEMBERS: Final = ("html_url", "id", "self", "summary", "type")
"""Of a reference, in the order in which webhooks have them."""


class EventBodies:
    """Writes bodies. trim_at: characters of a note or status update beyond which it is cut, and `trimmed` is true."""

    def __init__(self, shapes: Shapes, trim_at: int) -> None:
        self._shapes = shapes
        self.trim_at = trim_at

    def body(self, event_id: str, happening: Happening) -> bytes:
        """The body of one event."""
        client = happening.client
        return self.envelope(
            event_id,
            happening.type,
            happening.at,
            self._agent(happening.agent),
            None if client is None else {"name": client.name, "url": client.url},
            self._data(happening),
        )

    def ping(self, event_id: str, at: int, user: User | None) -> bytes:
        agent = None if user is None else {"id": user.id, "type": "user_reference"}
        data = {"message": "Hello from your friend Pagey!", "type": "ping"}
        return self.envelope(event_id, PING, at, agent, None, data)

    def envelope(
        self, event_id: str, event_type: str, at: int, agent: Json | None, client: Json | None, data: Json
    ) -> bytes:
        """Any event, of a type that there is or is not."""
        return orjson.dumps(
            {
                "event": {
                    "id": event_id,
                    "event_type": event_type,
                    "resource_type": event_type.partition(".")[0],
                    "occurred_at": precise(at),
                    "agent": agent,
                    "client": client,
                    "data": data,
                }
            }
        )

    def _data(self, happening: Happening) -> Json:
        data, incident = happening.data, happening.incident
        if isinstance(data, TechnicalService):
            return {**self._reference(data), "type": "service", "name": data.name}
        if incident is None:
            raise ValueError(f"{happening.type} is about no incident")
        if data is None:
            return self._incident(incident)
        about = self._about(incident)
        if isinstance(data, Note):
            return {"incident": about, "id": data.id, **self._text("content", data.content), "type": "incident_note"}
        if isinstance(data, StatusUpdate):
            text = self._text("message", data.message)
            return {"incident": about, "id": data.id, **text, "type": "incident_status_update"}
        return {"incident": about, **{name: self._shown(value) for name, value in data.items()}}

    def _text(self, name: str, text: str) -> Json:
        return {name: text[: self.trim_at], "trimmed": len(text) > self.trim_at}

    def _incident(self, one: Incident) -> Json:
        card, target = card_of(one), one.merged_into
        return {
            "id": one.id,
            "type": "incident",
            "self": f"{self._shapes.api}/incidents/{one.id}",
            "html_url": f"{self._shapes.web}/incidents/{one.id}",
            "number": one.number,
            "status": one.status,
            "incident_key": None if one.alerts else card.incident_key,
            "created_at": moment(one.created_at),
            "reopened_at": moment_or_none(card.reopened_at),
            "title": one.title,
            "service": self._reference(card.service),
            "assignees": [self._reference(each.user) for each in card.assignments],
            "escalation_policy": self._reference(card.policy),
            "teams": [],
            "priority": None if card.priority is None else self._reference(card.priority),
            "urgency": card.urgency,
            "conference_bridge": card.conference_bridge,
            "resolve_reason": None
            if target is None
            else {"type": "merge_resolve_reason", "incident": self._about(target)},
            "incident_type": {"name": card.incident_type},
        }

    def _about(self, incident: Incident) -> Json:
        """A reference to an incident, whose summary is the title alone here."""
        return {**self._reference(incident), "summary": incident.title}

    def _agent(self, agent: Agent) -> Json | None:
        shown = self._shapes.agent(agent)
        return None if shown is None else {name: shown[name] for name in _MEMBERS}

    def _reference(self, one: object) -> Json:
        shown: Json = self._shapes.reference(one)
        return {name: shown[name] for name in _MEMBERS}

    def _shown(self, value: Any) -> Any:
        return self._reference(value) if isinstance(value, User | EscalationPolicy) else value


def precise(at: int) -> str:
    """Milliseconds since the epoch as webhooks show a time: ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
