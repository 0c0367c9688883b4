"""What can be done to an incident, by whomever: each act changes it, writes its log, and is told to the listeners.

The REST API, people and the clock act through it; what an event did is told to it. Sources: PagerDuty REST API v2
(incidents), support page "Edit Incidents", webhooks v3 overview (event types).
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Final

from streams.sandbox.pagerduty.card import (
    Acknowledgement,
    Assignment,
    Card,
    Client,
    Happening,
    LogEntry,
    Note,
    StatusUpdate,
    Urgency,
    card_of,
)
from streams.sandbox.pagerduty.directory import (
    Agent,
    Directory,
    EscalationPolicy,
    Integration,
    Priority,
    TechnicalService,
    User,
)
from streams.sandbox.pagerduty.ids import base36
from streams.sandbox.pagerduty.incidents import AlertEvent, Effect, Incident, IncidentBook, Outcome

RESOLUTION_PREFIX: Final = "Resolution Note: "
"""How the note begins that PagerDuty makes of a resolution note (observed, not documented)."""

_URGENCY: Final[dict[str, Urgency]] = {"critical": "high", "error": "high", "warning": "low", "info": "low"}
"""By severity, as with a service's dynamic notifications."""

Channel = dict[str, Any]
API: Final[Channel] = {"type": "api"}
WEBSITE: Final[Channel] = {"type": "website"}
TIMEOUT: Final[Channel] = {"type": "timeout"}


