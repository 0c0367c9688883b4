"""Pins that an older key sealed: their rows are sealed anew, and what leaves by them is at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
from test_route_replay import CONNECTOR, EVENT, HOME, A, Stage

from streams.documents.secrets import Cipher, new_key

OLD, NEW = new_key(), new_key()
PAYMENTS = CONNECTOR.format(id="payments", key=A)
RESOLVED = {"alert": {**EVENT["alert"], "status": "Resolved"}}


class Rows:
    """The table, with rows to look through."""

    def __init__(self, broker: Any) -> None:
        self.rows = SimpleNamespace(items=lambda: [(*place, value) for place, value in broker.rows.items()])
        self.read, self.write = broker.read, broker.write


async def successor(stage: Stage, *keys: str) -> Stage:
    """Another worker with these keys, on what this one left."""
    after = Stage(PAYMENTS, keys=keys)
    after.broker.rows.update(stage.broker.rows)
    after.route._pins = Rows(after.broker)  # type: ignore[assignment]
    return after


async def pinned() -> Stage:
    stage = Stage(PAYMENTS, keys=[OLD])
    assert [topic for topic, _ in await stage.take(EVENT)] == ["pins", "pagerduty-outbox"]
    return stage


async def test_rows_are_sealed_anew() -> None:
    stage = await successor(await pinned(), NEW, OLD)
    before = orjson.loads(stage.broker.rows[HOME, b"alert:gk"])
    assert await stage.route.renew(lambda: True) == 1
    await stage.route.lanes.drain(5.0)
    after = orjson.loads(stage.broker.rows[HOME, b"alert:gk"])
    token = after["pins"]["payments"].pop("routing_key")
    assert Cipher([NEW]).open(token) == A
    del before["pins"]["payments"]["routing_key"]
    assert after == before
    assert await stage.route.renew(lambda: True) == 0


async def test_rows_of_partitions_that_are_gone_are_left_alone() -> None:
    stage = await successor(await pinned(), NEW, OLD)
    assert await stage.route.renew(lambda: False) == 0
    assert stage.broker.written == []


async def test_what_goes_out_by_an_old_pin_needs_the_newest_key_alone() -> None:
    stage = await successor(await pinned(), NEW, OLD)
    written = await stage.take(RESOLVED, offset=6)
    (record,) = [value for topic, value in written if topic == "pagerduty-outbox"]
    assert Cipher([NEW]).open(record["routing_key"]) == A
