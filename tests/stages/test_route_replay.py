"""Replay records through the route stage: what it writes, in which order, and what it acknowledges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from streams import contracts
from streams.documents.connector import Connector
from streams.documents.integration import Integration
from streams.documents.parse import load_connectors
from streams.documents.router import Router
from streams.documents.secrets import Cipher, Secret, destination_id, new_key
from streams.documents.snapshot import NOTHING
from streams.kafka.home import home_partition
from streams.routing.replay import Replay
from streams.stages.brake import Brake, TokenBucket
from streams.stages.route import ORIGIN, REPLAY, RouteStage
from streams.telemetry.metrics import Metrics
from streams.topology import Topology

PARTITIONS = 8
A, B = "930" + "a" * 26 + "0d1", "930" + "b" * 26 + "0d1"
HOME = home_partition(b"gk", PARTITIONS)
EVENT = {"alert": {"groupingKey": "gk", "status": "Triggered"}}
CONNECTOR = "kind: connector\nid: {id}\ntype: PAGERDUTY\nfields: {{integrationKey: '{key}'}}\n"


@dataclass
class Broker:
    """A producer and a table whose writes are confirmed at once, in one list."""

    written: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    forwarded: list[dict[str, Any]] = field(default_factory=list)
    index: list[bytes] = field(default_factory=list)
    rows: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    unconfirmed: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """By topic, what a record is confirmed by; at once where there is none."""

    async def send(
        self, topic: str, key: bytes | None, value: bytes, *, partition: Any = None, headers: Any = None
    ) -> asyncio.Future[None]:
        if topic == "rekeyed":
            self.forwarded.append({"partition": partition, "value": value, "headers": headers})
        elif topic == "input-index":
            self.index.append(value)
        else:
            self.written.append((topic, orjson.loads(value)))
        if topic in self.unconfirmed:
            return self.unconfirmed[topic]
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def send_and_wait(self, *arguments: Any, **where: Any) -> None:
        await (await self.send(*arguments, **where))

    def read(self, partition: int, key: bytes) -> bytes | None:
        return self.rows.get((partition, key))

    async def write(self, producer: Any, partition: int, key: bytes, value: bytes) -> None:
        self.written.append(("pins", orjson.loads(value)["pins"]))
        self.rows[partition, key] = value


class Stage:
    """A route stage on such a broker."""

    def __init__(
        self, *documents: str, burst: int = 100, keys: Sequence[str] = (), max_age_ms: int = 0, now_ms: int = 1_000
    ) -> None:
        self.now_ms = now_ms
        self.broker = Broker()
        self.cipher = Cipher(keys or [new_key()])
        self.acked = 0
        self.connectors: dict[str, Connector] = {}
        self.others = NOTHING
        self.apply(*documents)
        self.crashes: list[BaseException] = []
        self.forever = asyncio.Event()
        self.brake = Brake(TokenBucket(burst, 60, lambda: 0.0), clock=lambda: 0.0, sleep=self._sleep)
        self.route = RouteStage(
            topology=Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=PARTITIONS)),
            producer=self.broker,  # type: ignore[arg-type]
            pins=self.broker,  # type: ignore[arg-type]
            documents=lambda: replace(self.others, connectors=self.connectors),
            cipher=self.cipher,
            metrics=Metrics(),
            crash=self.crashes.append,
            brake=self.brake,
            max_event_bytes=1_000_000,
            now_ms=lambda: self.now_ms,
            max_age_ms=max_age_ms,
        )

    def apply(self, *documents: str) -> None:
        found = load_connectors(["-"], lambda: "---\n".join(documents)) if documents else []
        self.connectors = {one.id: one for one in found}

    async def _sleep(self, seconds: float) -> None:
        await self.forever.wait()

    async def take(
        self, value: Any, asked: Replay | None = None, *, topic: str = "rekeyed", offset: int = 5, partition: int = HOME
    ) -> list[tuple[str, dict[str, Any]]]:
        """What is written for one message."""
        before = len(self.broker.written)
        kind = "case" if isinstance(value, dict) and ("case" in value or "integration" in value) else "alert"
        origin = [kind, f"{kind}s", 3, offset, 900, "k"]
        headers = [(ORIGIN, orjson.dumps(origin))] if topic == "rekeyed" else []
        if asked is not None:
            headers.append((REPLAY, orjson.dumps(asked.to_json())))
        message = SimpleNamespace(
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp=0.9,
            key=b"gk",
            value=value if isinstance(value, bytes) else orjson.dumps(value),
            headers=headers,
        )
        await self.route.take(message, self._ack)
        await self.turns()
        await self.route.index.flush(1.0)
        assert self.crashes == []
        for name, record in self.broker.written[before:]:
            if name in contracts.TOPICS:
                assert contracts.problem(name, record) is None
        return self.broker.written[before:]

    async def turns(self, most: int = 50) -> None:
        """So many turns of the loop: nothing here waits for anything else."""
        for _ in range(most):
            await asyncio.sleep(0)

    def _ack(self) -> None:
        self.acked += 1


def topics(written: Iterable[tuple[str, Any]]) -> list[str]:
    return [topic for topic, _ in written]


def payments(key: str) -> str:
    return CONNECTOR.format(id="payments", key=key)


async def test_an_input_is_decided_anew_and_marked() -> None:
    stage = Stage(payments(A))
    written = await stage.take(EVENT, Replay("alerts/3/5@-"))
    assert topics(written) == ["pins", "pagerduty-outbox"]
    record = written[1][1]
    assert record["replay"] == {"id": "alerts/3/5@-", "force": False}
    assert record["source"] == {"topic": "alerts", "partition": 3, "offset": 5, "timestamp": 900, "key": "k"}
    assert (record["destination"], stage.acked) == (destination_id(A), 1)


async def test_an_ordinary_input_is_not_marked() -> None:
    written = await Stage(payments(A)).take(EVENT)
    assert "replay" not in written[-1][1]


async def test_an_input_that_is_refused_again_has_the_same_id() -> None:
    stage = Stage()
    ((topic, letter),) = await stage.take(EVENT, Replay("alerts/3/5@-"))
    assert (topic, letter["id"], letter["replay"]) == ("dead-letters", "alerts/3/5@-", "alerts/3/5@-")
    assert (letter["reason"]["type"], letter["event"], stage.acked) == ("no_connector", EVENT, 1)
    ((_, letter),) = await stage.take(b"not json", Replay("alerts/3/5@-"), partition=0)
    assert (letter["id"], letter["replay"], letter["reason"]["type"]) == ("alerts/3/5@-", "alerts/3/5@-", "not_json")


async def test_an_input_to_another_connector_whose_pin_the_resolve_finds() -> None:
    stage = Stage(payments(A), CONNECTOR.format(id="backup", key=B))
    named = {**EVENT, "destinations": [{"connectorId": "gone"}]}
    written = await stage.take(named, Replay("alerts/3/5@-", to="backup"))
    assert written[1][1]["destination"] == destination_id(B)
    resolved = {"alert": {**EVENT["alert"], "status": "Resolved"}, "destinations": [{"connectorId": "gone"}]}
    written = await stage.take(resolved, offset=6)
    assert ("pagerduty-outbox", destination_id(B)) in [(topic, one.get("destination")) for topic, one in written]


async def test_what_newer_inputs_have_made_pointless_is_told() -> None:
    stage = Stage(payments(A))
    await stage.take(EVENT, offset=6)
    ((topic, record),) = await stage.take(EVENT, Replay("alerts/3/5@-"))
    assert (topic, record["outcome"]["status"], record["outcome"]["reason"]) == ("deliveries", "skipped", "moved_on")
    assert (record["replay"], record["destination"]) == ("alerts/3/5@-", None)


async def dead_record(stage: Stage) -> dict[str, Any]:
    """The outbox record of an input that went to key A, as its dead letter keeps it."""
    written = await stage.take(EVENT)
    return written[1][1]


ASKED = Replay(f"alerts/3/5@{destination_id(A)}", kind="outbox")


async def test_an_outbox_record_goes_to_the_corrected_key_and_its_incident_follows() -> None:
    stage = Stage(payments(A))
    record = await dead_record(stage)
    stage.apply(payments(B))
    written = await stage.take(record, ASKED)
    assert topics(written) == ["pins", "pagerduty-outbox"]
    assert written[0][1]["payments"]["destination"] == destination_id(B)
    again = written[1][1]
    assert stage.cipher.open(again["routing_key"]) == B
    assert again["replay"] == {"id": ASKED.id, "force": False}
    assert (again["source"], again["payload"]) == (record["source"], record["payload"])
    written = await stage.take({"alert": {**EVENT["alert"], "status": "Resolved"}}, offset=6)
    assert written[0][1]["destination"] == destination_id(B)
    assert stage.acked == 3


async def test_an_outbox_record_that_cannot_be_readdressed_is_dead_again() -> None:
    stage = Stage(payments(A))
    record = await dead_record(stage)
    ((topic, letter),) = await stage.take(record, Replay(ASKED.id, to="nowhere", kind="outbox"))
    assert (topic, letter["id"], letter["replay"]) == ("dead-letters", ASKED.id, ASKED.id)
    assert (letter["stage"], letter["reason"]["type"]) == ("dispatch", "unknown_connector")
    assert letter["outbox"]["routing_key"] == record["routing_key"]


async def test_an_outbox_record_of_an_incident_that_is_over_is_skipped() -> None:
    stage = Stage(payments(A))
    record = await dead_record(stage)
    await stage.take({"alert": {**EVENT["alert"], "status": "Resolved"}}, offset=6)
    ((topic, delivery),) = await stage.take(record, ASKED)
    assert (topic, delivery["outcome"]["reason"], delivery["replay"]) == ("deliveries", "moved_on", ASKED.id)
    written = await stage.take(record, Replay(ASKED.id, force=True, kind="outbox"))
    assert topics(written) == ["pins", "pagerduty-outbox"]
    assert written[1][1]["replay"]["force"] is True


async def test_a_replay_elsewhere_is_forwarded_as_the_replay_it_is() -> None:
    stage = Stage(payments(A))
    record = await dead_record(stage)
    elsewhere = (HOME + 1) % PARTITIONS
    for value, asked in ((EVENT, Replay("alerts/3/5@-")), (record, ASKED)):
        assert await stage.take(value, asked, partition=elsewhere) == []
        forwarded = stage.broker.forwarded.pop()
        assert forwarded["partition"] == HOME
        headers = dict(forwarded["headers"])
        assert orjson.loads(headers[ORIGIN]) == ["alert", "alerts", 3, 5, 900, "k"]
        assert Replay.from_json(orjson.loads(headers[REPLAY])) == asked


async def test_dead_letters_beyond_the_burst_wait_unacknowledged_and_hold_up_no_page() -> None:
    stage = Stage(burst=1)
    await stage.take(EVENT)
    assert (stage.acked, stage.brake.waiting) == (1, 0)
    assert await stage.take(EVENT, offset=6) == []
    assert (stage.acked, stage.brake.waiting, len(stage.route.lanes)) == (1, 1, 1)
    stage.apply(payments(A))
    other = {"alert": {"groupingKey": "other", "status": "Triggered"}}
    home = home_partition(b"other", PARTITIONS)
    assert topics(await stage.take(other, partition=home, offset=7)) == ["pins", "pagerduty-outbox"]
    both = {"alert": {"groupingKey": "both", "status": "Triggered"}}
    both["destinations"] = [{"connectorId": "gone"}, {"connectorId": "payments"}]  # type: ignore[assignment]
    written = await stage.take(both, partition=home_partition(b"both", PARTITIONS), offset=8)
    assert topics(written) == ["pins", "pagerduty-outbox"]
    assert (stage.acked, stage.brake.waiting) == (2, 2)
    await stage.route.lanes.drain(0.01)
    assert (stage.acked, stage.brake.waiting, stage.crashes) == (2, 0, [])


@pytest.mark.parametrize("key", [b"", b"gk", "Störung".encode()])
def test_home_is_where_kafkas_own_partitioner_puts_a_key(key: bytes) -> None:
    from aiokafka.partitioner import DefaultPartitioner

    partitions = list(range(PARTITIONS))
    assert home_partition(key, PARTITIONS) == DefaultPartitioner()(key, partitions, partitions)


# -- the other forms of outcomes --------------------------------------------------------------------------------------

CASE = {"case": {"id": "gk", "status": "OPEN", "title": "A Case"}}
ACCOUNT = Integration("pd-main", "PD", Secret("u+" + "t" * 18), "bot@example.com")
IN_ACCOUNT = """\
kind: connector
id: cases
type: PAGERDUTY_INCIDENTS
fields: {integrationId: pd-main, service: Payments}
"""


def in_account() -> Stage:
    stage = Stage(IN_ACCOUNT)
    stage.others = replace(NOTHING, integrations={"pd-main": ACCOUNT}, revision=9)
    return stage


async def test_a_case_goes_to_its_account_and_is_pinned_there_without_a_key() -> None:
    stage = in_account()
    (_, pins), (topic, record) = await stage.take(CASE)
    assert (topic, record["destination"], record["service"]) == ("pagerduty-outbox", "account:pd-main", "Payments")
    assert (pins["cases"]["routing_key"], pins["cases"]["service"], stage.acked) == ("", "Payments", 1)
    assert record["why"]["revision"] == 9


async def test_the_record_of_an_account_is_replayed_to_where_it_was_and_nowhere_else() -> None:
    stage = in_account()
    record = (await stage.take(CASE))[1][1]
    asked = Replay("cases/3/5@account:pd-main", kind="outbox")
    ((topic, again),) = await stage.take(record, asked)
    assert (topic, again) == ("pagerduty-outbox", {**record, "replay": {"id": asked.id, "force": False}})
    ((topic, letter),) = await stage.take(record, replace(asked, to="payments"))
    assert (topic, letter["reason"]["type"]) == ("dead-letters", "unsupported_connector")
    resolved = {"case": {**CASE["case"], "status": "RESOLVED"}}
    await stage.take(resolved, offset=6)
    ((topic, told),) = await stage.take(record, asked)
    assert (topic, told["outcome"]["reason"]) == ("deliveries", "moved_on")
    written = await stage.take(record, replace(asked, force=True))
    assert topics(written) == ["pins", "pagerduty-outbox"]
    assert written[0][1]["cases"]["service"] == "Payments"


async def test_what_is_skipped_is_told_with_the_revision() -> None:
    stage = in_account()
    stage.others = replace(stage.others, routers={"r": Router("r", "R", {"team": "nobody"})})
    ((topic, told),) = await stage.take(CASE)
    assert (topic, told["outcome"]["status"], told["outcome"]["reason"]) == (
        "deliveries",
        "skipped",
        "no_router_matched",
    )
    assert (told["why"]["revision"], stage.acked) == (9, 1)


async def test_what_is_too_old_pages_nobody_unless_a_person_asks_for_it() -> None:
    now = 1_764_100_000_000
    stage = Stage(payments(A), max_age_ms=1_000, now_ms=now)
    old = {"alert": {**EVENT["alert"], "timestamp": now // 1_000 - 2}}
    ((topic, told),) = await stage.take(old)
    assert (topic, told["outcome"]["reason"]) == ("deliveries", "too_old")
    assert topics(await stage.take(old, Replay("alerts/3/5@-"))) == ["pins", "pagerduty-outbox"]
