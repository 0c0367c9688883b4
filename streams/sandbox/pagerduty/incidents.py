"""What accepted alert events do: the life cycle of an alert and its incident.

Rules: PagerDuty developer docs "Events API v2, Send an alert event" (deduplication, actions), support pages
"Alerts" and "Dynamic Notifications" (severity and title). One incident holds one alert here; grouping would
put several into one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from streams.sandbox.pagerduty.validation import SEVERITIES

Status = Literal["triggered", "acknowledged", "resolved"]

_RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


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
    """Trigger events received, the first included."""

    @property
    def open(self) -> bool:
        return self.status != "resolved"


class Outcome(NamedTuple):
    """What an event did, to which incident, and why nothing when it did nothing."""

    effect: Effect
    incident: Incident | None = None
    reason: str | None = None


class IncidentBook:
    """All incidents of the account. The newest one of a (destination, dedup key) takes that pair's events."""

    def __init__(self, rng: random.Random) -> None:
        self._prefix = "Q" + _base36(rng.randrange(36**6), 6)
        self._number = 0
        self._all: list[Incident] = []
        self._newest: dict[tuple[str, str], Incident] = {}
        self._open_with: Counter[str] = Counter()
        """How many destinations have an open alert with a dedup key."""

    def __iter__(self) -> Iterator[Incident]:
        """Oldest first."""
        return iter(self._all)

    def newest(self, destination: str, dedup_key: str) -> Incident | None:
        """The incident that was opened last for this pair, open or not."""
        return self._newest.get((destination, dedup_key))

    def clear(self) -> None:
        """Forget every incident. Numbers and ids go on from where they are, so that none comes twice."""
        self._all.clear()
        self._newest.clear()
        self._open_with.clear()

    def apply(self, event: AlertEvent, at: int) -> Outcome:
        """Let an accepted event act at `at` (milliseconds since the epoch)."""
        newest = self._newest.get((event.destination, event.dedup_key))
        is_open = newest is not None and newest.open
        if event.action == "trigger":
            if newest is not None and is_open:
                return self._trigger_again(newest, event, at)
            return self._open(event, at)
        if newest is None or not is_open:
            return Outcome(Effect.DROPPED, None, self._why_dropped(event, newest))
        newest.updated_at = at
        if event.action == "acknowledge":
            return self._acknowledge(newest, at)
        return self._resolve(newest, at)

    def _open(self, event: AlertEvent, at: int) -> Outcome:
        self._number += 1
        summary = event.summary or ""
        incident = Incident(
            id=self._prefix + _base36(self._number, 7),
            number=self._number,
            destination=event.destination,
            dedup_key=event.dedup_key,
            title=summary,
            summary=summary,
            severity=event.severity or SEVERITIES[-1],
            status="triggered",
            created_at=at,
            updated_at=at,
        )
        self._all.append(incident)
        self._newest[event.destination, event.dedup_key] = incident
        self._open_with[event.dedup_key] += 1
        return Outcome(Effect.OPENED, incident)

    def _trigger_again(self, incident: Incident, event: AlertEvent, at: int) -> Outcome:
        incident.triggers += 1
        incident.updated_at = at
        incident.summary = event.summary or incident.summary
        if event.severity is not None and _RANK[event.severity] > _RANK[incident.severity]:
            incident.severity = event.severity
        return Outcome(Effect.UPDATED, incident)

    def _acknowledge(self, incident: Incident, at: int) -> Outcome:
        if incident.status == "acknowledged":
            return Outcome(Effect.NONE, incident, "already_acknowledged")
        incident.status = "acknowledged"
        incident.acknowledged_at = at
        return Outcome(Effect.ACKNOWLEDGED, incident)

    def _resolve(self, incident: Incident, at: int) -> Outcome:
        incident.status = "resolved"
        incident.resolved_at = at
        self._open_with[incident.dedup_key] -= 1
        if not self._open_with[incident.dedup_key]:
            del self._open_with[incident.dedup_key]
        return Outcome(Effect.RESOLVED, incident)

    def _why_dropped(self, event: AlertEvent, newest: Incident | None) -> str:
        if newest is not None:
            return "already_resolved"
        return "open_under_another_routing_key" if event.dedup_key in self._open_with else "no_open_alert"


def _base36(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
