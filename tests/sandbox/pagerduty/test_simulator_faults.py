"""Each kind of trouble, as an HTTP client sees it, and which requests it strikes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from simulator_driver import KEY, OTHER_KEY, PureEvents, act, change, sample, trigger

from streams.sandbox.pagerduty import Entry, ManualClock, Simulator, destination_of
from streams.sandbox.pagerduty.events_api import Endpoint

NO_ANSWER = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with Simulator(limit=None, clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def http(sim: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sim.events_url) as session:
        yield session


def anything(entry: Entry) -> bool:
    return True


async def post(http: aiohttp.ClientSession, event: dict[str, Any]) -> int:
    async with http.post("/v2/enqueue", json=event) as response:
        await response.read()
        return response.status


async def test_status_answers_as_told_and_takes_nothing_in(sim: Simulator, http: aiohttp.ClientSession) -> None:
    fault_id = sim.fail("status", status=429, body=b'{"status":"busy"}', headers={"Retry-After": "7"}, count=1)
    async with http.post("/v2/enqueue", json=trigger()) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")
        assert await response.json() == {"status": "busy"}
    assert sim.incidents() == []
    entry = sim.journal[0]
    assert (entry.status, entry.effect, entry.reason, entry.fault) == (429, "none", "status", fault_id)
    assert await post(http, trigger()) == 202
    assert sim.journal[1].fault is None
    assert sim.service(KEY).faults == 1


async def test_delay_takes_the_event_in_at_once_and_answers_late(
    sim: Simulator, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    sim.fail("delay", delay=5, count=1)
    answer = asyncio.create_task(post(http, trigger()))
    await sim.seen(anything)
    assert [incident.status for incident in sim.incidents()] == ["triggered"]
    await clock.asleep()
    clock.advance(4.9)
    assert await post(http, act("acknowledge")) == 202  # another request is not held up
    assert not answer.done()
    clock.advance(0.1)
    assert await answer == 202


async def test_hang_never_answers_and_takes_nothing_in(sim: Simulator, http: aiohttp.ClientSession) -> None:
    sim.fail("hang", count=1)
    answer = asyncio.create_task(post(http, trigger()))
    entry = (await sim.seen(anything))[0]
    assert (entry.status, entry.effect, entry.reason) == (None, "none", "hang")
    assert await post(http, act("resolve")) == 202
    assert not answer.done()
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert sim.incidents() == []


async def test_hang_with_a_delay_closes_the_connection_after_it(
    sim: Simulator, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    sim.fail("hang", delay=30, count=1)
    answer = asyncio.create_task(post(http, trigger()))
    await clock.asleep()
    clock.advance(30)
    with pytest.raises(NO_ANSWER):
        await answer
    assert sim.incidents() == []


async def test_a_held_request_ends_with_its_client(
    sim: Simulator, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    sim.fail("delay", delay=30)
    answer = asyncio.create_task(post(http, trigger()))
    await clock.asleep(1)
    answer.cancel()
    await clock.asleep(0)


async def test_a_stopping_simulator_lets_held_requests_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.sandbox.pagerduty.simulator.SHUTDOWN_S", 3600.0)
    async with asyncio.timeout(10), aiohttp.ClientSession() as http:
        async with Simulator(clock=ManualClock()) as sim:
            sim.fail("hang")
            answer = asyncio.create_task(http.post(sim.events_url + "/v2/enqueue", json=trigger()))
            await sim.seen(anything)
        with pytest.raises(NO_ANSWER):
            await answer


@pytest.mark.parametrize(("kind", "statuses"), [("drop_after_accept", ["triggered"]), ("drop_before_accept", [])])
async def test_drop_closes_the_connection(
    sim: Simulator, http: aiohttp.ClientSession, kind: Any, statuses: list[str]
) -> None:
    sim.fail(kind, count=2)  # aiohttp's client sends once more when a kept connection is closed on it
    with pytest.raises(NO_ANSWER):
        await http.request("POST", "/v2/enqueue", json=trigger())
    assert [incident.status for incident in sim.incidents()] == statuses
    assert sim.journal[0].status is None
    assert sim.service(KEY).answers == {"none": len(sim.journal)}
    sim.heal()
    assert await post(http, trigger()) == 202


async def test_lose_answers_202_and_loses_the_event(sim: Simulator, http: aiohttp.ClientSession) -> None:
    sim.fail("lose", count=1)
    assert await post(http, trigger()) == 202
    assert (sim.journal[0].effect, sim.journal[0].reason) == ("dropped", "lose")
    assert sim.incidents() == []


async def test_a_dropping_fault_still_refuses_what_is_wrong() -> None:
    events = PureEvents()
    for kind in ("drop_after_accept", "delay", "lose"):
        events.account.fail(kind, delay=1, count=1)
        events.reply(trigger(severity="none"))
        assert (events.last.effect, events.last.reason) == ("none", "invalid_event")
    assert [entry.status for entry in events.account.journal] == [None, 400, 400]


def answered(events: PureEvents) -> list[int | None]:
    """What a trigger, an acknowledge, a change event and another key's trigger are answered."""
    events.reply(trigger())
    events.reply(act("acknowledge"))
    events.reply(change(), Endpoint.CHANGE)
    events.reply(trigger(key=OTHER_KEY))
    return [entry.status for entry in events.account.journal.since(len(events.account.journal) - 4, 4)]