class Desk:
    """Acts on the incidents of a book. `agent` is who acts; times are milliseconds since the epoch."""

    def __init__(self, book: IncidentBook, directory: Directory, rng: random.Random) -> None:
        self._book = book
        self._directory = directory
        self._rng = rng
        self._ids = count(1)
        self.log: list[LogEntry] = []
        """Every log entry of the account, oldest first."""
        self.listeners: list[Callable[[Happening], None]] = []
        """Called with each happening, at once and in order."""
        self._keyed: dict[str, list[Incident]] = {}
        """By incident key and dedup key, the incidents that were opened with it."""
        self._due: list[tuple[int, int, Incident]] = []
        self.changed: Callable[[], None] = lambda: None
        """Called when the time of the next due act may have changed."""

    def clear(self) -> None:
        """Forget log, keys and due acts; incidents are the book's to forget."""
        self.log.clear()
        self._keyed.clear()
        self._due.clear()

    # Events

    def heard(
        self, outcome: Outcome, event: AlertEvent, at: int, name: str | None, client: Client | None, details: str | None
    ) -> None:
        """Take note of what an event has done. name: what a service made for its key would be called."""
        incident = outcome.incident
        if incident is None or outcome.effect in (Effect.NONE, Effect.DROPPED):
            return
        integration = self._directory.integration(event.destination, name, at)
        if outcome.effect is Effect.OPENED:
            self._open_card(incident, integration.service, integration, at, _URGENCY[incident.severity])
            card = card_of(incident)
            card.client, card.details = client, details
            self._triggered(incident, integration, at, event.summary or "")
        elif outcome.effect is Effect.ACKNOWLEDGED:
            self._acknowledged(incident, integration, at, API)
        elif outcome.effect is Effect.RESOLVED:
            self._resolved(incident, integration, at, API)
        elif event.action == "trigger":
            self._write(incident, "trigger", integration, at, "Triggered through the API", API)

    # Opening

    def create(
        self,
        service: TechnicalService,
        title: str,
        agent: Agent,
        at: int,
        *,
        incident_key: str | None = None,
        urgency: Urgency = "high",
        priority: Priority | None = None,
        body: str | None = None,
        assignees: Sequence[User] | None = None,
        policy: EscalationPolicy | None = None,
        incident_type: str = "incident_default",
    ) -> Incident:
        """Open an incident without an alert, as POST /incidents and a person do.

        One that is assigned to the user who opens it starts acknowledged.
        """
        key = incident_key or f"{self._rng.getrandbits(128):032x}"
        event = AlertEvent(f"service:{service.id}", "trigger", key, title)
        incident = self._book.open(event, at, alert=False)
        self._open_card(incident, service, agent, at, urgency)
        card = card_of(incident)
        card.incident_key, card.priority, card.body, card.incident_type = key, priority, body, incident_type
        card.policy = policy or card.policy
        if assignees:
            card.assignments = [Assignment(user, at) for user in assignees]
        elif policy is not None:
            card.assignments = [Assignment(user, at) for user in policy.on_call[:1]]
        self._triggered(incident, agent, at, title)
        if assignees and isinstance(agent, User) and agent in assignees:
            self.acknowledge(incident, agent, at)
        return incident

    def with_key(self, service: TechnicalService, key: str) -> Incident | None:
        """The open incident of a service that has this incident key or holds an open alert with this dedup key."""
        for keyed in self._keyed.get(key, ()):
            incident = keyed.holder
            if incident.open and card_of(incident).service is service and (keyed.alert_open or not keyed.has_alert):
                return incident
        return None

    def keyed(self, key: str) -> list[Incident]:
        """The incidents with this incident key, or that hold an alert with this dedup key, oldest first."""
        found = {keyed.holder.id: keyed.holder for keyed in self._keyed.get(key, ())}
        return sorted(found.values(), key=lambda incident: incident.number)

    # Status

    def acknowledge(self, incident: Incident, agent: Agent, at: int, channel: Channel = API) -> bool:
        """Acknowledge; a resolved incident is reopened by it (REST API change of 2025-09-18).

        Returns whether anything changed: not when this agent has acknowledged it already.
        """
        card = card_of(incident)
        if not incident.open:
            self.reopen(incident, agent, at, channel)
        elif any(one.by is agent for one in card.acknowledgements):
            return False
        self._book.acknowledge(incident, at)
        if isinstance(agent, User):
            card.assignments = [Assignment(agent, at)]
        self._acknowledged(incident, agent, at, channel)
        return True

    def unacknowledge(self, incident: Incident, agent: Agent, at: int, channel: Channel = API) -> bool:
        """Back to triggered. Returns whether it was acknowledged."""
        if incident.status != "acknowledged":
            return False
        self._book.unacknowledge(incident, at)
        card = card_of(incident)
        card.acknowledgements.clear()
        card.unacknowledge_at = None
        self._status(incident, agent, at)
        summary = f"Unacknowledged by {_name(agent)}" if agent else "Acknowledgement timed out"
        self._write(incident, "unacknowledge", agent, at, summary, channel)
        self._tell("incident.unacknowledged", at, agent, incident)
        return True

    def resolve(
        self,
        incident: Incident,
        agent: Agent,
        at: int,
        *,
        resolution: str | None = None,
        note: str | None = None,
        channel: Channel = API,
    ) -> bool:
        """Resolve. Returns whether it was open.

        resolution: of the REST API, kept with the log entry only. note: a person's resolution note; it becomes a note
        of its own, told before or after the resolve, as it happens.
        """
        if not incident.open:
            return False
        self._book.resolve(incident, at)
        acts: list[Callable[[], object]] = [
            lambda: self._resolved(incident, agent, at, channel, resolution if note is None else note)
        ]
        if note is not None and isinstance(agent, User):
            author, text = agent, RESOLUTION_PREFIX + note
            acts.append(lambda: self.annotate(incident, author, text, at))
            self._rng.shuffle(acts)
        for act in acts:
            act()
        return True

    def reopen(self, incident: Incident, agent: Agent, at: int, channel: Channel = API) -> bool:
        """Open a resolved incident again, assigned to whoever did it. Returns whether it was resolved."""
        if incident.open:
            return False
        self._book.reopen(incident, at)
        card = card_of(incident)
        card.reopened_at = at
        users = [agent] if isinstance(agent, User) else card.policy.on_call[:1]
        card.assignments = [Assignment(user, at) for user in users]
        self._status(incident, agent, at)
        self._write(incident, "reopen", agent, at, f"Reopened by {_name(agent)}", channel)
        self._tell("incident.reopened", at, agent, incident)
        self._await(incident, "resolve_at", card.service.auto_resolve_timeout, at)
        return True

    def snooze(self, incident: Incident, agent: Agent, seconds: int, at: int) -> None:
        """Keep it acknowledged for so long; then it is triggered again."""
        self._write(incident, "snooze", agent, at, f"Snoozed by {_name(agent)} for {seconds} seconds", API)
        self._await(incident, "unacknowledge_at", seconds, at)

    # What it says

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
            self._status(incident, agent, at)
        card.assignments = [Assignment(user, at) for user in users]
        incident.updated_at = at
        names = ", ".join(user.name for user in users)
        self._write(incident, "assign", agent, at, f"Assigned to {names} by {_name(agent)}", API, assignees=list(users))
        self._tell("incident.reassigned", at, agent, incident)
        return True

    def delegate(self, incident: Incident, policy: EscalationPolicy, agent: Agent, at: int) -> bool:
        """Give it to another escalation policy."""
        card = card_of(incident)
        if card.policy is policy:
            return False
        card.policy = policy
        card.assignments = [Assignment(user, at) for user in policy.on_call[:1]]
        incident.updated_at = at
        self._write(incident, "delegate", agent, at, f"Delegated to {policy.name} by {_name(agent)}", API)
        self._tell("incident.delegated", at, agent, incident)
        return True

    def escalate(self, incident: Incident, level: int, agent: Agent, at: int) -> bool:
        """Give it to a level of its policy, counted from 1."""
        card = card_of(incident)
        users = card.policy.on_call[level - 1 : level]
        if not users or [one.user for one in card.assignments] == users:
            return False
        card.assignments = [Assignment(user, at) for user in users]
        incident.updated_at = at
        self._write(incident, "escalate", agent, at, f"Escalated to {users[0].name} by {_name(agent)}", API)
        self._tell("incident.escalated", at, agent, incident)
        return True

    def set_priority(self, incident: Incident, priority: Priority | None, agent: Agent, at: int) -> bool:
        card = card_of(incident)
        if card.priority is priority:
            return False
        before, card.priority = card.priority, priority
        incident.updated_at = at
        text = f'Priority changed from "{_name(before)}" to "{_name(priority)}"'
        channel = {"type": "api", "old_priority": before, "new_priority": priority}
        self._write(incident, "priority_change", agent, at, text, channel)
        self._tell("incident.priority_updated", at, agent, incident)
        return True

    def set_urgency(self, incident: Incident, urgency: Urgency, agent: Agent, at: int) -> bool:
        """There is no webhook for it."""
        card = card_of(incident)
        if card.urgency == urgency:
            return False
        card.urgency = urgency
        incident.updated_at = at
        self._write(incident, "urgency_change", agent, at, f"Urgency changed to {urgency}", API)
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
        self._tell("incident.service_updated", at, agent, incident)
        return True

    def set_type(self, incident: Incident, name: str, agent: Agent, at: int) -> bool:
        card = card_of(incident)
        if card.incident_type == name:
            return False
        card.incident_type = name
        incident.updated_at = at
        self._tell("incident.incident_type.changed", at, agent, incident)
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
        self._tell("incident.conference_bridge.updated", at, agent, incident, data)
        return True

    # Notes and messages

    def annotate(self, incident: Incident, user: User, content: str, at: int) -> Note:
        """Add a note. Works on resolved incidents too."""
        note = Note(f"PN{base36(next(self._ids), 5)}", user, content, at, at)
        card_of(incident).notes.append(note)
        incident.updated_at = at
        channel = {"type": "note", "summary": content, "content": content}
        self._write(incident, "annotate", user, at, f"Note added by {user.name}", channel)
        self._tell("incident.annotated", at, user, incident, note)
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
        update = StatusUpdate(f"PT{base36(next(self._ids), 5)}", user, message, at, subject, html_message)
        incident.updated_at = at
        self._write(incident, "status_update", user, at, f"Status update by {user.name}", API, message=message)
        self._tell("incident.status_update_published", at, user, incident, update)
        return update

    def request_responder(self, incident: Incident, user: User, message: str, agent: Agent, at: int) -> None:
        """Ask another user to help."""
        self._write(incident, "responder_request", agent, at, f"{_name(agent)} asked {user.name} to help", API)
        self._tell("incident.responder.added", at, agent, incident, _responder(user, message, "pending"))

    def answer_request(self, incident: Incident, user: User, message: str, at: int) -> None:
        """A user accepts to help."""
        self._tell("incident.responder.replied", at, user, incident, _responder(user, message, "accepted"))

    # Ends

    def merge(self, target: Incident, sources: Iterable[Incident], agent: Agent, at: int) -> None:
        """Merge incidents into an open one: they are resolved, and their alerts are the target's."""
        for source in sources:
            was_open = source.open
            self._book.merge(target, source, at)
            self._write(target, "merge", agent, at, f"Merged with [#{source.number}] by {_name(agent)}", API)
            if was_open:
                self._resolved(source, agent, at, API)

    def resolve_alert(self, alert: Incident, agent: Agent, at: int) -> bool:
        """Resolve one alert, and its incident with it when it was the last open one. Returns whether it was open."""
        if not alert.alert_open:
            return False
        if self._book.resolve_alert(alert, at):
            self._resolved(alert.holder, agent, at, API)
        return True

    def delete(self, incident: Incident) -> None:
        """Forget an incident. Nothing tells of it: no event type is documented for that."""
        self._book.delete(incident)
        self._keyed[incident.dedup_key].remove(incident)
        self.log = [entry for entry in self.log if entry.incident is not incident]

    def rename(self, service: TechnicalService, name: str, agent: Agent, at: int) -> None:
        """Give a service another name."""
        service.name = name
        self._tell("service.updated", at, agent, None, service)

    # Time

    def next_due(self) -> int | None:
        """When the clock acts next, milliseconds since the epoch."""
        while self._due and not self._is_due(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def pass_time(self, now: int) -> None:
        """Let what is due by `now` happen: acknowledgement time-outs, ends of snoozes, auto-resolves."""
        while (due := self.next_due()) is not None and due <= now:
            at, _, incident = heapq.heappop(self._due)
            if card_of(incident).resolve_at == at:
                self.resolve(incident, None, at, channel=TIMEOUT)
            else:
                self.unacknowledge(incident, None, at, TIMEOUT)

    def _is_due(self, due: tuple[int, int, Incident]) -> bool:
        at, _, incident = due
        if not incident.open or self._book.get(incident.id) is not incident:
            return False
        card = card_of(incident)
        return card.resolve_at == at or (card.unacknowledge_at == at and incident.status == "acknowledged")

    def _await(self, incident: Incident, what: str, seconds: int | None, at: int) -> None:
        due = None if seconds is None else at + seconds * 1000
        setattr(card_of(incident), what, due)
        if due is not None:
            heapq.heappush(self._due, (due, next(self._ids), incident))
            self.changed()

    # Parts

    def _open_card(
        self, incident: Incident, service: TechnicalService, agent: Agent, at: int, urgency: Urgency
    ) -> None:
        incident.card = Card(service, service.policy, urgency, at, agent)
        self._keyed.setdefault(incident.dedup_key, []).append(incident)
        incident.card.assignments = [Assignment(user, at) for user in service.policy.on_call[:1]]

    def _triggered(self, incident: Incident, agent: Agent, at: int, summary: str) -> None:
        card = card_of(incident)
        by = "through the API" if isinstance(agent, Integration) else f"by {_name(agent)}"
        self._write(incident, "trigger", agent, at, f"Triggered {by}", API, description=summary)
        if card.assignments:
            users = [one.user for one in card.assignments]
            names = ", ".join(user.name for user in users)
            self._write(incident, "assign", agent, at, f"Assigned to {names}", {"type": "auto"}, assignees=users)
        self._tell("incident.triggered", at, agent, incident)
        self._await(incident, "resolve_at", card.service.auto_resolve_timeout, at)

    def _acknowledged(self, incident: Incident, agent: Agent, at: int, channel: Channel) -> None:
        card = card_of(incident)
        card.acknowledgements.append(Acknowledgement(agent, at))
        self._status(incident, agent, at)
        self._write(incident, "acknowledge", agent, at, f"Acknowledged by {_name(agent)}", channel)
        self._tell("incident.acknowledged", at, agent, incident)
        self._await(incident, "unacknowledge_at", card.service.acknowledgement_timeout, at)

    def _resolved(
        self, incident: Incident, agent: Agent, at: int, channel: Channel, resolution: str | None = None
    ) -> None:
        card = card_of(incident)
        card.assignments, card.acknowledgements = [], []
        card.unacknowledge_at = card.resolve_at = None
        self._status(incident, agent, at)
        summary = f"Resolved by {_name(agent)}" if agent else "Resolved by timeout"
        if resolution is not None:
            channel = {**channel, "summary": resolution}
        self._write(incident, "resolve", agent, at, summary, channel)
        self._tell("incident.resolved", at, agent, incident)

    def _status(self, incident: Incident, agent: Agent, at: int) -> None:
        card = card_of(incident)
        card.changed_at, card.changed_by = at, agent

    def _write(
        self, incident: Incident, kind: str, agent: Agent, at: int, summary: str, channel: Channel, **details: Any
    ) -> None:
        entry_id = f"R{base36(next(self._ids), 13)}"
        entry = LogEntry(entry_id, kind, at, agent, incident, summary, channel, details)
        card_of(incident).log.append(entry)
        self.log.append(entry)

    def _tell(
        self,
        event_type: str,
        at: int,
        agent: Agent,
        incident: Incident | None,
        data: Note | StatusUpdate | TechnicalService | dict[str, Any] | None = None,
    ) -> None:
        if not self.listeners:
            return
        client = card_of(incident).client if incident is not None and event_type == "incident.triggered" else None
        happening = Happening(event_type, at, agent, incident, data, client)
        for listener in tuple(self.listeners):
            listener(happening)


def _responder(user: User, message: str, state: str) -> dict[str, Any]:
    return {"user": user, "escalation_policy": None, "message": message, "state": state, "type": "incident_responder"}


def _name(one: Agent | Priority) -> str:
    return "none" if one is None else one.name
