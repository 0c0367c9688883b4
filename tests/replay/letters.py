"""Dead letters for tests, in few words."""

from __future__ import annotations

import base64
from typing import Any

import orjson

A, B = "key:aaaaaaaaaaaaaaaa", "key:bbbbbbbbbbbbbbbb"
TOKEN = "gAAAAABnc2FtcGxlLXRva2VuLW5vdC1yZWFsLTAwMDAwMDAwMDAwMDAwMDA="


def letter(
    offset: int = 1,
    *,
    topic: str = "alerts",
    to: str | None = None,
    at: int = 1_000,
    replay: str | None = None,
    event: Any = None,
    raw: bytes | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A record of `dead-letters`: at a destination, or of route with an event or bytes."""
    source = {"topic": topic, "partition": 0, "offset": offset, "timestamp": offset}
    outbox = {"incident": "alert:gk", "destination": to, "routing_key": TOKEN, "source": source, "action": "trigger"}
    return {
        "v": 1,
        "id": f"{topic}/0/{offset}@{to or '-'}",
        "stage": "dispatch" if to else "route",
        "reason": {"type": "unknown_routing_key" if to else "wrong_shape", "message": "what to do", "path": ""},
        "source": {**source, "key": "k"},
        "incident": "alert:gk" if to else None,
        "destination": to,
        "action": "trigger" if to else None,
        "http_status": 400 if to else None,
        "event": event,
        "outbox": outbox if to else None,
        "raw": base64.b64encode(raw).decode() if raw is not None else None,
        "truncated": False,
        "at": at,
        "replay": replay,
        **more,
    }


def value(*arguments: Any, **more: Any) -> bytes:
    return orjson.dumps(letter(*arguments, **more))
