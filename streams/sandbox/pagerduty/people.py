"""People who act on incidents, as on PagerDuty's website. A user is named by id, email address or name.

sim.people.acknowledge(incident_id, "alex@example.com")
sim.people.resolve(incident_id, "alex@example.com", note="Disk was cleaned up.")
"""

from __future__ import annotations

from collections.abc import Callable

from streams.sandbox.pagerduty.card import Note, StatusUpdate, card_of
from streams.sandbox.pagerduty.desk import Desk
from streams.sandbox.pagerduty.directory import Directory, User
from streams.sandbox.pagerduty.edits import Edits
from streams.sandbox.pagerduty.history import WEBSITE
from streams.sandbox.pagerduty.incidents import Incident, IncidentBook

Who = str | User


class People:
    """Every act raises ValueError for an incident, user or thing that there is not, or that cannot be done now."""

    def __init__(
        self, book: IncidentBook, desk: Desk, edits: Edits, directory: Directory, time_ms: Callable[[], int]
    ) -> None:
        self._book = book
        self._desk = desk
        self._edits = edits
        self._directory = directory
        self._time_ms = time_ms

    def open(self, service: str, title: str, user: Who, *, urgency: str = "high") -> Incident:
        """Open an incident by hand. service: its id, or its name."""
        author = self._directory.user(user)
        return self._desk.create(
            self._directory.service(service), title, author, self._now(), urgency="low" if urgency == "low" else "high"
        )

    def acknowledge(self, incident_id: str, user: Who) -> Incident:
        incident, who = self._open(incident_id), self._directory.user(user)
        self._desk.acknowledge(incident, who, self._now(), WEBSITE)
        return incident

    def unacknowledge(self, incident_id: str, user: Who) -> Incident:
        """Back to triggered."""
        incident, who = self._open(incident_id), self._directory.user(user)
        if not self._desk.unacknowledge(incident, who, self._now(), WEBSITE):
            raise ValueError(f"incident {incident_id} is not acknowledged")
        return incident

    def resolve(self, incident_id: str, user: Who, note: str | None = None) -> Incident:
        """note: the resolution note, which becomes a note of its own."""
        incident, who = self._open(incident_id), self._directory.user(user)
        self._desk.resolve(incident, who, self._now(), note=note or None, channel=WEBSITE)
        return incident

    def reopen(self, incident_id: str, user: Who) -> Incident:
        incident, who = self._incident(incident_id), self._directory.user(user)
        if incident.merged_into is not None:
            raise ValueError(f"incident {incident_id} was merged into {incident.merged_into.id}")
        if not self._desk.reopen(incident, who, self._now(), WEBSITE):
            raise ValueError(f"incident {incident_id} is open")
        return incident

    def add_note(self, incident_id: str, user: Who, text: str) -> Note:
        if not text.strip():
            raise ValueError("a note needs a text")
        return self._edits.annotate(self._incident(incident_id), self._directory.user(user), text, self._now())

    def reassign(self, incident_id: str, user: Who, to: Who) -> Incident:
        incident, who = self._open(incident_id), self._directory.user(user)
        self._edits.assign(incident, [self._directory.user(to)], who, self._now())
        return incident

    def escalate(self, incident_id: str, user: Who, level: int = 2) -> Incident:
        """To a level of the incident's policy, counted from 1."""
        incident, who = self._open(incident_id), self._directory.user(user)
        if not self._edits.escalate(incident, level, who, self._now()):
            raise ValueError(f"incident {incident_id} cannot go to level {level}")
        return incident

    def delegate(self, incident_id: str, user: Who, policy_id: str) -> Incident:
        """To another escalation policy."""
        incident, who = self._open(incident_id), self._directory.user(user)
        policy = self._directory.policies.get(policy_id)
        if policy is None:
            raise ValueError(f"no escalation policy {policy_id!r}; there are {', '.join(self._directory.policies)}")
        self._edits.delegate(incident, policy, who, self._now())
        return incident

    def set_priority(self, incident_id: str, user: Who, priority: str | None) -> Incident:
        """priority: its name or id; None: none."""
        incident, who = self._incident(incident_id), self._directory.user(user)
        chosen = None if priority is None else self._directory.priority(priority)
        self._edits.set_priority(incident, chosen, who, self._now())
        return incident

    def set_title(self, incident_id: str, user: Who, title: str) -> Incident:
        """No webhook tells of it."""
        incident, who = self._incident(incident_id), self._directory.user(user)
        self._edits.set_title(incident, title, who, self._now())
        return incident

    def publish(self, incident_id: str, user: Who, message: str) -> StatusUpdate:
        """Publish a status update."""
        return self._edits.publish(self._incident(incident_id), self._directory.user(user), message, self._now())

    def request_responder(self, incident_id: str, user: Who, responder: Who, message: str = "Please help") -> None:
        incident, who = self._open(incident_id), self._directory.user(user)
        self._edits.request_responder(incident, self._directory.user(responder), message, who, self._now())

    def answer_request(self, incident_id: str, responder: Who, message: str = "On it") -> None:
        self._edits.answer_request(self._open(incident_id), self._directory.user(responder), message, self._now())

    def merge(self, target_id: str, source_ids: list[str], user: Who) -> Incident:
        """Merge incidents into an open one."""
        target, who = self._open(target_id), self._directory.user(user)
        sources = [self._incident(source_id) for source_id in source_ids]
        if target in sources:
            raise ValueError("an incident cannot be merged into itself")
        if merged := [source.id for source in sources if source.merged_into is not None]:
            raise ValueError(f"merged already: {', '.join(merged)}")
        self._desk.merge(target, sources, who, self._now())
        return target

    def delete(self, incident_id: str) -> None:
        """Let an incident be gone: over REST it is 404 from now on, and nothing tells of it."""
        self._desk.delete(self._incident(incident_id))

    def rename_service(self, service: str, name: str, user: Who | None = None) -> None:
        """service: its id, or its name when only one has it."""
        who = None if user is None else self._directory.user(user)
        self._edits.rename(self._directory.service(service), name, who, self._now())

    def notes(self, incident_id: str) -> list[str]:
        """The texts of the notes, oldest first."""
        return [note.content for note in card_of(self._incident(incident_id)).notes]

    def _now(self) -> int:
        now = self._time_ms()
        self._desk.pass_time(now)
        return now

    def _incident(self, incident_id: str) -> Incident:
        found = self._book.get(incident_id)
        if found is None:
            raise ValueError(f"no incident {incident_id!r}")
        return found

    def _open(self, incident_id: str) -> Incident:
        self._now()
        incident = self._incident(incident_id)
        if not incident.open:
            raise ValueError(f"incident {incident_id} is resolved")
        return incident
