"""Outbox records for tests, in few words."""

from __future__ import annotations

from typing import Any

KEY_TOKEN = "gAAAAA-sealed"


def outbox(
    action: str = "trigger",
    offset: int = 0,
    *,
    incident: str = "db-1/disk",
    destination: str = "key:0123456789abcdef",
    topic: str = "alerts",
    partition: int = 0,
    timestamp: int = 0,
    limit: int = 120,
    **more: Any,
) -> dict[str, Any]:
    """One record of `pagerduty-outbox`, as route writes it; keyword arguments replace or add members."""
    payload = {"summary": "Disk is full", "source": "db-1", "severity": "error"}
    return {
        "v": 1,
        "incident": f"alert:{incident}",
        "dedup_key": incident,
        "destination": destination,
        "connector": "payments",
        "limit": limit,
        "routing_key": KEY_TOKEN,
        "action": action,
        "payload": payload if action == "trigger" else None,
        "source": {"topic": topic, "partition": partition, "offset": offset, "timestamp": timestamp},
        "why": {"chosen": "integrationKey", "passed_over": [], "pinned": False},
        "render_errors": {},
        **more,
    }
