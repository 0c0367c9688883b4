"""The outbox record of a Send: all that dispatch needs, the routing key sealed. One form for a service key, one for an
account (schemas/pagerduty-outbox.json)."""

from __future__ import annotations

from typing import Any

from streams.events import Event
from streams.routing.decision import Ask, Send


def outbox_record(event: Event, send: Send, token: str) -> dict[str, Any]:
    """The value for topic `pagerduty-outbox`; its key is `send.destination`. `token` is the sealed routing key, empty
    for an account destination.

    `source` is the original input record also when the event came over the re-key topic.
    """
    record: dict[str, Any] = {
        "v": 1,
        "incident": event.incident,
        "dedup_key": event.dedup_key,
        "destination": send.destination,
        "connector": send.connector_id,
        "limit": send.limit,
        **send.options,
        "action": send.action,
        **(_to_key(send, token) if send.ask is None else _to_account(send.ask)),
        "source": event.source.to_json(),
        "why": send.why.to_json(),
        "render_errors": send.render_errors,
    }
    return record


def _to_key(send: Send, token: str) -> dict[str, Any]:
    said: dict[str, Any] = {"routing_key": token, "payload": send.payload}
    if send.client is not None:
        said["client"] = send.client
    if send.client_url is not None:
        said["client_url"] = send.client_url
    if send.links:
        said["links"] = list(send.links)
    return said


def _to_account(ask: Ask) -> dict[str, Any]:
    return {
        "integration": ask.integration,
        "service": ask.service,
        "case": ask.case,
        "message": ask.message,
        "comment": ask.comment,
    }
