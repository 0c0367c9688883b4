"""What accepted alert events do: the life cycle of an alert and its incident.

Rules: PagerDuty developer docs "Events API v2, Send an alert event" (deduplication, actions), support pages
"Alerts" and "Dynamic Notifications" (severity and title). An incident holds the alert it was opened by, and those of
the incidents that were merged into it; one that was opened over REST or by a person has none of its own.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

from streams.sandbox.pagerduty.ids import base36
from streams.sandbox.pagerduty.validation import SEVERITIES

Status = Literal["triggered", "acknowledged", "resolved"]

_RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Effect(StrEnum):
    """What one request did to the account."""

    OPENED = "opened"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DROPPED = "dropped"
    """Answered 202, and then nothing: the case that a publisher cannot see in the answer."""
    NONE = "none"


class AlertEvent(NamedTuple):
    """A valid, accepted alert event, as far as the life cycle looks at it."""

    destination: str
    action: str
    dedup_key: str
    summary: str | None = None
    severity: str | None = None


@dataclass(slots=True)
class Incident:
    """An incident and its alert. Times are milliseconds since the epoch, None while it has not happened."""

    id: str
    number: int
    destination: str
    dedup_key: str
    title: str
    """The summary of the first trigger; later ones do not change it."""
    summary: str
    """The summary of the newest trigger: the alert shows that one."""
    severity: str
    status: Status
    created_at: int
    updated_at: int
    acknowledged_at: int | None = None
    resolved_at: int | None = None
    triggers: int = 1
    """Trigger events received, the first included; 0 for an incident without an alert of its own."""
    alert_open: bool = True
    """Whether its own alert is open; False when it has none."""
    merged_into: Incident | None = field(default=None, repr=False)
    merged: list[Incident] = field(default_factory=list, repr=False)
    """The incidents whose alerts it holds beside its own."""
    card: Any = field(default=None, repr=False)
    """What people and the REST API know of it (`card.Card`)."""

    @property
    def open(self) -> bool:
        return self.status != "resolved"

    @property
    def has_alert(self) -> bool:
        """Whether an event opened it."""
        return self.triggers > 0

    @property
    def alerts(self) -> list[Incident]:
        """The incidents whose alerts it holds, itself first."""
        if self.merged_into is not None:
            return []
        return [one for one in (self, *self.merged) if one.has_alert]

    @property
    def holder(self) -> Incident:
        """The incident that holds its alert now."""
        return self if self.merged_into is None else self.merged_into.holder


class Outcome(NamedTuple):
    """What an event did, to which incident, and why nothing when it did nothing."""

    effect: Effect
    incident: Incident | None = None
    reason: str | None = None


class IncidentBook:
    """All incidents of the account. The newest one of a (destination, dedup key) takes that pair's events."""

    def __init__(self, rng: random.Random) -> None:
        self._prefix = "Q" + base36(rng.randrange(36**6), 6)
        self._number = 0
        self._all: dict[str, Incident] = {}
        self._newest: dict[tuple[str, str], Incident] = {}
        self._open_with: Counter[str] = Counter()
        """How many destinations have an open alert with a dedup key."""
        self._open_at: Counter[str] = Counter()
        """How many incidents are open at a destination."""

    def __iter__(self) -> Iterator[Incident]:
        """Oldest first."""
        return iter(self._all.values())

    def __reversed__(self) -> Iterator[Incident]:
        """Newest first."""
        return reversed(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def get(self, incident_id: str) -> Incident | None:
        """The incident with this id."""
        return self._all.get(incident_id)

    def newest(self, destination: str, dedup_key: str) -> Incident | None:
        """The incident that was opened last for this pair, open or not."""
        return self._newest.get((destination, dedup_key))

    def open_at(self, destination: str) -> int:
        """How many incidents are open at a destination."""
        return self._open_at[destination]

    def clear(self) -> None:
        """Forget every incident. Numbers and ids go on from where they are, so that none comes twice."""
        self._all.clear()
        self._newest.clear()
        self._open_with.clear()
        self._open_at.clear()

    def apply(self, event: AlertEvent, at: int) -> Outcome:
        """Let an accepted event act at `at` (milliseconds since the epoch)."""
        newest = self._newest.get((event.destination, event.dedup_key))
        if event.action == "trigger":
            if newest is not None and newest.alert_open:
                return self._trigger_again(newest, event, at)
            return Outcome(Effect.OPENED, self.open(event, at))
        if newest is None or not newest.alert_open:
            return Outcome(Effect.DROPPED, None, self._why_dropped(event, newest))
        if event.action == "acknowledge":
            return self._acknowledge(newest.holder, at)
        return self._resolve_alert(newest, at)

    def open(self, event: AlertEvent, at: int, *, alert: bool = True) -> Incident:
        """Open an incident. Without `alert` it is one of the REST API's, and no event reaches it."""
        self._number += 1
        summary = event.summary or ""
        incident = Incident(
            id=self._prefix + base36(self._number, 7),
            number=self._number,
            destination=event.destination,
            dedup_key=event.dedup_key,
            title=summary,
            summary=summary,
            severity=event.severity or SEVERITIES[-1],
            status="triggered",
            created_at=at,
            updated_at=at,
            triggers=int(alert),
            alert_open=alert,
        )
        self._all[incident.id] = incident
        self._open_at[event.destination] += 1
        if alert:
            self._newest[event.destination, event.dedup_key] = incident
            self._open_with[event.dedup_key] += 1
        return incident

    def acknowledge(self, incident: Incident, at: int) -> None:
        incident.status = "acknowledged"
        incident.acknowledged_at = incident.updated_at = at

    def unacknowledge(self, incident: Incident, at: int) -> None:
        incident.status = "triggered"
        incident.acknowledged_at, incident.updated_at = None, at

    def resolve(self, incident: Incident, at: int) -> None:
        """Resolve an incident and every alert it holds."""
        incident.status = "resolved"
        incident.resolved_at = incident.updated_at = at
        self._open_at[incident.destination] -= 1
        for alert in incident.alerts:
            self._close_alert(alert, at)

    def reopen(self, incident: Incident, at: int) -> None:
        """Open a resolved incident again. Its alerts stay resolved: the next trigger opens another incident."""
        incident.status = "triggered"
        incident.resolved_at = incident.acknowledged_at = None
        incident.updated_at = at
        self._open_at[incident.destination] += 1

    def merge(self, target: Incident, source: Incident, at: int) -> None:
        """Move the alerts of `source` to `target`, and resolve `source` when it is open."""
        moved = [*source.merged, source]
        source.merged = []
        for one in moved:
            one.merged_into = target
        target.merged += moved
        target.updated_at = at
        if source.open:
            source.status = "resolved"
            source.resolved_at = source.updated_at = at
            self._open_at[source.destination] -= 1

    def delete(self, incident: Incident) -> None:
        """Forget an incident and the alerts it holds, as though it had never been."""
        if incident.open:
            self._open_at[incident.destination] -= 1
        for alert in incident.alerts:
            if alert.alert_open:
                self._close_alert(alert, incident.updated_at)
            if self._newest.get((alert.destination, alert.dedup_key)) is alert:
                del self._newest[alert.destination, alert.dedup_key]
        del self._all[incident.id]

    def resolve_alert(self, alert: Incident, at: int) -> bool:
        """Resolve an alert by itself, and its incident when it was the last open one. Returns whether it was."""
        self._close_alert(alert, at)
        holder = alert.holder
        holder.updated_at = at
        if not holder.open or any(one.alert_open for one in holder.alerts):
            return False
        self.resolve(holder, at)
        return True

    def _trigger_again(self, alert: Incident, event: AlertEvent, at: int) -> Outcome:
        alert.triggers += 1
        alert.updated_at = alert.holder.updated_at = at
        alert.summary = event.summary or alert.summary
        if event.severity is not None and _RANK[event.severity] > _RANK[alert.severity]:
            alert.severity = event.severity
        return Outcome(Effect.UPDATED, alert.holder)

    def _acknowledge(self, incident: Incident, at: int) -> Outcome:
        incident.updated_at = at
        if incident.status == "acknowledged":
            return Outcome(Effect.NONE, incident, "already_acknowledged")
        self.acknowledge(incident, at)
        return Outcome(Effect.ACKNOWLEDGED, incident)

    def _resolve_alert(self, alert: Incident, at: int) -> Outcome:
        if self.resolve_alert(alert, at):
            return Outcome(Effect.RESOLVED, alert.holder)
        return Outcome(Effect.UPDATED, alert.holder, "other_alerts_are_open")

    def _close_alert(self, alert: Incident, at: int) -> None:
        if not alert.alert_open:
            return
        alert.alert_open = False
        self._open_with[alert.dedup_key] -= 1
        if not self._open_with[alert.dedup_key]:
            del self._open_with[alert.dedup_key]

    def _why_dropped(self, event: AlertEvent, newest: Incident | None) -> str:
        if newest is not None:
            return "already_resolved"
        return "open_under_another_routing_key" if event.dedup_key in self._open_with else "no_open_alert"
