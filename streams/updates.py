"""The records of topic `case-updates` (schemas/case-updates.json): what PagerDuty did to a Case's incident. Pure.

update = Update(id="pagerduty:01DEN2…", case="CASE-1", change="acknowledged", at=ms, found_by="webhook",
                incident=Incident("Q1…", 42), actor=Actor("user", "PUSER01", "Ada"), state=State(...))
orjson.dumps(update.to_json(recorded_at=now_ms))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self, TypeVar

Change = Literal[
    "linked",
    "acknowledged",
    "unacknowledged",
    "resolved",
    "reopened",
    "reassigned",
    "priority",
    "comment",
    "resolution_note",
    "merged",
    "deleted",
    "synced",
    "failed",
]
FoundBy = Literal["webhook", "poll", "answer"]
ActorKind = Literal["user", "service", "integration", "unknown"]
CaseStatus = Literal["OPEN", "ACKNOWLEDGED", "RESOLVED", "CLOSED"]
IncidentStatus = Literal["triggered", "acknowledged", "resolved"]

FOLLOWED: Final[frozenset[Change]] = frozenset(
    {"acknowledged", "unacknowledged", "resolved", "reassigned", "comment", "resolution_note"}
)
"""Changes that the Case follows as a rule. The others are told: its priority is the Case's own, and a Case that is
resolved is not opened again (a merged or deleted incident says nothing of whether the trouble is over)."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it; `kind` "unknown" where PagerDuty names something else than a person, a service or an integration."""

    kind: ActorKind
    id: str | None = None
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident at PagerDuty, as one names it."""

    id: str
    number: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service at PagerDuty."""

    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error or a conflict: why as a word, in a sentence, and since when (ms since the epoch)."""

    reason: str
    message: str
    at: int


@dataclass(frozen=True, slots=True)
class State:
    """How both sides stand after a change. `destination`: `account:<integration id>`."""

    destination: str
    connector: str | None = None
    case_status: CaseStatus | None = None
    incident_status: IncidentStatus | None = None
    service: Service | None = None
    error: Trouble | None = None
    conflict: Trouble | None = None


T = TypeVar("T", Actor, Incident, Service, Trouble)


@dataclass(frozen=True, slots=True)
class Update:
    """One record. `at`: PagerDuty's time in ms since the epoch; `apply` None: as is usual for this change.

    `id` is the same whenever the same change is told again, so it must come from what happened (an event id of
    PagerDuty, a note id, the input's place), never from a counter or a clock.
    """

    id: str
    case: str
    change: Change
    at: int
    found_by: FoundBy
    state: State
    incident: Incident | None = None
    actor: Actor | None = None
    details: Mapping[str, Any] | None = None
    apply: bool | None = None

    def to_json(self, recorded_at: int) -> dict[str, Any]:
        """The record's value. `recorded_at`: our time in ms since the epoch."""
        return {
            "v": 1,
            "id": self.id,
            "case": self.case,
            "change": self.change,
            "apply": self.change in FOLLOWED if self.apply is None else self.apply,
            "incident": None if self.incident is None else asdict(self.incident),
            "actor": None if self.actor is None else asdict(self.actor),
            "details": None if self.details is None else dict(self.details),
            "at": self.at,
            "recorded_at": recorded_at,
            "found_by": self.found_by,
            "state": asdict(self.state),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read a value that keeps to the schema."""
        state = value["state"]
        return cls(
            id=value["id"],
            case=value["case"],
            change=value["change"],
            at=value["at"],
            found_by=value["found_by"],
            state=State(
                destination=state["destination"],
                connector=state["connector"],
                case_status=state["case_status"],
                incident_status=state["incident_status"],
                service=known(Service, state["service"]),
                error=known(Trouble, state["error"]),
                conflict=known(Trouble, state["conflict"]),
            ),
            incident=known(Incident, value["incident"]),
            actor=known(Actor, value["actor"]),
            details=value["details"],
            apply=value["apply"],
        )


def known(kind: type[T], value: Mapping[str, Any] | None) -> T | None:
    """One of the classes above from JSON; what a newer writer added is passed over."""
    if value is None:
        return None
    return kind(**{name: value[name] for name in kind.__dataclass_fields__ if name in value})
