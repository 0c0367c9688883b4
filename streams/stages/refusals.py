"""Records of what route could not, or need not, pass on."""

from __future__ import annotations

from typing import Any

from streams import records
from streams.events import Event, Source
from streams.routing.decision import Why


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
    return records.dead_letter(
        source.to_json(),
        stage="route",
        reason=reason,
        message=message,
        path=path,
        at=at,
        event=event,
        incident=incident,
        connector=connector,
        why=None if why is None else why.to_json(),
        action=action,
        raw=raw,
        replay=replay,
    )


def skipped_delivery(
    event: Event, reason: str, message: str, at: int, replay: str | None = None, why: Why | None = None
) -> dict[str, Any]:
    """The `deliveries` record of an input that asks for nothing. `at`: ms since the epoch; `replay` as above; `why`: by
    which documents."""
    source = event.source.to_json()
    return records.delivery(
        source,
        incident=event.incident,
        dedup_key=event.dedup_key,
        action=event.action,
        outcome=records.ending(source, status="skipped", reason=reason, message=message, at=at),
        why=None if why is None else why.to_json(),
        replay=replay,
    )
