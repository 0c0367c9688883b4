"""The records that tell how an input ended: one builder for each topic, for all stages. Pure.

delivery(destination=None, outcome=ending(...), ...)      # schemas/deliveries.json
dead_letter(stage="route", ...)                           # schemas/dead-letters.json
producer.send(topic, key, letter_value(letter))           # never larger than the topic takes
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson

VALUE_BYTES: Final = 2_000_000
"""The largest value of any of our topics: their bound of 2 MiB (`streams.topology`), less room for key and headers."""

RAW_KEPT: Final = 192 * 1024
"""Bytes of an unreadable value kept in its dead letter (256 KiB as base64); the whole is still in its topic."""

Stage = Literal["route", "dispatch"]


def coordinates(source: Mapping[str, Any]) -> dict[str, Any]:
    """Where an input came from, as `deliveries` names it."""
    return {name: source[name] for name in ("topic", "partition", "offset", "timestamp")}


def input_id(source: Mapping[str, Any]) -> str:
    """`<topic>/<partition>/<offset>`."""
    return f"{source['topic']}/{source['partition']}/{source['offset']}"


def ending(
    source: Mapping[str, Any],
    *,
    status: str,
    reason: str,
    message: str,
    at: int,
    http_status: int | None = None,
    by: str | None = None,
    folded: bool = False,
    attempts: tuple[Any, ...] = (),
    attempts_total: int = 0,
) -> dict[str, Any]:
    """A delivery's `outcome`. `at`: ms since the epoch."""
    return {
        "status": status,
        "reason": reason,
        "message": message,
        "http_status": http_status,
        "by": by,
        "folded": folded,
        "at": at,
        "latency_ms": at - source["timestamp"],
        "attempts": list(attempts),
        "attempts_total": attempts_total,
    }


def connector_type(destination: str) -> str:
    """The type of the connectors that lead to a destination, by its id."""
    return "PAGERDUTY_INCIDENTS" if destination.startswith("account:") else "PAGERDUTY"


def delivery(
    source: Mapping[str, Any],
    *,
    incident: str,
    dedup_key: str,
    action: str | None,
    outcome: Mapping[str, Any],
    destination: str | None = None,
    connector: str | None = None,
    why: Mapping[str, Any] | None = None,
    render_errors: Mapping[str, str] | None = None,
    replay: str | None = None,
) -> dict[str, Any]:
    """The `deliveries` record of an input. `destination`: its id; `replay`: the id of the dead letter repeated."""
    there = {"type": connector_type(destination), "id": destination, "connector": connector} if destination else None
    return {
        "v": 1,
        "id": f"{input_id(source)}@{destination or '-'}",
        "incident": incident,
        "dedup_key": dedup_key,
        "action": action,
        "source": coordinates(source),
        "destination": there,
        "why": why,
        "render_errors": render_errors or {},
        "outcome": outcome,
        "replay": replay,
    }


def dead_letter(
    source: Mapping[str, Any],
    *,
    stage: Stage,
    reason: str,
    message: str,
    at: int,
    path: str = "",
    incident: str | None = None,
    destination: str | None = None,
    connector: str | None = None,
    why: Mapping[str, Any] | None = None,
    action: str | None = None,
    http_status: int | None = None,
    attempts: tuple[Any, ...] = (),
    attempts_total: int = 0,
    event: Any = None,
    outbox: Mapping[str, Any] | None = None,
    raw: bytes | None = None,
    replay: str | None = None,
) -> dict[str, Any]:
    """The `dead-letters` record of an input. `at`: ms since the epoch; of `raw` only the beginning is kept.

    `connector` and `why`: whose fields gave no destination, and each of them.
    """
    return {
        "v": 1,
        "id": f"{input_id(source)}@{destination or '-'}",
        "stage": stage,
        "reason": {"type": reason, "message": message, "path": path},
        "source": {**coordinates(source), "key": source.get("key")},
        "incident": incident,
        "destination": destination,
        "connector": connector,
        "why": why,
        "action": action,
        "http_status": http_status,
        "attempts": list(attempts),
        "attempts_total": attempts_total,
        "event": event,
        "outbox": outbox,
        **_beginning(raw),
        "at": at,
        "replay": replay,
    }


def letter_value(letter: Mapping[str, Any], raw: bytes | None = None) -> bytes:
    """A dead letter as JSON that its topic takes. `raw`: the input's bytes, where they are at hand.

    JSON may grow when it is written again (1e9 becomes 1000000000.0). A letter that is too large then keeps the
    beginning of the input instead (of the outbox record, at dispatch); the whole is in its topic, and the letter says
    where.
    """
    value = orjson.dumps(letter)
    if len(value) <= VALUE_BYTES:
        return value
    if raw is None:
        raw = orjson.dumps(letter["event"] if letter["outbox"] is None else letter["outbox"])
    return orjson.dumps({**letter, "event": None, "outbox": None, **_beginning(raw)})


def _beginning(raw: bytes | None) -> dict[str, Any]:
    kept = base64.b64encode(raw[:RAW_KEPT]).decode() if raw is not None else None
    return {"raw": kept, "truncated": raw is not None and len(raw) > RAW_KEPT}