@pytest.mark.parametrize(
    ("rule", "statuses"),
    [
        ({}, [503, 503, 503, 503]),
        ({"key": KEY}, [503, 503, 503, 202]),
        ({"key": destination_of(OTHER_KEY)}, [202, 202, 202, 503]),
        ({"action": "trigger"}, [503, 202, 202, 503]),
        ({"action": "change"}, [202, 202, 503, 202]),
        ({"action": "trigger", "key": OTHER_KEY}, [202, 202, 202, 503]),
        ({"count": 2}, [503, 503, 202, 202]),
        ({"count": 1, "action": "acknowledge"}, [202, 503, 202, 202]),
    ],
)
def test_a_rule_strikes_what_it_matches(rule: dict[str, Any], statuses: list[int]) -> None:
    events = PureEvents()
    events.account.fail("status", status=503, **rule)
    assert answered(events) == statuses


def test_a_rule_for_all_strikes_what_cannot_be_read_too() -> None:
    events = PureEvents()
    events.account.fail("status", KEY, status=503)
    assert events.send(b"{") == (400, sample("response_400_json_parse"))
    events.account.fail("status", status=502, body="Bad Gateway")
    assert events.send(b"{") == (502, "Bad Gateway")


def test_a_rule_ends_with_its_time_or_its_count() -> None:
    events = PureEvents()
    events.account.fail("status", status=503, for_seconds=10, count=2)
    events.account.fail("status", status=500, for_seconds=20)
    assert [events.send(trigger())[0] for _ in range(3)] == [503, 503, 500]  # the first rule in force comes first
    events.clock.advance(19.9)
    assert events.send(trigger())[0] == 500
    events.clock.advance(0.1)
    assert events.send(trigger())[0] == 202
    assert events.account.active_faults() == []


def test_heal_ends_one_rule_or_all() -> None:
    events = PureEvents()
    first = events.account.fail(status=503)
    events.account.fail(status=500)
    assert events.account.heal(first) == 1
    assert events.send(trigger())[0] == 500
    assert (events.account.heal(first), events.account.heal()) == (0, 1)
    assert events.send(trigger())[0] == 202


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"kind": "explode"}, "kind is 'explode'; it must be one of status, delay"),
        ({"action": "page"}, "action is 'page'"),
        ({"status": 99}, "status is 99"),
        ({"status": "503"}, "status is '503'"),
        ({"kind": "delay"}, "needs a delay"),
        ({"delay": -1}, "delay is -1"),
        ({"count": 0}, "count is 0"),
        ({"count": True}, "count is True"),
        ({"for_seconds": 0}, "for_seconds is 0"),
        ({"headers": {"Retry-After": 7}}, "headers must be texts"),
    ],
)
def test_a_wrong_rule_is_refused(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        PureEvents().account.fail(**wrong)
