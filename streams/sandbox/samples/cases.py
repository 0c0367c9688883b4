"""The life of a Case: created, acknowledged, given another priority, resolved, closed; and some that stay open.

Shapes follow Coralogix's Cases schema and its timeline events: times in ISO 8601, labels as lists. A Case is never
un-acknowledged here: PagerDuty's Events API has no such action, so what then holds depends on what was sent in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from streams.sandbox.samples.record import Record, Setting, identifier

PENDING_EVERY: Final = 5
"""One Case in so many is first announced while it is pending, which pages nobody."""

_TITLES: Final = (
    "High error rate in payments API",
    "Checkout is slow in Europe",
    "Orders are stuck before shipping",
    "Unusual sign-ins to the admin console",
)
_PEOPLE: Final = ("ada@example.com", "grace@example.com", "barbara@example.com")
_PRIORITIES: Final = ("P1", "P2", "P3", "P4")


def case_life(setting: Setting, number: int, span: float) -> Iterator[Record]:
    """All messages of Case `number`, in order, within `span` seconds."""
    rng = setting.rng("case", number)
    case = _Case(setting, f"CASE-{number:02x}{rng.getrandbits(24):06x}")
    at = rng.uniform(0, span * 0.4)

    def later() -> float:
        return at + rng.uniform(0.02, 0.1) * span

    title = rng.choice(_TITLES)
    priority = rng.choice(_PRIORITIES)
    case.now.update(
        title=title,
        description=f"{title}: more than 5 % for 10 minutes",
        casePriority=priority,
        category="SECURITY" if "sign-ins" in title else "AVAILABILITY",
        createdAt=setting.iso(at),
        indicators=[{"instanceId": identifier(rng), "alertDefinitionId": identifier(rng)}],
    )
    if number % PENDING_EVERY == PENDING_EVERY - 1:
        yield case.message(at, "caseCreated", {"created": {}}, state="CREATED", status="PENDING_ACTIVATION")
        at = later()
        yield case.message(at, "caseActivated", _moved("PENDING_ACTIVATION", "ACTIVE"), state="ACTIVE", status="OPEN")
    else:
        yield case.message(at, "caseCreated", {"created": {}}, state="CREATED", status="OPEN")
    if rng.random() < 0.3:
        at = later()
        yield case.message(at, "casePriorityChanged", case.reprioritise(rng))
    if rng.random() < 0.7:
        at = later()
        person = rng.choice(_PEOPLE)
        yield case.message(
            at,
            "caseAcknowledged",
            _moved("ACTIVE", "ACKNOWLEDGED"),
            state="ACTIVE",
            status="ACKNOWLEDGED",
            assignee={"userEmail": person},
            acknowledgedAt=setting.iso(at),
        )
        if rng.random() < 0.4:
            at = later()
            yield case.message(at, "casePriorityChanged", case.reprioritise(rng))
    if rng.random() < 0.3:
        return
    at = later()
    resolved = {"resolvedBy": rng.choice(("USER", "SYSTEM")), "resolvedAt": setting.iso(at)}
    yield case.message(
        at,
        "caseResolved",
        _moved("ACTIVE", "RESOLVED"),
        state="RESOLVED",
        status="RESOLVED",
        resolutionDetails=resolved,
    )
    if rng.random() < 0.5:
        at = later()
        yield case.message(at, "caseClosed", _moved("RESOLVED", "CLOSED"), status="CLOSED")


def _moved(old: str, new: str) -> dict[str, Any]:
    return {"statusChanged": {"oldStatus": old, "newStatus": new}}


class _Case:
    def __init__(self, setting: Setting, identity: str) -> None:
        self._setting = setting
        self._id = identity
        self._events = 0
        self.now: dict[str, Any] = {
            "id": identity,
            "caseDetailUrl": f"https://boutique.example.com/#/cases/{identity}",
            "assignee": None,
            "updatedAt": None,
            "acknowledgedAt": None,
            "resolutionDetails": None,
        }

    def reprioritise(self, rng: Random) -> dict[str, Any]:
        """Give it another priority; returns the timeline event's data."""
        before = self.now["casePriority"]
        priority = self.now["casePriority"] = rng.choice([other for other in _PRIORITIES if other != before])
        return {"priorityDetailsChanged": {"from": {"system": before}, "to": {"system": before, "override": priority}}}

    def message(self, at: float, subtype: str, event: dict[str, Any], **changes: Any) -> Record:
        if self._events:
            self.now["updatedAt"] = self._setting.iso(at)
        self.now.update(changes)
        self._events += 1
        document = {
            "_context": {
                "entityType": "cases",
                "entitySubType": subtype,
                "entityLabels": {"routing.team": [self._setting.team], "routing.environment": ["production"]},
                "trigger": {"type": "automatic"},
                "system": {"id": "17266", "name": "onlineboutique"},
            },
            "case": self.now,
            "caseEvent": {
                "eventId": f"{self._id}-{self._events}",
                "eventTime": self._setting.iso(at),
                "actor": {"user": self.now["assignee"]} if self.now["assignee"] else {"system": {}},
                "eventData": event,
            },
            **self._setting.destinations(),
        }
        return Record.of(at, "cases", self._id, document)
