"""The route stage: inputs to the outbox, in order per incident."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from streams.documents.references import References
from streams.documents.renewal import Renewal
from streams.documents.secrets import Cipher
from streams.documents.snapshot import Snapshot
from streams.events import Event, Kind, Malformed, Source, key_text, read_event
from streams.events import Skip as NotYet
from streams.kafka.home import home_partition
from streams.kafka.lanes import Lanes
from streams.kafka.producer import Producer
from streams.kafka.tables import ChangelogTable
from streams.records import VALUE_BYTES
from streams.routing.age import EventTime, TooOld
from streams.routing.decide import decide
from streams.routing.decision import Decision, Reject, Send, Skip
from streams.routing.outbox import outbox_record
from streams.routing.pin import Pin
from streams.routing.readdress import MovedOn, Refused, readdress
from streams.routing.replay import Replay, decide_replay, holders
from streams.stages.brake import Brake
from streams.stages.headers import ORIGIN, REPLAY
from streams.stages.index import InputIndex
from streams.stages.refusals import Refusals
from streams.stages.sweep import DELETED, Becomes, sweep
from streams.telemetry.metrics import Metrics
from streams.topology import Topology

LANES_FULL = 4_000
"""Inputs between Kafka and the outbox at once: some 10 MB; more would only wait here instead of in Kafka."""

LONG_SECONDS = 0.01
"""For one decision, which takes a tenth of that as a rule. Ten rules at the bound of what a condition may cost take
half a second; twenty such events in one turn of the loop would be longer than the group waits for a heartbeat."""


class RouteStage:
    """Reads `alerts`, `cases` and `rekeyed`; writes `pagerduty-outbox`, `dead-letters`, `deliveries` and table `pins`.

    An input is acknowledged when all it led to is confirmed by the broker, its entry in the index included. The pin of
    an incident's first trigger is confirmed before its first outbox record is produced. All inputs of an incident are
    worked on by the owner of its home partition, the one its key hashes to (murmur2, as Kafka's own clients do): an
    input found elsewhere is forwarded there, so that no two workers ever hold pins of the same incident.
    """

    def __init__(
        self,
        *,
        topology: Topology,
        producer: Producer,
        pins: ChangelogTable,
        documents: Callable[[], Snapshot],
        cipher: Cipher,
        metrics: Metrics,
        crash: Callable[[BaseException], None],
        brake: Brake,
        max_event_bytes: int,
        now_ms: Callable[[], int],
        max_age_ms: int = 0,
        event_time: EventTime = "newest",
    ) -> None:
        """`max_age_ms`: how old an event may be that opens an incident, 0 for any age; see `streams.routing.age`."""
        self._topology = topology
        self._producer = producer
        self._pins = pins
        self._documents = documents
        self._cipher = cipher
        self._renewal = Renewal(cipher)
        self._refusals = Refusals(producer=producer, topology=topology, metrics=metrics, brake=brake, now_ms=now_ms)
        self._max_event_bytes = max_event_bytes
        self._now_ms = now_ms
        self._max_age = max_age_ms
        self._event_time = event_time
        self._resolve = References().resolve
        self._deciding = asyncio.Lock()
        self._kinds: dict[str, Kind] = {topology.alerts: "alert", topology.cases: "case"}
        self.lanes = Lanes(crash, LANES_FULL)
        self.index = InputIndex(producer, topology.input_index, crash)

    async def take(self, message: Any, ack: Callable[[], None]) -> None:
        """Take one Kafka message; returns when it stands in its lane."""
        kind, source = self._origin(message)
        asked = self._asked(message)
        if asked is not None and asked.kind == "outbox":
            await self._take_again(message, asked, ack)
            return
        # What has been read once may have grown in its dead letter, where JSON is written anew.
        most = self._max_event_bytes if asked is None else VALUE_BYTES
        read = read_event(kind, message.value, source, max_bytes=most)
        if isinstance(read, Malformed):
            malformed = read
            await self.lanes.put(source.id, lambda: self._malformed(source, malformed, message.value, asked, ack))
            return
        event = read.event if isinstance(read, NotYet) else read
        home = home_partition(_key(event.incident), self._topology.partitions)
        if message.partition != home:
            origin = [kind, source.topic, source.partition, source.offset, source.timestamp, source.key]
            await self.lanes.put(
                event.incident, lambda: self._forward(event.incident, home, message.value, origin, asked, ack)
            )
        elif isinstance(read, NotYet):
            skip = read
            await self.lanes.put(event.incident, lambda: self._skip(event, skip.reason, skip.message, asked, ack))
        else:
            await self.lanes.put(event.incident, lambda: self._route(event, home, message.value, asked, ack))

    async def drain(self, seconds: float) -> None:
        """Finish what is under way within `seconds`; the rest is delivered again later."""
        await self.lanes.drain(seconds)
        await self.index.flush(seconds)

    async def _take_again(self, message: Any, asked: Replay, ack: Callable[[], None]) -> None:
        record = orjson.loads(message.value)
        incident: str = record["incident"]
        home = home_partition(_key(incident), self._topology.partitions)
        if message.partition == home:
            await self.lanes.put(incident, lambda: self._resend(record, home, asked, ack))
        else:
            origin = orjson.loads(dict(message.headers)[ORIGIN])
            await self.lanes.put(incident, lambda: self._forward(incident, home, message.value, origin, asked, ack))

    # -- what becomes of an input -------------------------------------------------------------------------------

    async def _route(
        self, event: Event, partition: int, value: bytes, asked: Replay | None, ack: Callable[[], None]
    ) -> None:
        """Decide and do, in the order that `streams.routing.decide` asks for."""
        key = event.incident.encode()
        pins = self._read_pins(partition, key)
        sends: list[Send] = []
        rejects: list[Reject] = []
        confirmations: list[Awaitable[Any]] = []
        first = dict(pins)
        after: dict[str, Pin] = {}
        for decision in await self._decided(event, pins, asked):
            if isinstance(decision, Reject):
                rejects.append(decision)
                continue
            if isinstance(decision, Skip):
                if not decision.silent:
                    confirmations.append(
                        await self._refusals.skip(event, decision.reason, decision.message, _id(asked), decision.why)
                    )
            else:
                send = decision
                if send.routing_key is not None:
                    send = send.sealed(self._cipher.seal(send.routing_key.reveal()))
                if send.pin is not None:
                    for holder in holders(event, pins, asked.to) if asked and asked.to else (send.connector_id,):
                        first[holder] = replace(send.pin, connector=holder)
                sends.append(send)
            if decision.pin_after is not None and decision.connector_id is not None:
                after[decision.connector_id] = decision.pin_after
        if first != pins:
            await self._write_pins(partition, key, first)
        for send in sends:
            record = outbox_record(event, send, send.token or "")
            if asked is not None:
                record["replay"] = asked.mark
            confirmations.append(await self._ask(record))
        if after:
            confirmations.append(self._write_pins(partition, key, {**first, **after}))
        for confirmation in confirmations:
            await confirmation
        for reject in rejects:  # last: they may have to wait, and no page waits for them
            await self._refusals.reject(event, reject, value, _id(asked))
        self.index.note(event, ack)

    async def _decided(self, event: Event, pins: Mapping[str, Pin], asked: Replay | None) -> list[Decision]:
        """The decisions, one event after another; the loop turns before the next one where that took long."""
        clock = asyncio.get_running_loop().time
        async with self._deciding:
            began = clock()
            decisions = self._decide(event, pins, asked)
            if clock() - began >= LONG_SECONDS:
                await asyncio.sleep(0)
        return decisions

    def _decide(self, event: Event, pins: Mapping[str, Pin], asked: Replay | None) -> list[Decision]:
        """By one snapshot of the documents, from the first rule to the last field."""
        documents = self._documents()
        if asked is not None:
            return decide_replay(event, documents, pins, asked, resolve=self._resolve)
        too_old = self._max_age and TooOld(self._now_ms(), self._max_age, self._event_time)
        return decide(event, documents, pins, too_old=too_old or None, resolve=self._resolve)

    async def _resend(self, record: Mapping[str, Any], partition: int, asked: Replay, ack: Callable[[], None]) -> None:
        """Work on the outbox record of a dead letter again."""
        key = record["incident"].encode()
        pins = self._read_pins(partition, key)
        again = readdress(record, self._documents().connectors, pins, asked, self._resolve)
        if isinstance(again, (MovedOn, Refused)):
            await self._refusals.replay_ended(self._renewal.record({**record, "replay": asked.mark}), again)
            ack()
            return
        if again.routing_key is not None:
            again = again.sealed(self._cipher.seal(again.routing_key.reveal()))
        if again.pin is not None:
            await self._write_pins(partition, key, {**pins, again.holder: again.pin})
        await (await self._ask(again.record))
        ack()

    async def _ask(self, record: Mapping[str, Any]) -> asyncio.Future[Any]:
        """Queue a record for dispatch; what an older key sealed, in a pin or a dead letter, leaves sealed anew."""
        record = self._renewal.record(record)
        return await self._producer.send(self._topology.outbox, record["destination"].encode(), orjson.dumps(record))

    async def _malformed(
        self, source: Source, malformed: Malformed, value: bytes | None, asked: Replay | None, ack: Callable[[], None]
    ) -> None:
        await self._refusals.malformed(source, malformed, value, _id(asked))
        ack()

    async def _skip(
        self, event: Event, reason: str, message: str, asked: Replay | None, ack: Callable[[], None]
    ) -> None:
        await (await self._refusals.skip(event, reason, message, _id(asked)))
        self.index.note(event, ack)

    async def _forward(
        self,
        incident: str,
        home: int,
        value: bytes,
        origin: list[Any],
        asked: Replay | None,
        ack: Callable[[], None],
    ) -> None:
        headers = [(ORIGIN, orjson.dumps(origin))]
        if asked is not None:
            headers.append((REPLAY, orjson.dumps(asked.to_json())))
        await self._producer.send_and_wait(
            self._topology.rekeyed, _key(incident), value, partition=home, headers=headers
        )
        ack()

    # -- reading and writing ------------------------------------------------------------------------------------

    def _origin(self, message: Any) -> tuple[Kind, Source]:
        if message.topic == self._topology.rekeyed:
            headers = dict(message.headers)
            kind, topic, partition, offset, timestamp, key = orjson.loads(headers[ORIGIN])
            return kind, Source(topic, partition, offset, timestamp, key)
        timestamp = round(message.timestamp * 1000)
        source = Source(message.topic, message.partition, message.offset, timestamp, key_text(message.key))
        return self._kinds[message.topic], source

    def _asked(self, message: Any) -> Replay | None:
        """What a replay asks for; None for an ordinary input."""
        if message.topic != self._topology.rekeyed:
            return None
        header = dict(message.headers).get(REPLAY)
        return None if header is None else Replay.from_json(orjson.loads(header))

    def _read_pins(self, partition: int, key: bytes) -> dict[str, Pin]:
        row = self._pins.read(partition, key)
        return {name: Pin.from_json(pin) for name, pin in orjson.loads(row)["pins"].items()} if row else {}

    async def _write_pins(self, partition: int, key: bytes, pins: Mapping[str, Pin]) -> None:
        row = {"at": self._now_ms(), "pins": {name: pin.to_json() for name, pin in pins.items()}}
        await self._pins.write(self._producer, partition, key, orjson.dumps(row))

    async def purge(self, written_before_ms: int, ours: Callable[[], bool]) -> None:
        """Delete the pins of incidents that are closed and were last heard of before that time (ms since the epoch).
        `ours`: see `streams.stages.sweep`."""
        await sweep(
            self._pins, self._producer, self.lanes, ours, lambda row: DELETED if _over(row, written_before_ms) else None
        )

    async def renew(self, ours: Callable[[], bool]) -> int:
        """Have pins sealed with the newest key, as `purge` deletes them; returns how many were not."""
        return await sweep(self._pins, self._producer, self.lanes, ours, self._renewed)

    def _renewed(self, row: bytes) -> Becomes | None:
        renewed = self._renewal.value(row)
        return None if renewed is None else Becomes(renewed)


def _over(value: bytes, written_before_ms: int) -> bool:
    row = orjson.loads(value)
    return row["at"] < written_before_ms and not any(pin["open"] for pin in row["pins"].values())


def _key(incident: str) -> bytes:
    """The key that a producer should have used: the grouping key or Case id."""
    return incident.split(":", 1)[1].encode()


def _id(asked: Replay | None) -> str | None:
    return None if asked is None else asked.id
