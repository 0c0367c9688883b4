"""What the Case system tells of a change: one record of topic `cases` (schemas/cases.json). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.updates import Actor

STATES: Mapping[str, str] = {"OPEN": "ACTIVE", "ACKNOWLEDGED": "ACTIVE", "RESOLVED": "RESOLVED", "CLOSED": "RESOLVED"}
"""A Case's state by its status."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts on the Case itself, by e-mail address."""

    email: str

    def to_json(self) -> dict[str, Any]:
        return {"user": {"userEmail": self.email}}

    @property
    def name(self) -> str:
        return self.email


@dataclass(frozen=True, slots=True)
class Outside:
    """Whoever acted at PagerDuty: with this as its actor a notice is not sent back there."""

    actor: Actor | None

    def to_json(self) -> dict[str, Any]:
        actor = self.actor or Actor("unknown")
        return {
            "pagerDuty": {"pagerDutyUserId": actor.id, "displayName": actor.name, "userEmail": actor.email},
        }

    @property
    def name(self) -> str:
        actor = self.actor or Actor("unknown")
        return actor.name or actor.email or actor.id or "PagerDuty"


Who = Person | Outside


def notice(
    case: Mapping[str, Any], event_id: str, subtype: str, data: Mapping[str, Any], who: Who, at_ms: int
) -> dict[str, Any]:
    """A Case as it is after a change, and the change. `case`: a row of the store; `data`: of the timeline event."""
    resolved = case["resolved_at"]
    return {
        "_context": {
            "entityType": "cases",
            "entitySubType": subtype,
            "entityLabels": {},
            "trigger": {"type": "automatic"},
            "system": {"id": "sample", "name": "sample Case system"},
        },
        "case": {
            "id": case["id"],
            "title": case["title"],
            "description": case["description"],
            "caseDetailUrl": f"https://cases.example.com/{case['id']}",
            "assignee": None if case["assignee"] is None else {"userEmail": case["assignee"]},
            "state": STATES[case["status"]],
            "status": case["status"],
            "casePriority": case["priority"],
            "category": "AVAILABILITY",
            "createdAt": iso(case["created_at"]),
            "updatedAt": iso(case["updated_at"]),
            "acknowledgedAt": iso(case["acknowledged_at"]),
            "resolutionDetails": None
            if resolved is None
            else {"resolvedBy": case["resolved_by"], "resolvedAt": iso(resolved), "reason": case["resolution"]},
            "indicators": [],
        },
        "caseEvent": {"eventId": event_id, "eventTime": iso(at_ms), "actor": who.to_json(), "eventData": dict(data)},
        **({"destinations": [{"connectorId": case["connector"]}]} if case["connector"] else {}),
    }


def iso(at_ms: int | None) -> str | None:
    """Milliseconds since the epoch as Cases give times: ISO 8601 in UTC."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
