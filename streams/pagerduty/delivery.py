"""One delivery of a webhook as the topic `pagerduty-webhooks` has it (schemas/pagerduty-webhooks.json)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

PING: Final = "pagey.ping"
"""The event type of a test (PagerDuty webhooks v3, `POST /webhook_subscriptions/{id}/ping`)."""

ID_HEADER: Final = "x-webhook-id"
SUBSCRIPTION_HEADER: Final = "x-webhook-subscription"
_KEPT: Final = ("content-type", "user-agent")
_KEPT_BEGINNINGS: Final = ("x-pagerduty-", "x-webhook-")


def delivery_record(
    destination: str, headers: Mapping[str, str], body: bytes, *, received_at: int, digest: bytes
) -> dict[str, Any]:
    """The record for a delivery whose signature was right. `digest` stands in for a webhook id that is missing.

    Headers that are neither PagerDuty's nor say what the body is are left out: custom ones may hold secrets.
    """
    kept = {name.lower(): _text(value) for name, value in headers.items() if _is_kept(name.lower())}
    return {
        "v": 1,
        "id": kept.get(ID_HEADER) or f"sha256:{digest.hex()}",
        "destination": destination,
        "received_at": received_at,
        "headers": kept,
        "body": body.decode(errors="replace"),
    }


def digest_of(destination: str, body: bytes) -> bytes:
    """What a body is recognised by when it comes again: all of it is signed, its headers are not."""
    return sha256(destination.encode() + b"\0" + body).digest()


def is_ping(body: bytes) -> bool:
    """Whether a body is a test of the subscription and says nothing of an incident."""
    if PING.encode() not in body:
        return False
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    event = document.get("event") if isinstance(document, dict) else None
    return isinstance(event, dict) and event.get("event_type") == PING


def _is_kept(name: str) -> bool:
    return name in _KEPT or name.startswith(_KEPT_BEGINNINGS)


def _text(value: str) -> str:
    """A header's value as text that JSON can hold: aiohttp keeps bytes that are not UTF-8 as surrogates."""
    return value.encode(errors="surrogateescape").decode(errors="replace")
