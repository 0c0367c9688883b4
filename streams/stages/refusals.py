"""Records of what route could not, or need not, pass on."""

from __future__ import annotations

import base64
from typing import Any

from streams.events import Event, Source
from streams.routing.decision import Why

RAW_KEPT = 192 * 1024
"""Bytes of an unreadable value kept in its dead letter (256 KiB as base64); the whole is still in its topic."""


def route_dead_letter(
    source: Source,
    *,
    reason: str,
    message: str,
    path: str,
    at: int,
    event: Any = None,
    incident: str | None = None,
    action: str | None = None,
    raw: bytes | None = None,
    replay: str | None = None,
    connector: str | None = None,
    why: Why | None = None,
) -> dict[str, Any]:
    """The `dead-letters` record of an input (schemas/dead-letters.json). `at`: ms since the epoch.

    `replay`: the id of the dead letter that this is a replay of. `connector` and `why`: whose fields gave no
    destination, and each of them.
    """
    return {
        "v": 1,
        "id": f"{source.id}@-",
        "stage": "route",
        "reason": {"type": reason, "message": message, "path": path},
        "source": {**coordinates(source), "key": source.key},
        "incident": incident,
        "destination": None,
        "connector": connector,
        "why": None if why is None else why.to_json(),
        "action": action,
        "http_status": None,
        "event": event,
        "outbox": None,
        "raw": base64.b64encode(raw[:RAW_KEPT]).decode() if raw is not None else None,
        "truncated": raw is not None and len(raw) > RAW_KEPT,
        "at": at,
        "replay": replay,
    }


def skipped_delivery(event: Event, reason: str, message: str, at: int, replay: str | None = None) -> dict[str, Any]:
    """The `deliveries` record of an input that asks for nothing. `at`: ms since the epoch; `replay` as above."""
    return {
        "v": 1,
        "id": f"{event.source.id}@-",
        "incident": event.incident,
        "dedup_key": event.dedup_key,
        "action": event.action,
        "source": coordinates(event.source),
        "destination": None,
        "why": None,
        "render_errors": {},
        "outcome": {
            "status": "skipped",
            "reason": reason,
            "message": message,
            "http_status": None,
            "by": None,
            "at": at,
            "latency_ms": at - event.source.timestamp,
            "attempts": [],
            "attempts_total": 0,
        },
        "replay": replay,
    }


def coordinates(source: Source) -> dict[str, Any]:
    """Where an input came from, as all records name it."""
    return {
        "topic": source.topic,
        "partition": source.partition,
        "offset": source.offset,
        "timestamp": source.timestamp,
    }
