"""The one order of statuses that both sides share: open < acknowledged < resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from streams.updates import CaseStatus, IncidentStatus


class Status(IntEnum):
    """How far a Case or an incident has come; the further one wins (architecture, section 4)."""

    OPEN = 0
    ACKNOWLEDGED = 1
    RESOLVED = 2


OF_INCIDENT: Final[Mapping[str, Status]] = {
    "triggered": Status.OPEN,
    "acknowledged": Status.ACKNOWLEDGED,
    "resolved": Status.RESOLVED,
}
"""PagerDuty REST API v2, incident.status."""

INCIDENT_WORDS: Final[Mapping[Status, IncidentStatus]] = {
    Status.OPEN: "triggered",
    Status.ACKNOWLEDGED: "acknowledged",
    Status.RESOLVED: "resolved",
}

OF_CASE: Final[Mapping[str, tuple[CaseStatus, Status]]] = {
    "OPEN": ("OPEN", Status.OPEN),
    "ACTIVE": ("OPEN", Status.OPEN),
    "ACKNOWLEDGED": ("ACKNOWLEDGED", Status.ACKNOWLEDGED),
    "RESOLVED": ("RESOLVED", Status.RESOLVED),
    "CLOSED": ("CLOSED", Status.RESOLVED),
}

OF_ACTION: Final[Mapping[str, tuple[CaseStatus, Status]]] = {
    "trigger": ("OPEN", Status.OPEN),
    "acknowledge": ("ACKNOWLEDGED", Status.ACKNOWLEDGED),
    "resolve": ("RESOLVED", Status.RESOLVED),
}


def applied(status: Status, told: Status) -> Status:
    """What a Case of this status becomes when it follows an update: on to acknowledged or resolved, or back to open
    from acknowledged. What is resolved stays so."""
    if told is Status.OPEN:
        return Status.OPEN if status is Status.ACKNOWLEDGED else status
    return max(status, told)


def after_all(status: Status, told: Iterable[Status]) -> Status:
    """What a Case becomes when it has followed these updates, one after another."""
    for one in told:
        status = applied(status, one)
    return status
