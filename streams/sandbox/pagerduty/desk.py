"""The life of an incident, by whomever: each act changes it, writes its log, and is told to the listeners.

The REST API, people and the clock act through it; what an event did is told to it. Sources: PagerDuty REST API v2
(incidents), support page "Edit Incidents", webhooks v3 overview (event types).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from streams.sandbox.pagerduty.card import Acknowledgement, Assignment, Card, Client, Urgency, card_of
from streams.sandbox.pagerduty.directory import (
    Agent,
    Directory,
    EscalationPolicy,
    Integration,
    Priority,
    TechnicalService,
    User,
)
from streams.sandbox.pagerduty.due import Agenda
from streams.sandbox.pagerduty.edits import Edits
from streams.sandbox.pagerduty.history import API, TIMEOUT, Channel, History, name_of
from streams.sandbox.pagerduty.incidents import AlertEvent, Effect, Incident, IncidentBook, Outcome

RESOLUTION_PREFIX: Final = "Resolution Note: "
"""How the note begins that PagerDuty makes of a resolution note (observed, not documented)."""

_URGENCY: Final[dict[str, Urgency]] = {"critical": "high", "error": "high", "warning": "low", "info": "low"}
"""By severity, as with a service's dynamic notifications."""


class Desk:
    """Acts on the incidents of a book. `agent` is who acts; times are milliseconds since the epoch."""

    def __init__(
        self, book: IncidentBook, directory: Directory, history: History, edits: Edits, rng: random.Random
    ) -> None:
        self._book = book
        self._directory = directory
        self._history = history
        self._edits = edits
        self._rng = rng
        self._keyed: dict[str, list[Incident]] = {}
        """By incident key and dedup key, the incidents that were opened with it."""
        self.agenda = Agenda(book)

    def clear(self) -> None:
        """Forget keys and due acts; incidents are the book's to forget."""
        self._keyed.clear()
        self.agenda.clear()

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
            self._history.write(incident, "trigger", integration, at, "Triggered through the API", API)

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
        self._history.status(incident, agent, at)
        summary = f"Unacknowledged by {name_of(agent)}" if agent else "Acknowledgement timed out"
        self._history.write(incident, "unacknowledge", agent, at, summary, channel)
        self._history.tell("incident.unacknowledged", at, agent, incident)
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
            acts.append(lambda: self._edits.annotate(incident, author, text, at))
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
        self._history.status(incident, agent, at)
        self._history.write(incident, "reopen", agent, at, f"Reopened by {name_of(agent)}", channel)
        self._history.tell("incident.reopened", at, agent, incident)
        self.agenda.put(incident, "resolve", card.service.auto_resolve_timeout, at)
        return True

    def snooze(self, incident: Incident, agent: Agent, seconds: int, at: int) -> None:
        """Keep it acknowledged for so long; then it is triggered again."""
        self._history.write(incident, "snooze", agent, at, f"Snoozed by {name_of(agent)} for {seconds} seconds", API)
        self.agenda.put(incident, "unacknowledge", seconds, at)

    # Ends

    def merge(self, target: Incident, sources: Iterable[Incident], agent: Agent, at: int) -> None:
        """Merge incidents into an open one: they are resolved, and their alerts are the target's."""
        for source in sources:
            was_open = source.open
            self._book.merge(target, source, at)
            self._history.write(target, "merge", agent, at, f"Merged with [#{source.number}] by {name_of(agent)}", API)
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
        self._history.forget(incident)

    # Time

    def pass_time(self, now: int) -> None:
        """Let what is due by `now` happen."""
        while (due := self.agenda.take(now)) is not None:
            if due.act == "resolve":
                self.resolve(due.incident, None, due.at, channel=TIMEOUT)
            else:
                self.unacknowledge(due.incident, None, due.at, TIMEOUT)

    # Parts

    def _open_card(
        self, incident: Incident, service: TechnicalService, agent: Agent, at: int, urgency: Urgency
    ) -> None:
        incident.card = Card(service, service.policy, urgency, at, agent)
        self._keyed.setdefault(incident.dedup_key, []).append(incident)
        incident.card.assignments = [Assignment(user, at) for user in service.policy.on_call[:1]]

    def _triggered(self, incident: Incident, agent: Agent, at: int, summary: str) -> None:
        card = card_of(incident)
        by = "through the API" if isinstance(agent, Integration) else f"by {name_of(agent)}"
        self._history.write(incident, "trigger", agent, at, f"Triggered {by}", API, description=summary)
        if card.assignments:
            users = [one.user for one in card.assignments]
            names = ", ".join(user.name for user in users)
            self._history.write(
                incident, "assign", agent, at, f"Assigned to {names}", {"type": "auto"}, assignees=users
            )
        self._history.tell("incident.triggered", at, agent, incident)
        self.agenda.put(incident, "resolve", card.service.auto_resolve_timeout, at)

    def _acknowledged(self, incident: Incident, agent: Agent, at: int, channel: Channel) -> None:
        card = card_of(incident)
        card.acknowledgements.append(Acknowledgement(agent, at))
        self._history.status(incident, agent, at)
        self._history.write(incident, "acknowledge", agent, at, f"Acknowledged by {name_of(agent)}", channel)
        self._history.tell("incident.acknowledged", at, agent, incident)
        self.agenda.put(incident, "unacknowledge", card.service.acknowledgement_timeout, at)

    def _resolved(
        self, incident: Incident, agent: Agent, at: int, channel: Channel, resolution: str | None = None
    ) -> None:
        card = card_of(incident)
        card.assignments, card.acknowledgements = [], []
        card.unacknowledge_at = card.resolve_at = None
        self._history.status(incident, agent, at)
        summary = f"Resolved by {name_of(agent)}" if agent else "Resolved by timeout"
        if resolution is not None:
            channel = {**channel, "summary": resolution}
        self._history.write(incident, "resolve", agent, at, summary, channel)
        self._history.tell("incident.resolved", at, agent, incident)
