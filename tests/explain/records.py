"""Records to make stories of: a deliveries record, a dead letter, an outbox record, rows."""

from __future__ import annotations

from typing import Any

A = "key:aaaaaaaaaaaaaaaa"
B = "key:bbbbbbbbbbbbbbbb"
KEY = "930" + "c" * 26 + "0d1"
T0 = 1_700_000_000_000
"""2023-11-14 22:13:20 UTC, ms since the epoch."""

WHY = {
    "chosen": "fields.integrationKey",
    "passed_over": [{"candidate": "fields.dynamicintegrationKey", "reason": "gives nothing", "template": "{{ x }}"}],
    "pinned": False,
    "key": "…0d1",
}
PINNED = {"chosen": "pin", "passed_over": [], "pinned": True}


def source(offset: int) -> dict[str, Any]:
    return {"topic": "alerts", "partition": 3, "offset": offset, "timestamp": T0 + offset * 1_000}


def delivery(offset: int, action: str = "trigger", status: str = "delivered", **more: Any) -> dict[str, Any]:
    """Of the input alerts/3/<offset>, which was written that many seconds after T0."""
    to, why = more.pop("to", A), more.pop("why", WHY if action == "trigger" else PINNED)
    fields = {name: more.pop(name) for name in ("replay", "render_errors") if name in more}
    accepted = {"at": T0 + offset * 1_000 + 40, "ms": 31.5, "status": 202, "error": None}
    return {
        "id": f"alerts/3/{offset}@{to}",
        "incident": "alert:gk",
        "dedup_key": "gk",
        "action": action,
        "source": source(offset),
        "destination": {"type": "PAGERDUTY", "id": to, "connector": "payments"},
        "why": why,
        "outcome": {
            "status": status,
            "reason": status,
            "message": "Event processed",
            "http_status": 202,
            "by": None,
            "at": T0 + offset * 1_000 + 50,
            "latency_ms": 50,
            "attempts": [accepted] if status == "delivered" else [],
            "attempts_total": 1 if status == "delivered" else 0,
            **more,
        },
        **fields,
    }


def outbox(offset: int, action: str = "trigger", **more: Any) -> dict[str, Any]:
    return {
        "incident": "alert:gk",
        "dedup_key": "gk",
        "destination": A,
        "connector": "payments",
        "limit": 120,
        "routing_key": "gAAAAA-sealed",
        "action": action,
        "payload": {"summary": KEY},
        "source": source(offset),
        "why": WHY,
        "render_errors": {},
        **more,
    }


def letter(offset: int, reason: str = "unknown_routing_key", **more: Any) -> dict[str, Any]:
    """Of dispatch, unless `outbox` is None."""
    record = more.pop("outbox", outbox(offset))
    words = more.pop("words", f"Invalid routing key {KEY}")
    to = "-" if record is None else A
    return {
        "id": f"alerts/3/{offset}@{to}",
        "stage": "route" if record is None else "dispatch",
        "reason": {"type": reason, "message": words, "path": ""},
        "source": {**source(offset), "key": "gk"},
        "incident": "alert:gk",
        "destination": None if record is None else A,
        "action": "trigger",
        "http_status": 400,
        "outbox": record,
        "at": T0 + offset * 1_000 + 60,
        **more,
    }


def row(state: str = "none", **more: Any) -> dict[str, Any]:
    return {
        "state": state,
        "pending": [],
        "seen": {},
        "outcomes": [],
        "released": {},
        "closed_at": None,
        **more,
    }
