"""The HTTP face: the paths, the control API, and that no routing key shows anywhere."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from simulator_driver import KEY, OTHER_KEY, act, change, sample, trigger

from streams.sandbox.pagerduty import ManualClock, Simulator, destination_of
from streams.sandbox.pagerduty.control import PAGE
from streams.sandbox.pagerduty.events_api import Endpoint, EventsApi
from streams.sandbox.pagerduty.journal import SMALL_DETAILS

DESTINATION = destination_of(KEY)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(clock=ManualClock()) as simulator:
        yield simulator


@pytest.fixture
async def http(sim: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sim.events_url) as session:
        yield session


async def call(http: aiohttp.ClientSession, method: str, path: str, body: object = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes | io.BytesIO) else None if body is None else json.dumps(body).encode()
    async with http.request(method, path, data=data) as response:
        return response.status, await response.json()


async def test_the_events_paths_with_and_without_a_trailing_slash(http: aiohttp.ClientSession) -> None:
    full = sample("request_trigger_full")
    for path in ("/v2/enqueue", "/v2/enqueue/"):
        assert await call(http, "POST", path, full) == (202, sample("response_202_alert_event"))
    for path in ("/v2/change/enqueue", "/v2/change/enqueue/"):
        assert await call(http, "POST", path, change()) == (202, sample("response_202_change_event"))
    async with http.get("/v2/enqueue") as response:
        assert response.status == 405
    assert await call(http, "GET", "/healthz") == (200, {"status": "ok"})


async def test_a_body_too_long_to_read_is_413_too(sim: Simulator, http: aiohttp.ClientSession) -> None:
    assert (await call(http, "POST", "/v2/enqueue", io.BytesIO(b" " * 9_000_000)))[0] == 413
    assert (sim.journal[0].reason, sim.journal[0].destination) == ("too_large", None)


async def test_the_journal_tells_each_request(sim: Simulator, http: aiohttp.ClientSession) -> None:
    at = sim.clock.time_ms()
    await call(http, "POST", "/v2/enqueue", trigger(custom_details={"free": "1%"}))
    await call(http, "POST", "/v2/enqueue", trigger(severity="none"))
    status, page = await call(http, "GET", "/sim/journal")
    assert status == 200
    incident = sim.incidents()[0]
    assert page["entries"][0] == {
        "order": 1,
        "at": at,
        "destination": DESTINATION,
        "action": "trigger",
        "dedup_key": "db-1/disk",
        "status": 202,
        "effect": "opened",
        "reason": None,
        "incident": incident.id,
        "summary": "Disk is full",
        "severity": "error",
        "custom_details": {"free": "1%"},
        "errors": [],
        "fault": None,
    }
    assert page["entries"][1]["errors"] == sample("response_400_severity_invalid")["errors"]
    assert (page["next"], page["more"]) == (2, False)


async def test_the_journal_comes_in_pages_and_as_lines(http: aiohttp.ClientSession) -> None:
    for number in range(5):
        await call(http, "POST", "/v2/enqueue", trigger(f"alert-{number}"))
    seen: list[str] = []
    since, more = 0, True
    while more:
        page = (await call(http, "GET", f"/sim/journal?since={since}&limit=2"))[1]
        assert 1 <= len(page["entries"]) <= 2
        seen += [entry["dedup_key"] for entry in page["entries"]]
        since, more = page["next"], page["more"]
    assert seen == [f"alert-{number}" for number in range(5)]
    assert await call(http, "GET", "/sim/journal?since=99") == (200, {"entries": [], "next": 99, "more": False})
    async with http.get("/sim/journal?since=3&format=ndjson") as response:
        assert response.content_type == "application/x-ndjson"
        lines = (await response.text()).splitlines()
    assert [json.loads(line)["order"] for line in lines] == [4, 5]
    async with http.get("/sim/journal?limit=3&format=ndjson") as response:
        assert [json.loads(line)["order"] for line in (await response.text()).splitlines()] == [1, 2, 3]


async def test_all_lines_of_a_long_journal_come_in_one_answer(sim: Simulator, http: aiohttp.ClientSession) -> None:
    events = EventsApi(sim)
    sim.set_limit(None)
    for number in range(2 * PAGE + 1):
        events.handle(Endpoint.ALERT, json.dumps(trigger(f"alert-{number}")).encode())
    async with http.get("/sim/journal?format=ndjson") as response:
        lines = (await response.text()).splitlines()
    assert [json.loads(line)["order"] for line in lines] == list(range(1, 2 * PAGE + 2))
    page = (await call(http, "GET", "/sim/journal"))[1]
    assert (len(page["entries"]), page["next"], page["more"]) == (PAGE, PAGE, True)


async def test_order_numbers_outlive_a_reset(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await call(http, "POST", "/v2/enqueue", trigger())
    assert await call(http, "POST", "/sim/reset") == (200, {"reset": True})
    await call(http, "POST", "/v2/enqueue", trigger())
    page = (await call(http, "GET", "/sim/journal?since=0"))[1]
    assert [entry["order"] for entry in page["entries"]] == [2]
    assert (page["next"], page["more"]) == (2, False)
    assert len(sim.incidents()) == 1


async def test_large_details_are_not_kept(sim: Simulator, http: aiohttp.ClientSession) -> None:
    for size in (SMALL_DETAILS - 8, SMALL_DETAILS - 7, 5 * SMALL_DETAILS):  # {"a":"..."} has 8 characters around it
        await call(http, "POST", "/v2/enqueue", trigger(custom_details={"a": "x" * size}))
    assert [entry.custom_details is None for entry in sim.journal] == [False, True, True]


async def test_incidents_and_services(sim: Simulator, http: aiohttp.ClientSession) -> None:
    named = await call(http, "POST", "/sim/names", {"key": KEY, "name": "Payments"})
    assert named == (200, {"destination": DESTINATION, "name": "Payments"})
    for event in (trigger(), trigger(), act("acknowledge"), act("resolve"), act("resolve"), trigger("b")):
        await call(http, "POST", "/v2/enqueue", event)
    await call(http, "POST", "/v2/enqueue", trigger(key=OTHER_KEY, severity=""))
    found = (await call(http, "GET", "/sim/incidents"))[1]["incidents"]
    assert [(i["dedup_key"], i["status"], i["triggers"], i["service"]) for i in found] == [
        ("db-1/disk", "resolved", 2, "Payments"),
        ("b", "triggered", 1, "Payments"),
    ]
    assert found[0]["resolved_at"] >= found[0]["acknowledged_at"] >= found[0]["created_at"]
    for query, keys in (
        ("status=triggered", ["b"]),
        ("dedup_key=db-1/disk", ["db-1/disk"]),
        (f"key={KEY}", ["db-1/disk", "b"]),
        (f"key={OTHER_KEY}", []),
    ):
        found = (await call(http, "GET", f"/sim/incidents?{query}"))[1]["incidents"]
        assert [incident["dedup_key"] for incident in found] == keys
    await call(http, "POST", "/sim/maintenance", {"match": DESTINATION})
    first, second = (await call(http, "GET", "/sim/services"))[1]["services"]
    assert first == {
        "destination": DESTINATION,
        "name": "Payments",
        "requests": 6,
        "answers": {"202": 6},
        "effects": {"opened": 2, "updated": 1, "acknowledged": 1, "resolved": 1, "dropped": 1},
        "faults": 0,
        "open_incidents": 1,
        "limit": 120,
        "in_window": 6,
        "maintenance": True,
    }
    assert (second["destination"], second["answers"]) == (destination_of(OTHER_KEY), {"400": 1})


async def test_faults_over_http(sim: Simulator, http: aiohttp.ClientSession) -> None:
    status, made = await call(
        http,
        "POST",
        "/sim/faults",
        {"kind": "status", "match": KEY, "status": 503, "body": {"a": 1}, "headers": {"Retry-After": "2"}, "count": 2,
         "for_seconds": 60},
    )  # fmt: skip
    assert status == 201
    assert await call(http, "POST", "/v2/enqueue", trigger()) == (503, {"a": 1})
    assert (await call(http, "GET", "/sim/faults"))[1]["faults"] == [
        {
            "id": made["id"],
            "kind": "status",
            "match": DESTINATION,
            "action": None,
            "status": 503,
            "body": '{"a":1}',
            "headers": {"Retry-After": "2"},
            "delay": 0.0,
            "count": 2,
            "for_seconds": 60,
            "left": 1,
            "seconds_left": 60.0,
        }
    ]
    assert await call(http, "DELETE", f"/sim/faults/{made['id']}") == (200, {"removed": 1})
    assert (await call(http, "DELETE", f"/sim/faults/{made['id']}"))[0] == 404
    await call(http, "POST", "/sim/faults", {"kind": "lose"})
    assert await call(http, "DELETE", "/sim/faults") == (200, {"removed": 1})
    assert await call(http, "POST", "/v2/enqueue", trigger()) == (202, sample_answer())


def sample_answer() -> dict[str, str]:
    return {**sample("response_202_alert_event"), "dedup_key": "db-1/disk"}


async def test_limits_and_maintenance_over_http(sim: Simulator, http: aiohttp.ClientSession) -> None:
    assert await call(http, "POST", "/sim/limits", {"limit": 1, "match": KEY}) == (
        200,
        {"match": DESTINATION, "limit": 1},
    )
    assert await call(http, "POST", "/v2/enqueue", trigger()) == (202, sample_answer())
    assert await call(http, "POST", "/v2/enqueue", trigger()) == (429, sample("response_429"))
    assert await call(http, "POST", "/sim/limits", {"limit": None, "match": KEY}) == (
        200,
        {"match": DESTINATION, "limit": None},
    )
    assert await call(http, "POST", "/sim/maintenance", {}) == (200, {"match": "*", "on": True})
    assert await call(http, "POST", "/v2/enqueue", act("resolve")) == (202, sample_answer())
    assert sim.journal[-1].reason == "maintenance"
    assert await call(http, "POST", "/sim/maintenance", {"on": False}) == (200, {"match": "*", "on": False})
    await call(http, "POST", "/v2/enqueue", act("resolve"))
    assert sim.journal[-1].effect == "resolved"


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("GET", "/sim/journal?since=-1", None, "since is '-1'"),
        ("GET", "/sim/journal?format=xml", None, "format is 'xml'"),
        ("GET", "/sim/incidents?status=open", None, "status is 'open'"),
        ("POST", "/sim/faults", b"{", "unexpected end"),
        ("POST", "/sim/faults", [], "must be a JSON object"),
        ("POST", "/sim/faults", {}, "kind is None"),
        ("POST", "/sim/faults", {"kind": "status", "colour": 1}, "colour"),
        ("POST", "/sim/faults", {"kind": "status", "match": 1}, "match must be"),
        ("POST", "/sim/limits", {}, "limit is missing"),
        ("POST", "/sim/limits", {"limit": "x"}, "limit is 'x'"),
        ("POST", "/sim/maintenance", {"on": "yes"}, "on is 'yes'"),
        ("POST", "/sim/maintenance", {"for_seconds": "9"}, "for_seconds is '9'"),
        ("POST", "/sim/names", {"key": "*", "name": "x"}, "key must be"),
    ],
)
async def test_a_wrong_control_request_is_told_why(
    http: aiohttp.ClientSession, method: str, path: str, body: object, text: str
) -> None:
    status, answer = await call(http, method, path, body)
    assert status == 400
    assert text in answer["error"]


async def test_no_routing_key_shows_anywhere(sim: Simulator, http: aiohttp.ClientSession) -> None:
    await call(http, "POST", "/sim/names", {"key": KEY, "name": "Payments"})
    await call(http, "POST", "/sim/limits", {"limit": 5, "match": KEY})
    await call(http, "POST", "/sim/maintenance", {"match": KEY})
    await call(http, "POST", "/sim/faults", {"kind": "delay", "delay": 1, "action": "resolve", "match": KEY})
    for event in (trigger(), trigger(severity="none"), {**trigger(), "routing_key": KEY + "!"}):
        await call(http, "POST", "/v2/enqueue", event)
    shown = repr(sim) + repr(list(sim.journal)) + repr(sim.incidents()) + repr(sim.services())
    for path in ("journal", "journal?format=ndjson", "incidents", "services", "faults"):
        async with http.get(f"/sim/{path}") as response:
            shown += await response.text()
    assert DESTINATION in shown
    assert KEY not in shown


async def test_seen_waits_for_what_comes_and_counts_what_is_there(http: aiohttp.ClientSession, sim: Simulator) -> None:
    await call(http, "POST", "/v2/enqueue", trigger("a"))
    assert [entry.dedup_key for entry in await sim.seen(lambda entry: entry.effect == "opened")] == ["a"]
    with pytest.raises(TimeoutError):
        await sim.seen(lambda entry: entry.effect == "resolved", timeout=0)
    await call(http, "POST", "/v2/enqueue", trigger("b"))
    assert len(await sim.seen(lambda entry: entry.effect == "opened", count=2)) == 2
    assert sim.journal.listeners == []


async def test_two_simulators_run_side_by_side_and_a_taken_port_is_an_error() -> None:
    async with Simulator() as one, Simulator() as other:
        assert one.events_url != other.events_url
        port = int(one.events_url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            async with Simulator(port=port):
                pass
        with pytest.raises(RuntimeError, match="there is a CA only"):
            _ = one.ca_file
