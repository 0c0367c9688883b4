"""PagerDuty's own Python client for REST API v2, as it comes, against the simulator over TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pagerduty import HttpError, RestApiV2Client
from simulator_driver import KEY
from simulator_rest_driver import ALEX, TOKEN

from streams.sandbox.pagerduty import Access, Simulator


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(tls=True, tokens={TOKEN: Access(), "of-alex": Access(user=ALEX)}) as simulator:
        yield simulator


def made(sim: Simulator, token: str = TOKEN, **settings: Any) -> RestApiV2Client:
    trust = ssl.create_default_context(cafile=sim.ca_file)
    client = RestApiV2Client(token, default_from=ALEX, base_url=sim.api_url, verify=trust, **settings)
    client.sleep_timer = 0.01  # seconds; its public knob for the wait between tries
    return client


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[RestApiV2Client]:
    with made(sim) as client:
        yield client


def opened(client: RestApiV2Client, service: str, title: str = "Checkout is slow", **fields: Any) -> Any:
    reference = {"id": service, "type": "service_reference"}
    return client.rpost("incidents", json={"type": "incident", "title": title, "service": reference, **fields})


async def test_the_life_of_an_incident(sim: Simulator, client: RestApiV2Client) -> None:
    service = sim.rest.add_service("Checkout")

    def life() -> None:
        incident = opened(client, service, incident_key="case/1")
        acknowledged = client.rput(incident, json={"type": "incident", "status": "acknowledged"})
        assert (acknowledged["id"], acknowledged["status"]) == (incident["id"], "acknowledged")
        note = client.rpost(f"incidents/{incident['id']}/notes", json={"content": "Looking into it"})
        assert note["content"] == "Looking into it"
        assert client.rget(f"incidents/{incident['id']}/notes") == [note]
        [resolved] = client.rput("incidents", json=[{**incident, "status": "resolved"}])
        assert resolved["status"] == "resolved"
        assert client.rget(incident["self"])["status"] == "resolved"

    await asyncio.to_thread(life)
    assert [(call.action, call.status, call.user) for call in sim.rest.writes()] == [
        ("create_incident", 201, ALEX),
        ("update_incident", 200, ALEX),
        ("create_note", 200, ALEX),
        ("update_incidents", 200, ALEX),
    ]


async def test_a_duplicate_key_raises_with_its_code(sim: Simulator, client: RestApiV2Client) -> None:
    service = sim.rest.add_service("Checkout")
    await asyncio.to_thread(opened, client, service, incident_key="case/1")
    with pytest.raises(HttpError) as caught:
        await asyncio.to_thread(opened, client, service, incident_key="case/1")
    assert caught.value.response.json()["error"]["code"] == 2002


async def test_it_pages_through_everything(sim: Simulator, client: RestApiV2Client) -> None:
    names = [f"Service {number:03}" for number in range(230)]
    for name in names:
        sim.rest.add_service(name)
    found = await asyncio.to_thread(lambda: [one["name"] for one in client.iter_all("services", page_size=100)])
    assert found == names
    assert (await asyncio.to_thread(client.find, "services", "Service 007"))["name"] == "Service 007"
    assert await asyncio.to_thread(client.find, "services", "Nothing") is None
    assert await asyncio.to_thread(client.find, "users", ALEX, attribute="email") is not None


async def test_it_reads_the_history(sim: Simulator, client: RestApiV2Client) -> None:
    service = sim.rest.add_service("Checkout")
    its_id = sim.people.open(service, "Checkout is slow", ALEX).id
    for number in range(5):
        sim.people.add_note(its_id, ALEX, f"Note {number}")
    now = datetime.now(UTC)

    def history() -> list[Any]:
        return list(client.iter_history("log_entries", now - timedelta(hours=1), now + timedelta(minutes=1)))

    assert sorted(entry["type"] for entry in await asyncio.to_thread(history)) == [
        "annotate_log_entry",
        "annotate_log_entry",
        "annotate_log_entry",
        "annotate_log_entry",
        "annotate_log_entry",
        "assign_log_entry",
        "trigger_log_entry",
    ]
    notes = await asyncio.to_thread(lambda: list(client.iter_incident_notes(its_id)))
    assert len(notes) == 5


async def test_it_retries_while_throttled_and_when_there_is_no_answer(sim: Simulator, client: RestApiV2Client) -> None:
    sim.fail("status", "rest", status=429, body='{"error":{"message":"Rate Limit Exceeded","code":2020}}', count=2)
    sim.fail("drop_after_accept", "rest", action="list_users", count=1)
    users = await asyncio.to_thread(client.rget, "users")
    assert [user["email"] for user in users][:1] == [ALEX]
    assert [call.status for call in sim.rest.journal] == [429, 429, None, 200]


async def test_who_it_is(sim: Simulator, client: RestApiV2Client) -> None:
    assert await asyncio.to_thread(client.account_has_ability, "teams") is True
    assert await asyncio.to_thread(client.account_has_ability, "flying") is False
    with pytest.raises(HttpError, match="account-level access token"):
        await asyncio.to_thread(client.rget, "users/me")
    with made(sim, "of-alex", auth_type="bearer") as alex:
        assert (await asyncio.to_thread(alex.rget, "users/me"))["email"] == ALEX


async def test_an_unknown_token_is_refused(sim: Simulator) -> None:
    with made(sim, "nobodys") as client, pytest.raises(HttpError) as caught:
        await asyncio.to_thread(client.rget, "users")
    assert caught.value.response.status_code == 401


async def test_it_subscribes_and_makes_routing_keys(sim: Simulator, client: RestApiV2Client) -> None:
    service = sim.rest.add_service("Checkout", routing_key=KEY)
    wanted = {
        "type": "webhook_subscription",
        "delivery_method": {"type": "http_delivery_method", "url": "https://hooks.example.com/pagerduty"},
        "events": ["incident.resolved"],
        "filter": {"type": "service_reference", "id": service},
    }

    def subscribe() -> Any:
        subscription = client.rpost("webhook_subscriptions", json=wanted)
        client.post(f"/webhook_subscriptions/{subscription['id']}/enable").raise_for_status()
        assert client.rget("webhook_subscriptions")[0]["id"] == subscription["id"]
        client.rdelete(f"webhook_subscriptions/{subscription['id']}")
        return subscription

    assert len((await asyncio.to_thread(subscribe))["delivery_method"]["secret"]) == 64
    assert len(sim.webhooks.subscriptions) == 0
    body = {"type": "events_api_v2_inbound_integration", "name": "Pagerline"}
    integration = await asyncio.to_thread(client.rpost, f"services/{service}/integrations", json=body)
    assert len(integration["integration_key"]) == 32
