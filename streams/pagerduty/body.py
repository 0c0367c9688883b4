"""The request of Events API v2 for an outbox record. Pure: what is sent, and what a preview shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PATH: Final = "/v2/enqueue"


def event_body(record: Mapping[str, Any], routing_key: str) -> dict[str, Any]:
    """The request body for an outbox record; acknowledge and resolve are bare (PagerDuty refuses a poor payload)."""
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": record["action"],
        "dedup_key": record["dedup_key"],
    }
    if record["action"] == "trigger":
        for name in ("payload", "client", "client_url", "links"):
            if record.get(name):
                body[name] = record[name]
    return body
