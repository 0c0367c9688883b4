"""Severity: the priority of an alert or Case in PagerDuty's four words.

P1 critical, P2 error, P3 warning, P4 and P5 info, anything else info, from the highest priority of the alert, else that
of its definition (Coralogix, PagerDuty preset of the Terraform examples), else the highest of its groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from streams.events import Event
from streams.routing.plain import kind_of
from streams.routing.reading import groups_of, mapping

Severity = Literal["critical", "error", "warning", "info"]
SEVERITIES: Final = frozenset(get_args(Severity))

OF_PRIORITY: Final[Mapping[str, Severity]] = {
    "P1": "critical",
    "P2": "error",
    "P3": "warning",
    "P4": "info",
    "P5": "info",
}


def priority_of(event: Event) -> tuple[str | None, str | None]:
    """The priority, P1 to P5, and what was wrong with a value that should have given it.

    (None, None): the event has none. Never raises.
    """
    wrong: str | None = None
    for path, value in _given(event):
        if value is None:
            continue
        if priority := _read(value):
            return priority, wrong
        wrong = wrong or f"{path} is {_shown(value)}, not P1 to P5"
    groups = groups_of(mapping(event.context.get("alert"))) if event.kind == "alert" else ()
    found = [priority for group in groups if (priority := _read(group.get("priority")))]
    return (min(found) if found else event.priority), wrong


def severity_of(priority: str | None) -> Severity:
    """PagerDuty's word for a priority."""
    return OF_PRIORITY.get(priority or "", "info")


def _given(event: Event) -> tuple[tuple[str, Any], ...]:
    if event.kind == "case":
        return (("case.casePriority", mapping(event.context.get("case")).get("casePriority")),)
    return (
        ("alert.highestPriority", mapping(event.context.get("alert")).get("highestPriority")),
        ("alertDef.priority", mapping(event.context.get("alertDef")).get("priority")),
    )


def _read(value: object) -> str | None:
    """P1 to P5 in any case, also behind an enum's prefix (ALERT_DEF_PRIORITY_P1, CASE_PRIORITY_P1)."""
    if not isinstance(value, str):
        return None
    if value in OF_PRIORITY:
        return value
    word = value[-64:].strip().upper().rpartition("_")[2]
    return word if word in OF_PRIORITY else None


def _shown(value: object) -> str:
    return f"{value!r}" if isinstance(value, str) and len(value) <= 16 and value.isprintable() else kind_of(value)
