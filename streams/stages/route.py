"""The route stage: inputs to the outbox, in order per incident."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import orjson
from aiokafka.partitioner import murmur2

from streams.documents.connector import Connector
from streams.documents.secrets import Cipher
from streams.events import Event, Kind, Malformed, Source, read_event
from streams.events import Skip as NotYet
from streams.kafka.lanes import Lanes
from streams.kafka.producer import Producer
from streams.kafka.tables import ChangelogTable
from streams.routing.decide import decide
from streams.routing.decision import Reject, Send, Skip
from streams.routing.outbox import outbox_record
from streams.routing.pin import Pin
from streams.stages.refusals import route_dead_letter, skipped_delivery
from streams.telemetry.metrics import Metrics
from streams.topology import Topology

LANES_FULL = 4_000
"""Inputs between Kafka and the outbox at once: some 10 MB; more would only wait here instead of in Kafka."""

PURGE_YIELD_EVERY = 200
"""Rows looked at in one turn of the loop: about a millisecond."""

ORIGIN = "pagerline-origin"
"""Header of a forwarded input: the coordinates of the record it is a copy of."""


class RouteStage:
    """Reads `alerts`, `cases` and `rekeyed`; writes `pagerduty-outbox`, `dead-letters`, `deliveries` and table `pins`.

    An input is acknowledged when all it led to is confirmed by the broker. The pin of an incident's first trigger is
    confirmed before its first outbox record is produced. All inputs of an incident are worked on by the owner of its
    home partition, the one its key hashes to (murmur2, as Kafka's own clients do): an input found elsewhere is
    forwarded there, so that no two workers ever hold pins of the same incident.
    """

    def __init__(
        self,
        *,
        topology: Topology,
        producer: Producer,
        pins: ChangelogTable,
        connectors: Callable[[], Mapping[str, Connector]],
        cipher: Cipher,
        metrics: Metrics,
        crash: Callable[[BaseException], None],
        max_event_bytes: int,
        now_ms: Callable[[], int],
    ) -> None:
        self._topology = topology
        self._producer = producer
        self._pins = pins
        self._connectors = connectors
        self._cipher = cipher
        self._metrics = metrics
        self._max_event_bytes = max_event_bytes
        self._now_ms = now_ms
        self._kinds: dict[str, Kind] = {topology.alerts: "alert", topology.cases: "case"}
        self.lanes = Lanes(crash, LANES_FULL)

    async def take(self, message: Any, ack: Callable[[], None]) -> None:
        """Take one Kafka message; returns when it stands in its lane."""
        kind, source = self._origin(message)
        read = read_event(kind, message.value, source, max_bytes=self._max_event_bytes)
        if isinstance(read, Malformed):
            malformed = read
            await self.lanes.put(source.id, lambda: self._malformed(source, malformed, message.value, ack))
            return
        event = read.event if isinstance(read, NotYet) else read
        home = murmur2(_key(event)) % 0x80000000 % self._topology.partitions
        if message.partition != home:
            await self.lanes.put(event.incident, lambda: self._forward(event, home, message.value, ack))
        elif isinstance(read, NotYet):
            skip = read
            await self.lanes.put(event.incident, lambda: self._skip(event, skip.reason, skip.message, ack))
        else:
            await self.lanes.put(event.incident, lambda: self._route(event, home, ack))

    # -- what becomes of an input -------------------------------------------------------------------------------

    async def _route(self, event: Event, partition: int, ack: Callable[[], None]) -> None:
        """Decide and do, in the order that `streams.routing.decide` asks for."""
        key = event.incident.encode()
        pins = self._read_pins(partition, key)
        sends: list[Send] = []
        confirmations: list[Awaitable[Any]] = []
        first = dict(pins)
        after: dict[str, Pin] = {}
        for decision in decide(event, self._connectors(), pins):
            if isinstance(decision, Reject):
                confirmations.append(await self._reject(event, decision))
                continue
            if isinstance(decision, Skip):
                if not decision.silent:
                    confirmations.append(await self._tell_skip(event, decision.reason, decision.message))
            else:
                send = decision
                if send.routing_key is not None:
                    send = send.sealed(self._cipher.seal(send.routing_key.reveal()))
                if send.pin is not None:
                    first[send.connector_id] = send.pin
                sends.append(send)
            if decision.pin_after is not None and decision.connector_id is not None:
                after[decision.connector_id] = decision.pin_after
        if first != pins:
            await self._write_pins(partition, key, first)
        for send in sends:
            record = outbox_record(event, send, send.token or "")
            confirmations.append(
                await self._producer.send(self._topology.outbox, send.destination.encode(), orjson.dumps(record))
            )
        if after:
            confirmations.append(self._write_pins(partition, key, {**first, **after}))
        for confirmation in confirmations:
            await confirmation
        ack()

    async def _reject(self, event: Event, decision: Reject) -> Any:
        letter = route_dead_letter(
            event.source,
            reason=decision.reason,
            message=decision.message,
            path=decision.path,
            at=self._now_ms(),
            event=event.context,
            incident=event.incident,
            action=event.action,
        )
        return await self._dead(event.source, letter)

    async def _malformed(
        self, source: Source, malformed: Malformed, value: bytes | None, ack: Callable[[], None]
    ) -> None:
        letter = route_dead_letter(
            source,
            reason=malformed.reason,
            message=malformed.message,
            path=malformed.path,
            at=self._now_ms(),
            event=malformed.document,
            incident=malformed.incident,
            raw=value if malformed.document is None else None,
        )
        await (await self._dead(source, letter))
        ack()

    async def _dead(self, source: Source, letter: Mapping[str, Any]) -> Any:
        key = source.key.encode() if source.key is not None else None
        self._metrics.outcomes.labels("route", "dead", letter["reason"]["type"]).inc()
        return await self._producer.send(self._topology.dead_letters, key, orjson.dumps(letter))

    async def _skip(self, event: Event, reason: str, message: str, ack: Callable[[], None]) -> None:
        await (await self._tell_skip(event, reason, message))
        ack()

    async def _tell_skip(self, event: Event, reason: str, message: str) -> Any:
        self._metrics.outcomes.labels("route", "skipped", reason).inc()
        record = skipped_delivery(event, reason, message, self._now_ms())
        return await self._producer.send(self._topology.deliveries, event.incident.encode(), orjson.dumps(record))

    async def _forward(self, event: Event, home: int, value: bytes, ack: Callable[[], None]) -> None:
        source = event.source
        origin = orjson.dumps([event.kind, source.topic, source.partition, source.offset, source.timestamp, source.key])
        await self._producer.send_and_wait(
            self._topology.rekeyed, _key(event), value, partition=home, headers=[(ORIGIN, origin)]
        )
        ack()

    # -- reading and writing ------------------------------------------------------------------------------------

    def _origin(self, message: Any) -> tuple[Kind, Source]:
        if message.topic == self._topology.rekeyed:
            headers = dict(message.headers)
            kind, topic, partition, offset, timestamp, key = orjson.loads(headers[ORIGIN])
            return kind, Source(topic, partition, offset, timestamp, key)
        key = message.key.decode(errors="replace") if message.key is not None else None
        timestamp = round(message.timestamp * 1000)
        return self._kinds[message.topic], Source(message.topic, message.partition, message.offset, timestamp, key)

    def _read_pins(self, partition: int, key: bytes) -> dict[str, Pin]:
        row = self._pins.read(partition, key)
        return {name: Pin.from_json(pin) for name, pin in orjson.loads(row)["pins"].items()} if row else {}

    async def _write_pins(self, partition: int, key: bytes, pins: Mapping[str, Pin]) -> None:
        row = {"at": self._now_ms(), "pins": {name: pin.to_json() for name, pin in pins.items()}}
        await self._pins.write(self._producer, partition, key, orjson.dumps(row))

    async def purge(self, written_before_ms: int, ours: Callable[[], bool]) -> None:
        """Delete the pins of incidents that are closed and were last heard of before that time (ms since the epoch).

        `ours` says whether the partitions are still those that we had at the beginning; nothing is deleted when not.
        The row is read again in the incident's lane, behind what came meanwhile.
        """
        looked_at = 0
        for partition, rows in list(self._pins.rows.items()):
            for key, value in list(rows.items()):
                looked_at += 1
                if looked_at % PURGE_YIELD_EVERY == 0:
                    await asyncio.sleep(0)
                if not ours():
                    return
                if _over(value, written_before_ms):
                    work = partial(self._purge_one, partition, key, written_before_ms, ours)
                    await self.lanes.put(key.decode(), work)

    async def _purge_one(self, partition: int, key: bytes, written_before_ms: int, ours: Callable[[], bool]) -> None:
        row = self._pins.read(partition, key) if ours() else None
        if row is not None and _over(row, written_before_ms):
            await self._pins.write(self._producer, partition, key, None)


def _over(value: bytes, written_before_ms: int) -> bool:
    row = orjson.loads(value)
    return row["at"] < written_before_ms and not any(pin["open"] for pin in row["pins"].values())


def _key(event: Event) -> bytes:
    """The key that a producer should have used: the grouping key or Case id."""
    return event.incident.split(":", 1)[1].encode()
