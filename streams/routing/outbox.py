"""The outbox record of a Send: all that dispatch needs, the routing key sealed."""

from __future__ import annotations

from typing import Any

from streams.events import Event
from streams.routing.decision import Send


def outbox_record(event: Event, send: Send, token: str) -> dict[str, Any]:
    """The value for topic `pagerduty-outbox`; its key is `send.destination`. `token` is the sealed routing key.

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
        "routing_key": token,
        "action": send.action,
        "payload": send.payload,
        "source": event.source.to_json(),
        "why": send.why.to_json(),
        "render_errors": send.render_errors,
    }
    if send.client is not None:
        record["client"] = send.client
    if send.client_url is not None:
        record["client_url"] = send.client_url
    if send.links:
        record["links"] = list(send.links)
    return record
