"""What route could not, or need not, pass on: its records, and how they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from streams import records
from streams.dispatch.outcome import Outcome, dead_letter, delivery, source_of
from streams.events import Event, Malformed, Source
from streams.kafka.producer import Producer
from streams.routing.decision import Reject, Why
from streams.routing.readdress import MovedOn, Refused
from streams.stages.brake import Brake
from streams.telemetry.metrics import Metrics
from streams.topology import Topology


class Refusals:
    """Writes them, counted: to `deliveries` what is skipped, to `dead-letters`, when the brake lets it pass, what is
    dead. `replay`, where it is asked for: the id of the dead letter that this is a replay of."""

    def __init__(
        self, *, producer: Producer, topology: Topology, metrics: Metrics, brake: Brake, now_ms: Callable[[], int]
    ) -> None:
        self._producer = producer
        self._topology = topology
        self._metrics = metrics
        self._brake = brake
        self._now_ms = now_ms

    async def skip(
        self, event: Event, reason: str, message: str, replay: str | None, why: Why | None = None
    ) -> asyncio.Future[Any]:
        """An event that asks for nothing. Returns when it is under way, the confirmation to come."""
        self._metrics.outcomes.labels("route", "skipped", reason).inc()
        record = skipped_delivery(event, reason, message, self._now_ms(), replay, why)
        return await self._producer.send(self._topology.deliveries, event.incident.encode(), orjson.dumps(record))

    async def reject(self, event: Event, decision: Reject, value: bytes, replay: str | None) -> None:
        """An event without a destination. `value`: as it was read."""
        letter = route_dead_letter(
            event.source,
            reason=decision.reason,
            message=decision.message,
            path=decision.path,
            at=self._now_ms(),
            event=event.context,
            incident=event.incident,
            action=event.action,
            replay=replay,
            connector=decision.connector_id if decision.why is not None else None,
            why=decision.why,
        )
        await self._dead(event.source.key, letter, value)

    async def malformed(self, source: Source, malformed: Malformed, value: bytes | None, replay: str | None) -> None:
        """An input that is no event."""
        letter = route_dead_letter(
            source,
            reason=malformed.reason,
            message=malformed.message,
            path=malformed.path,
            at=self._now_ms(),
            event=malformed.document,
            incident=malformed.incident,
            raw=value if malformed.document is None else None,
            replay=replay,
        )
        await self._dead(source.key, letter, value)

    async def replay_ended(self, record: Mapping[str, Any], why: MovedOn | Refused) -> None:
        """A replay that ends here: in `deliveries` when it is pointless, in `dead-letters` again when it cannot be.
        `record`: the outbox record, which names the replay."""
        moved_on = isinstance(why, MovedOn)
        outcome = Outcome(
            source=source_of(record),
            status="skipped" if moved_on else "dead",
            reason="moved_on" if isinstance(why, MovedOn) else why.reason,
            message=why.message,
            at=self._now_ms(),
        )
        if not moved_on:
            await self._dead(record["source"].get("key"), dead_letter(record, outcome))
            return
        self._metrics.outcomes.labels("route", "skipped", outcome.reason).inc()
        await self._producer.send_and_wait(
            self._topology.deliveries, record["incident"].encode(), orjson.dumps(delivery(record, outcome))
        )

    async def _dead(self, key: str | None, letter: Mapping[str, Any], value: bytes | None = None) -> None:
        """Write a dead letter, when the brake lets it pass; returns when it is confirmed."""
        await self._brake.passed()
        self._metrics.outcomes.labels("route", "dead", letter["reason"]["type"]).inc()
        await self._producer.send_and_wait(
            self._topology.dead_letters, key.encode() if key is not None else None, records.letter_value(letter, value)
        )


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
