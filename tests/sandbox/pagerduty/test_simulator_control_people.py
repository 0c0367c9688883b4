"""The control API's part for people, REST and webhooks, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from simulator_driver import KEY, trigger
from simulator_rest_driver import ALEX, Receiver, receiving

from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pagerduty.card import card_of
from streams.sandbox.pagerduty.control_people import PeopleControl


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(limit=None) as simulator:
        yield simulator


@pytest.fixture
async def http(sim: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sim.api_url) as session:
        yield session


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


async def call(http: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with http.request(method, path, json=body) as response:
        return response.status, await response.json()


async def act(http: aiohttp.ClientSession, name: str, **fields: Any) -> Any:
    status, body = await call(http, "POST", f"/sim/people/{name}", {"user": ALEX, **fields})
    assert status == 200, body
    return body["id"]


async def test_every_act_is_there_over_http(sim: Simulator, http: aiohttp.ClientSession) -> None:
    service = sim.rest.add_service("Checkout")
    done = set()

    async def do(name: str, **fields: Any) -> Any:
        done.add(name)
        return await act(http, name, **fields)

    its_id = await do("open", service=service, title="Checkout is slow", urgency="low")
    incident = sim.rest.incident(its_id)
    card = card_of(incident)
    await do("acknowledge", incident=its_id)
    assert incident.status == "acknowledged"
    await do("unacknowledge", incident=its_id)
    assert incident.status == "triggered"
    await do("note", incident=its_id, text="Looking")
    assert [note.content for note in card.notes] == ["Looking"]
    await do("reassign", incident=its_id, to="Kim Example")
    assert [each.user.name for each in card.assignments] == ["Kim Example"]
    await do("escalate", incident=its_id, level=2)
    assert [each.user.name for each in card.assignments] == ["Robin Example"]
    await do("delegate", incident=its_id, policy="PESCPA2")
    assert card.policy.name == "Database on-call"
    await do("priority", incident=its_id, priority="P1")
    assert card.priority is not None
    await do("priority", incident=its_id, priority=None)
    assert card.priority is None
    await do("title", incident=its_id, title="Checkout is down")
    assert incident.title == "Checkout is down"
    await do("publish", incident=its_id, message="We are on it")
    assert card.log[-1].type == "status_update"
    await do("resolve", incident=its_id, note="Restarted")
    assert incident.status == "resolved"
    assert card.notes[-1].content == "Resolution Note: Restarted"
    await do("reopen", incident=its_id)
    assert incident.status == "triggered"
    other = await act(http, "open", service="Checkout", title="Another")
    await do("merge", incident=its_id, sources=[other])
    assert sim.rest.incident(other).merged_into is incident
    await do("delete", incident=other)
    assert [one.id for one in sim.rest.incidents()] == [its_id]
    assert done == set(PeopleControl(sim)._acts)


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/sim/people/dance", {}, "no act 'dance'; there are open, acknowledge"),
        ("/sim/people/acknowledge", {"user": ALEX}, "incident is missing; it must be a text"),
        ("/sim/people/acknowledge", {"user": ALEX, "incident": "Q1"}, "no incident 'Q1'"),
        ("/sim/people/merge", {"user": ALEX, "incident": "Q1", "sources": []}, "sources is missing"),
        ("/sim/people/open", {"user": ALEX, "service": "Nope", "title": "T"}, "no service 'Nope'"),
        ("/sim/rest/services", {}, "name is missing"),
        ("/sim/rest/users", {"name": "Sam"}, "name and email are missing"),
        ("/sim/rest/settings", {"colour": "red"}, "no setting 'colour'; there are limit, error_shape"),
        ("/sim/rest/settings", {"bare_429": 1}, "bare_429 is 1; it must be true or false"),
        ("/sim/rest/settings", {"error_shape": "round"}, "error shape is 'round'; it must be one of object"),
        ("/sim/rest/settings", {"limit": -1}, "limit is -1"),
        ("/sim/webhooks/switches", {"speed": 1}, "no switch 'speed'; there are double"),
        ("/sim/webhooks/switches", {"hold": 1}, "hold is 1; it must be true or false"),
        ("/sim/webhooks/switches", {"lose": -1}, "lose is -1; it must be a whole number"),
        ("/sim/webhooks/switches", {"delay_s": "1"}, "delay_s is '1'; it must be a number"),
        ("/sim/webhooks/subscriptions", {"url": "here"}, "url is missing; it must be an http or https URL"),
        ("/sim/webhooks/subscriptions/PW1/enable", {}, "no webhook subscription 'PW1'"),
        ("/sim/webhooks/subscriptions/PW1/dance", {}, "no act 'dance'; there are enable"),
        ("/sim/webhooks/events", {"event_type": "x"}, "data an object"),
        ("/sim/faults", {"kind": "hang", "match": "rest", "action": "Create note"}, "it must be read, write or"),
    ],
)
async def test_what_is_wrong_is_told(http: aiohttp.ClientSession, path: str, body: dict[str, Any], error: str) -> None:
    status, answer = await call(http, "POST", path, body)
    assert status == 400
    assert error in answer["error"]


async def test_the_board_has_incidents_of_both_kinds(sim: Simulator, http: aiohttp.ClientSession) -> None:
    sim.name(KEY, "Databases")
    await call(http, "POST", "/v2/enqueue", trigger())
    its_id = await act(http, "open", service="Databases", title="By hand")
    await act(http, "note", incident=its_id, text="Looking")
    _, board = await call(http, "GET", "/sim/board")
    by_hand, by_event = board["incidents"]
    assert (by_event["alerts"], by_event["incident_key"]) == (
        [{"key": "db-1/disk", "severity": "error", "open": True}],
        None,
    )
    assert (by_hand["service"], by_hand["alerts"], by_hand["notes"][0]["text"]) == ("Databases", [], "Looking")
    assert board["users"][0]["email"] == ALEX
    # The verifier's view stays what events did.
    assert [one["dedup_key"] for one in (await call(http, "GET", "/sim/incidents"))[1]["incidents"]] == ["db-1/disk"]


async def test_the_page_asks_nobody_else(http: aiohttp.ClientSession) -> None:
    async with http.get("/sim") as response:
        assert (response.url.path, response.status, response.content_type) == ("/sim/", 200, "text/html")
        page = await response.text()
    assert "http://" not in page
    assert "https://" not in page
    assert "src=" not in page
    assert "toLocale" not in page  # times are UTC with their date, as everywhere else
    assert "toISOString" in page


async def test_rest_calls_and_settings(sim: Simulator, http: aiohttp.ClientSession) -> None:
    status, service = await call(http, "POST", "/sim/rest/services", {"name": "Checkout", "routing_key": KEY})
    assert status == 201
    assert (await call(http, "PUT", f"/sim/rest/services/{service['id']}", {"name": "Payments"}))[0] == 200
    assert [one.name for one in sim.rest.services] == ["Payments"]
    assert (await call(http, "POST", "/sim/rest/users", {"name": "Sam", "email": "sam@example.com"}))[0] == 201
    settings = {"limit": 1, "bare_429": True, "error_shape": "list", "refuse_repeats": True, "require_from": False}
    assert await call(http, "POST", "/sim/rest/settings", settings) == (200, settings)
    for expected in (200, 429):
        async with http.get("/services", headers={"Authorization": "Token token=abc"}) as response:
            assert response.status == expected
    _, journal = await call(http, "GET", "/sim/rest/journal?since=1")
    assert [(one["action"], one["status"], one["write"]) for one in journal["calls"]] == [("list_services", 429, False)]
    assert "abc" not in str(journal)
    assert KEY not in str(journal)
    await call(http, "POST", "/sim/reset")
    assert await call(http, "GET", "/sim/rest/journal") == (200, {"calls": [], "next": 0, "more": False})
    async with http.get("/services", headers={"Authorization": "Token token=abc"}) as response:
        assert (await response.json())["services"][0]["name"] == "Payments"


async def test_webhooks_are_steered(sim: Simulator, http: aiohttp.ClientSession, receiver: Receiver) -> None:
    status, made = await call(http, "POST", "/sim/webhooks/subscriptions", {"url": receiver.url})
    assert status == 201
    which = f"/sim/webhooks/subscriptions/{made['id']}"
    await call(http, "POST", "/sim/webhooks/switches", {"hold": True})
    await call(http, "POST", f"{which}/ping")
    await call(http, "POST", "/sim/webhooks/events", {"event_type": "incident.levitated", "data": {"id": "Q1"}})
    assert receiver.deliveries == []
    assert (await call(http, "GET", "/sim/webhooks/switches"))[1]["hold"] is True
    await call(http, "POST", "/sim/webhooks/switches", {"hold": False})
    await sim.webhooks_quiet()
    assert sorted(receiver.types) == ["incident.levitated", "pagey.ping"]
    _, journal = await call(http, "GET", "/sim/webhooks/journal?limit=1")
    assert (journal["attempts"][0]["outcome"], journal["more"]) == ("delivered", True)
    _, rotated = await call(http, "POST", f"{which}/rotate")
    await call(http, "POST", f"{which}/disable")
    _, listed = await call(http, "GET", "/sim/webhooks/subscriptions")
    assert listed["subscriptions"][0]["temporarily_disabled"] is True
    assert made["secret"] not in str(listed)
    assert rotated["secret"] not in str(listed)
    await call(http, "POST", f"{which}/enable")
    assert sim.webhooks.subscriptions.get(made["id"]).disabled_until is None  # type: ignore[union-attr]
