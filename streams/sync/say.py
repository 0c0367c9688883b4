"""What the Case is told of PagerDuty's doings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.sync.row import CaseIncident
from streams.sync.said import Said
from streams.sync.status import INCIDENT_WORDS
from streams.updates import Actor, Change, FoundBy, State, Update


def state_of(row: CaseIncident) -> State:
    """How both sides stand."""
    return State(
        destination=str(row.last.get("destination", "")),
        connector=row.last.get("connector"),
        case_status=row.word,
        incident_status=None if row.status is None else INCIDENT_WORDS[row.status],
        service=row.service,
        error=row.error,
        conflict=row.conflict,
    )


def say(
    row: CaseIncident,
    change: Change,
    now_ms: int,
    *,
    id: str,
    at: int,
    found_by: FoundBy,
    apply: bool,
    actor: Actor | None = None,
    details: Mapping[str, Any] | None = None,
) -> CaseIncident:
    """`row` with one more update; call it once the row is as the update is to show it."""
    update = Update(
        id=f"pagerduty:{id}",
        case=row.case,
        change=change,
        at=at,
        found_by=found_by,
        state=state_of(row),
        incident=row.link,
        actor=actor,
        details=details,
        apply=apply,
    )
    return row.add_update(update, now_ms)


def report(
    row: CaseIncident,
    said: Said,
    change: Change,
    now_ms: int,
    *,
    apply: bool,
    details: Mapping[str, Any] | None = None,
) -> CaseIncident:
    """Tell the Case what PagerDuty said."""
    name = said.id or f"{said.incident}:{change}:{said.at}"
    return say(
        row,
        change,
        now_ms,
        id=name,
        at=said.at,
        found_by=said.found_by,
        apply=apply,
        actor=said.actor,
        details=details,
    )
