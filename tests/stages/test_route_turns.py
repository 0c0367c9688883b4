"""When the route stage acknowledges, and when it lets the loop turn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from test_route_replay import EVENT, HOME, IN_ACCOUNT, PARTITIONS, A, Stage, in_account, payments

from streams.kafka.home import home_partition
from streams.stages.route import RouteStage


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        ("pagerduty-outbox", EVENT),
        ("deliveries", {**EVENT, "destinations": [{"connectorId": "cases"}]}),
        ("dead-letters", {**EVENT, "destinations": [{"connectorId": "gone"}]}),
        ("dead-letters", b"no JSON"),
        ("input-index", EVENT),
    ],
)
async def test_an_input_is_acknowledged_when_all_that_it_leads_to_is_confirmed(topic: str, event: Any) -> None:
    stage = in_account()
    stage.apply(payments(A), IN_ACCOUNT)
    confirmed = stage.broker.unconfirmed[topic] = asyncio.get_running_loop().create_future()
    taking = asyncio.ensure_future(stage.take(event))
    await stage.turns(200)
    assert stage.acked == 0
    confirmed.set_result(None)
    await taking
    await stage.turns()
    await stage.route.index.flush(1.0)
    assert stage.acked == 1


async def test_the_loop_turns_between_events_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, decide, turned = Stage(payments(A)), RouteStage._decide, [0]
    decided_at: list[int] = []

    def deciding(self: RouteStage, *what: Any) -> Any:
        decided_at.append(turned[0])
        return decide(self, *what)

    async def turning() -> None:
        while True:
            turned[0] += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(RouteStage, "_decide", deciding)
    monkeypatch.setattr("streams.stages.route.LONG_SECONDS", 0.0)
    ticker = asyncio.ensure_future(turning())
    names = [name for name in map("a{}".format, range(200)) if home_partition(name.encode(), PARTITIONS) == HOME][:10]
    await asyncio.gather(*(stage.take({"alert": {**EVENT["alert"], "groupingKey": name}}) for name in names))
    ticker.cancel()
    assert len(decided_at) == 10
    assert len(set(decided_at)) == 10, "no two in one turn"
