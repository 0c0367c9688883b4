"""Inputs of any size through both stages: no record is larger than its topic takes, so none stops the workers."""

from __future__ import annotations

import asyncio
import base64
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka.errors import MessageSizeTooLargeError
from test_route_replay import HOME, PARTITIONS, A, Broker, Stage, payments

from streams.kafka.home import home_partition
from streams.routing.replay import Replay
from streams.stages.brake import Brake, TokenBucket
from streams.stages.dispatch import OutcomeTopics
from streams.topology import Topology

TOPOLOGY = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=PARTITIONS))
BOUNDS = {spec.name: int(spec.config.get("max.message.bytes", 1_048_588)) for spec in TOPOLOGY.specs()}

GROWS = b"[" + b",".join([b"1e9"] * 240_000) + b"]"
"""Under a megabyte; three as orjson writes it."""


class Strict(Broker):
    """Refuses what a broker refuses."""

    async def send(
        self, topic: str, key: bytes | None, value: bytes, *, partition: Any = None, headers: Any = None
    ) -> asyncio.Future[None]:
        size = len(value) + len(key or b"") + sum(len(name) + len(content) for name, content in headers or ())
        if size > BOUNDS[topic]:
            raise MessageSizeTooLargeError
        return await super().send(topic, key, value, partition=partition, headers=headers)


def strict(*documents: str) -> Stage:
    stage = Stage(*documents)
    stage.broker = stage.route._producer = stage.route._pins = Strict()  # type: ignore[assignment]
    stage.route.index._producer = stage.route._refusals._producer = stage.route._producer
    return stage


@pytest.mark.parametrize("status", ["Triggered", "nonsense"])
async def test_an_input_that_grows_in_its_dead_letter_is_kept_by_its_beginning(status: str) -> None:
    value = b'{"alert":{"groupingKey":"gk","status":"%s","id":%s}}' % (status.encode(), GROWS)
    assert len(value) < 1_000_000
    stage = strict()
    ((topic, letter),) = await stage.take(value, topic="alerts")
    assert (topic, letter["event"], letter["truncated"], stage.acked) == ("dead-letters", None, True, 1)
    assert letter["reason"]["type"] == ("no_connector" if status == "Triggered" else "wrong_shape")
    assert value.startswith(base64.b64decode(letter["raw"]))
    assert letter["incident"] == "alert:gk"


async def test_what_grew_in_its_dead_letter_can_be_replayed() -> None:
    document = {"alert": {"groupingKey": "gk", "status": "Triggered", "id": [1e9] * 100_000}}
    assert len(orjson.dumps(document)) > 1_000_000
    written = await strict(payments(A)).take(document, Replay("alerts/3/5@-"))
    assert [topic for topic, _ in written] == ["pins", "pagerduty-outbox"]


async def test_an_identity_beyond_its_bound_is_malformed() -> None:
    stage = strict(payments(A))
    long = {"alert": {"groupingKey": "x" * 530_000, "status": "Triggered"}}
    ((topic, letter),) = await stage.take(long, topic="alerts")
    assert (topic, letter["reason"]["type"], letter["incident"]) == ("dead-letters", "wrong_shape", None)
    assert letter["reason"]["path"] == "/alert/groupingKey"
    assert stage.acked == 1


@pytest.mark.parametrize("character", ["\x01", "\U0001f600"])
@pytest.mark.parametrize("status", ["Triggered", "Resolved"])
async def test_the_longest_identity_goes_through(character: str, status: str) -> None:
    identity = "!" + character * 2_047
    home = home_partition(identity.encode(), PARTITIONS)
    stage = strict(payments(A))
    document = {"alert": {"groupingKey": identity, "status": status, "id": "x" * 900_000}}
    assert await stage.take(document, topic="alerts", partition=(home + 1) % PARTITIONS) == []
    assert len(stage.broker.forwarded) == 1
    written = await stage.take(document, partition=home)
    assert written[-1][0] == "pagerduty-outbox"


async def test_names_of_any_length_in_an_event_do_not_make_its_record_too_large() -> None:
    key = "{{ alert.groups['team'] }}"
    document = f'kind: connector\nid: payments\ntype: PAGERDUTY\nfields: {{integrationKey: "{A}"}}\n'
    document += f'overrides: {{alerts: {{dynamicintegrationKey: "{key}"}}}}\n'
    stage = strict(document)
    groups = {"a-" * 450_000: {}}
    written = await stage.take({"alert": {"groupingKey": "gk", "status": "Resolved", "groups": groups}})
    ((topic, record),) = written
    assert topic == "pagerduty-outbox"
    assert record["why"]["passed_over"]
    assert len(orjson.dumps(record["why"])) < 5_000


async def test_a_key_beyond_its_bound_is_not_carried_on() -> None:
    stage = strict()
    message = SimpleNamespace(
        topic="alerts", partition=HOME, offset=1, timestamp=0.9, key=b"k" * 1_000_000, value=b"x" * 300_000, headers=()
    )
    await stage.route.take(message, stage._ack)
    await asyncio.sleep(0.01)
    ((_, letter),) = stage.broker.written
    assert (letter["source"]["key"], letter["truncated"], stage.acked) == (None, True, 1)


async def test_a_dead_letter_of_dispatch_is_never_larger_than_its_topic_takes() -> None:
    broker = Strict()
    brake = Brake(TokenBucket(9, 9, lambda: 0.0), clock=lambda: 0.0)
    topics = OutcomeTopics(TOPOLOGY, broker, brake)  # type: ignore[arg-type]
    letter = {"id": "alerts/3/5@-", "event": None, "outbox": {"payload": "x" * 2_090_000}, "raw": None}
    await topics.publish("dead-letters", "k", letter)
    ((topic, written),) = broker.written
    assert (topic, written["outbox"], written["truncated"]) == ("dead-letters", None, True)
