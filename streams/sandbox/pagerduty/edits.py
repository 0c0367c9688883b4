"""What can be said on an incident: who has it, its priority, title and service, notes and messages.

Each returns whether anything changed. Sources: PagerDuty REST API v2 (incidents), support page "Edit Incidents",
webhooks v3 overview (event types).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.sandbox.pagerduty.card import Assignment, Note, StatusUpdate, Urgency, card_of
from streams.sandbox.pagerduty.directory import Agent, EscalationPolicy, Priority, TechnicalService, User
from streams.sandbox.pagerduty.history import History, name_of
from streams.sandbox.pagerduty.incidents import Incident, IncidentBook


class Edits:
    """`agent` is who does it; times are milliseconds since the epoch."""

    def __init__(self, book: IncidentBook, history: History) -> None:
        self._book = book
        self._history = history

    def assign(self, incident: Incident, users: Sequence[User], agent: Agent, at: int) -> bool:
        """Give it to other users. An acknowledged incident is triggered again, for them to see. Returns whether it
        changed."""
        card = card_of(incident)
        if {one.user.id for one in card.assignments} == {user.id for user in users}:
            return False
        if incident.status == "acknowledged":
            self._book.unacknowledge(incident, at)
            card.acknowledgements.clear()
            card.unacknowledge_at = None
            self._history.status(incident, agent, at)
        card.assignments = [Assignment(user, at) for user in users]
        incident.updated_at = at
        names = ", ".join(user.name for user in users)
        self._history.write(
            incident, "assign", agent, at, f"Assigned to {names} by {name_of(agent)}", assignees=list(users)
        )
        self._history.tell("incident.reassigned", at, agent, incident)
        return True

    def delegate(self, incident: Incident, policy: EscalationPolicy, agent: Agent, at: int) -> bool:
        """Give it to another escalation policy."""
        card = card_of(incident)
        if card.policy is policy:
            return False
        card.policy = policy
        card.assignments = [Assignment(user, at) for user in policy.on_call[:1]]
        incident.updated_at = at
        self._history.write(incident, "delegate", agent, at, f"Delegated to {policy.name} by {name_of(agent)}")
        self._history.tell("incident.delegated", at, agent, incident)
        return True

    def escalate(self, incident: Incident, level: int, agent: Agent, at: int) -> bool:
        """Give it to a level of its policy, counted from 1."""
        card = card_of(incident)
        users = card.policy.on_call[level - 1 : level]
        if not users or [one.user for one in card.assignments] == users:
            return False
        card.assignments = [Assignment(user, at) for user in users]
        incident.updated_at = at
        self._history.write(incident, "escalate", agent, at, f"Escalated to {users[0].name} by {name_of(agent)}")
        self._history.tell("incident.escalated", at, agent, incident)
        return True

    def set_priority(self, incident: Incident, priority: Priority | None, agent: Agent, at: int) -> bool:
        card = card_of(incident)
        if card.priority is priority:
            return False
        before, card.priority = card.priority, priority
        incident.updated_at = at
        text = f'Priority changed from "{name_of(before)}" to "{name_of(priority)}"'
        channel = {"type": "api", "old_priority": before, "new_priority": priority}
        self._history.write(incident, "priority_change", agent, at, text, channel)
        self._history.tell("incident.priority_updated", at, agent, incident)
        return True

    def set_urgency(self, incident: Incident, urgency: Urgency, agent: Agent, at: int) -> bool:
        """There is no webhook for it."""
        card = card_of(incident)
        if card.urgency == urgency:
            return False
        card.urgency = urgency
        incident.updated_at = at
        self._history.write(incident, "urgency_change", agent, at, f"Urgency changed to {urgency}")
        return True

    def set_title(self, incident: Incident, title: str, agent: Agent, at: int) -> bool:
        """There is no webhook for it."""
        if incident.title == title:
            return False
        incident.title = title
        incident.updated_at = at
        return True

    def set_service(self, incident: Incident, service: TechnicalService, agent: Agent, at: int) -> bool:
        card = card_of(incident)
        if card.service is service:
            return False
        card.service = service
        incident.updated_at = at
        self._history.tell("incident.service_updated", at, agent, incident)
        return True

    def set_type(self, incident: Incident, name: str, agent: Agent, at: int) -> bool:
        card = card_of(incident)
        if card.incident_type == name:
            return False
        card.incident_type = name
        incident.updated_at = at
        self._history.tell("incident.incident_type.changed", at, agent, incident)
        return True

    def set_conference_bridge(self, incident: Incident, bridge: dict[str, str | None], agent: Agent, at: int) -> bool:
        card = card_of(incident)
        if card.conference_bridge == bridge:
            return False
        card.conference_bridge = bridge
        incident.updated_at = at
        number = bridge.get("conference_number")
        data = {
            "conference_numbers": [{"label": "", "number": number}] if number else [],
            "conference_url": bridge.get("conference_url"),
            "type": "incident_conference_bridge",
        }
        self._history.tell("incident.conference_bridge.updated", at, agent, incident, data)
        return True

    def annotate(self, incident: Incident, user: User, content: str, at: int) -> Note:
        """Add a note. Works on resolved incidents too."""
        note = Note(self._history.new_id("N"), user, content, at, at)
        card_of(incident).notes.append(note)
        incident.updated_at = at
        channel = {"type": "note", "summary": content, "content": content}
        self._history.write(incident, "annotate", user, at, f"Note added by {user.name}", channel)
        self._history.tell("incident.annotated", at, user, incident, note)
        return note

    def edit_note(self, incident: Incident, note: Note, content: str, at: int) -> None:
        """Change a note (since 2025-11). No webhook is known for it."""
        note.content, note.updated_at, incident.updated_at = content, at, at

    def delete_note(self, incident: Incident, note: Note, at: int) -> None:
        """Take a note back (since 2025-11). No webhook is known for it."""
        card_of(incident).notes.remove(note)
        incident.updated_at = at

    def publish(
        self,
        incident: Incident,
        user: User,
        message: str,
        at: int,
        *,
        subject: str | None = None,
        html_message: str | None = None,
    ) -> StatusUpdate:
        """Publish a status update."""
        update = StatusUpdate(self._history.new_id("T"), user, message, at, subject, html_message)
        incident.updated_at = at
        self._history.write(incident, "status_update", user, at, f"Status update by {user.name}", message=message)
        self._history.tell("incident.status_update_published", at, user, incident, update)
        return update

    def request_responder(self, incident: Incident, user: User, message: str, agent: Agent, at: int) -> None:
        """Ask another user to help."""
        self._history.write(incident, "responder_request", agent, at, f"{name_of(agent)} asked {user.name} to help")
        self._history.tell(
            "incident.responder.added",
            at,
            agent,
            incident,
            _responder(user, card_of(incident).policy, message, "pending"),
        )

    def answer_request(self, incident: Incident, user: User, message: str, at: int) -> None:
        """A user accepts to help."""
        self._history.tell(
            "incident.responder.replied", at, user, incident, _responder(user, None, message, "accepted")
        )

    def rename(self, service: TechnicalService, name: str, agent: Agent, at: int) -> None:
        """Give a service another name."""
        service.name = name
        self._history.tell("service.updated", at, agent, None, service)


def _responder(user: User, policy: EscalationPolicy | None, message: str, state: str) -> dict[str, Any]:
    return {"user": user, "escalation_policy": policy, "message": message, "state": state, "type": "incident_responder"}
