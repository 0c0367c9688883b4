"""PagerDuty as the sync core meets it: incidents, notes, people, webhooks, a log, and REST with its whole seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from streams.pagerduty.rest_answers import RestAnswer

US = "PUSBOT1"
"""The user in whose name Pagerline speaks."""


def written(at: int, *, whole: bool) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if whole else moment.isoformat(timespec="milliseconds")[:23] + "Z"


def user(name: str) -> dict[str, Any]:
    return {"id": name, "type": "user_reference", "summary": name.title()}


@dataclass
class Held:
    """One incident."""

    id: str
    number: int
    key: str
    title: str
    status: str = "triggered"
    changed_at: int = 0
    changed_by: str = US
    priority: str | None = None
    notes: list[dict[str, Any]] = field(default_factory=list)
    merged_into: str | None = None


class Account:
    """All incidents of the account. `webhooks` and `log` grow; whoever plays takes webhooks out."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_123
        self.incidents: dict[str, Held] = {}
        self.deleted: list[Held] = []
        self.webhooks: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self.writes: list[tuple[str, str]] = []
        self.events = self.numbers = 0

    def passes(self, ms: int) -> None:
        self.now += ms

    # -- what happens ---------------------------------------------------------------------------------------------

    def _tell(self, event_type: str, held: Held, by: str, **data: Any) -> None:
        self.events += 1
        body = data or self._webhook_data(held)
        event = {
            "id": f"01EVENT{self.events:06d}",
            "event_type": event_type,
            "resource_type": "incident",
            "occurred_at": written(self.now, whole=False),
            "agent": user(by),
            "client": None,
            "data": body,
        }
        self.webhooks.append({"event": event})

    def _logged(self, kind: str, held: Held, by: str) -> None:
        entry = {
            "id": f"R{len(self.log):06d}",
            "type": f"{kind}_log_entry",
            "created_at": written(self.now, whole=True),
            "agent": user(by),
            "incident": {"id": held.id, "type": "incident_reference"},
        }
        self.log.append(entry)

    def change(self, held: Held, status: str, by: str) -> None:
        before = held.status
        if before == status:
            return
        held.status, held.changed_at, held.changed_by = status, self.now, by
        if before == "resolved":
            event, log = "reopened", "reopen"
        elif status == "acknowledged":
            event, log = "acknowledged", "acknowledge"
        elif status == "resolved":
            event, log = "resolved", "resolve"
        else:
            event, log = "unacknowledged", "unacknowledge"
        self._tell(f"incident.{event}", held, by)
        self._logged(log, held, by)

    def annotate(self, held: Held, content: str, by: str, *, trimmed: bool = False) -> dict[str, Any]:
        self.numbers += 1
        note = {
            "id": f"PNOTE{self.numbers:05d}",
            "user": user(by),
            "content": content,
            "created_at": written(self.now, whole=True),
        }
        held.notes.append(note)
        data = {
            "incident": {"id": held.id, "type": "incident_reference"},
            "id": note["id"],
            "content": content[:5] if trimmed else content,
            "trimmed": trimmed,
            "type": "incident_note",
        }
        self._tell("incident.annotated", held, by, **data)
        self._logged("annotate", held, by)
        return note

    def merge(self, held: Held, into: str, by: str) -> None:
        if held.status != "resolved":
            held.merged_into = into
            self.change(held, "resolved", by)

    def delete(self, held: Held) -> None:
        self.deleted.append(self.incidents.pop(held.id))

    def reassign(self, held: Held, by: str) -> None:
        self._tell("incident.reassigned", held, by)

    # -- how it looks -----------------------------------------------------------------------------------------------

    def _webhook_data(self, held: Held) -> dict[str, Any]:
        return {
            "id": held.id,
            "type": "incident",
            "html_url": f"https://acme.pagerduty.com/incidents/{held.id}",
            "number": held.number,
            "status": held.status,
            "incident_key": held.key,
            "title": held.title,
            "service": {"id": "PSVC1", "summary": "Payments", "type": "service_reference"},
            "assignees": [] if held.status == "resolved" else [user("someone")],
            "priority": held.priority and {"id": held.priority, "summary": held.priority},
            "resolve_reason": self._reason(held),
        }

    def _reason(self, held: Held) -> dict[str, Any] | None:
        if held.merged_into is None:
            return None
        return {"type": "merge_resolve_reason", "incident": {"id": held.merged_into}}

    def document(self, held: Held) -> dict[str, Any]:
        """As REST shows it: times in whole seconds."""
        return {
            **self._webhook_data(held),
            "incident_number": held.number,
            "last_status_change_at": written(held.changed_at, whole=True),
            "last_status_change_by": user(held.changed_by),
        }

    # -- REST -------------------------------------------------------------------------------------------------------

    async def create_incident(
        self,
        *,
        title: str,
        service: str,
        key: str,
        details: str | None = None,
        urgency: str | None = None,
        priority: str | None = None,
    ) -> RestAnswer:
        assert service == "PSVC1"
        if any(one.key == key and one.status != "resolved" for one in self.incidents.values()):
            errors = ["Open incident with matching dedup key already exists on this service"]
            return RestAnswer(400, {"error": {"message": "Arguments Caused Error", "code": 2002, "errors": errors}})
        self.numbers += 1
        number = self.numbers
        held = Held(f"QINC{number:05d}", number, key, title, priority=priority, changed_at=self.now)
        self.incidents[held.id] = held
        self.writes.append(("create", held.id))
        self._tell("incident.triggered", held, US)
        self._logged("trigger", held, US)
        return RestAnswer(201, {"incident": self.document(held)})

    async def incident(self, incident_id: str) -> RestAnswer:
        held = self.incidents.get(incident_id)
        return RestAnswer(200, {"incident": self.document(held)}) if held else NOT_FOUND

    async def incidents_by_key(self, key: str, *, statuses: Iterable[str] = ()) -> RestAnswer:
        found = [self.document(one) for one in reversed(self.incidents.values()) if one.key == key]
        return RestAnswer(200, {"incidents": found, "more": False})

    async def update_incident(
        self,
        incident_id: str,
        *,
        status: str | None = None,
        resolution: str | None = None,
        title: str | None = None,
        urgency: str | None = None,
        priority: str | None = None,
    ) -> RestAnswer:
        held = self.incidents.get(incident_id)
        if held is None:
            return NOT_FOUND
        self.writes.append((status or "fields", incident_id))
        held.title, held.priority = title or held.title, priority or held.priority
        if status is not None:
            self.change(held, status, US)
        return RestAnswer(200, {"incident": self.document(held)})

    async def notes(self, incident_id: str) -> RestAnswer:
        held = self.incidents.get(incident_id)
        return RestAnswer(200, {"notes": list(held.notes)}) if held else NOT_FOUND

    async def add_note(self, incident_id: str, content: str) -> RestAnswer:
        held = self.incidents.get(incident_id)
        if held is None:
            return NOT_FOUND
        self.writes.append(("note", incident_id))
        return RestAnswer(200, {"note": self.annotate(held, content, US)})


NOT_FOUND = RestAnswer(404, {"error": {"message": "Not Found", "code": 2100}})


class KnownNames:
    """The account's one service; priorities have their names as ids."""

    async def service(self, asked: str) -> str:
        return "PSVC1"

    async def priority(self, name: str) -> str | None:
        return name

    def forget(self, asked: str) -> None:
        raise AssertionError("the service is there")
