"""A reader of the Events API v2 rules that shares nothing with the product: what PagerDuty would find wrong."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

TEXTS = {"summary", "source", "severity", "timestamp", "component", "group", "class"}


def faults(message: Any, *, dedup_key: str = "\x01" * 255) -> list[str]:
    """Everything wrong with the event that `message` makes; the dedup key is as wide as one can be."""
    wrong: list[str] = []
    payload = message.payload
    body = {"routing_key": "0" * 32, "event_action": "trigger", "dedup_key": dedup_key, "payload": payload}
    body |= {"client": message.client, "client_url": message.client_url, "links": list(message.links)}
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        if len(text.encode("utf-8")) > 512_000:
            wrong.append("larger than 512,000 bytes")
        if json.loads(text) != body:
            wrong.append("does not survive JSON")
    except (ValueError, TypeError, RecursionError) as error:
        return [f"cannot be written: {error!r}"]
    if set(payload) - TEXTS - {"custom_details"}:
        wrong.append(f"unknown members {set(payload) - TEXTS}")
    for name in TEXTS & set(payload):
        value = payload[name]
        if not isinstance(value, str) or not value.strip():
            wrong.append(f"{name} is {value!r}")
        elif re.search(r"[\x00-\x1f\x7f]", value):
            wrong.append(f"{name} has control characters")
    if not {"summary", "source", "severity"} <= set(payload):
        wrong.append("a required member is missing")
    if len(payload.get("summary", "")) > 1024:
        wrong.append("summary is too long")
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        wrong.append("severity is none of the four")
    if "timestamp" in payload:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", payload["timestamp"]):
            wrong.append(f"timestamp {payload['timestamp']}")
        datetime.strptime(payload["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
    if not isinstance(payload.get("custom_details", {}), dict):
        wrong.append("custom_details is no object")
    for address in [message.client_url, *(link.get("href") for link in message.links)]:
        if address is not None and not re.match(r"https?://\S+\Z", address, re.IGNORECASE):
            wrong.append(f"address {address!r}")
    if len(message.links) > 50:
        wrong.append("too many links")
    if not all(isinstance(text, str) for text in message.render_errors.values()):
        wrong.append("a note is no text")
    return wrong
