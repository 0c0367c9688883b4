"""PagerDuty's own Python client, as it comes, against the simulator over TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pagerduty import EventsApiV2Client, HttpError
from simulator_driver import KEY

from streams.sandbox.pagerduty import ManualClock, Simulator


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with Simulator(tls=True, clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[EventsApiV2Client]:
    trust = ssl.create_default_context(cafile=sim.ca_file)
    with EventsApiV2Client(KEY, base_url=sim.events_url, verify=trust) as made:
        made.sleep_timer = 0.01  # seconds; its public knob for the wait between tries
        yield made


async def test_trigger_acknowledge_resolve(sim: Simulator, client: EventsApiV2Client) -> None:
    dedup_key = await asyncio.to_thread(
        client.trigger, "Disk is full", "db-1", severity="error", custom_details={"free": "1%"}
    )
    incident = sim.incident(KEY, dedup_key)
    assert incident is not None
    assert (incident.title, incident.severity, incident.status) == ("Disk is full", "error", "triggered")
    assert sim.journal[0].custom_details == {"free": "1%"}
    assert await asyncio.to_thread(client.acknowledge, dedup_key) == dedup_key
    assert incident.status == "acknowledged"
    assert await asyncio.to_thread(client.resolve, dedup_key) == dedup_key
    assert incident.status == "resolved"


async def test_change_events(sim: Simulator, client: EventsApiV2Client) -> None:
    link = {"href": "https://ci.example.com/builds/42", "text": "Build 42"}
    await asyncio.to_thread(
        client.submit,
        "Deployed 1.42.0",
        source="ci",
        links=[link],
        timestamp="2026-04-01T01:58:00Z",  # its default raises AttributeError in 7.2.0
    )
    await asyncio.to_thread(client.send_change_event, payload={"summary": "Deployed 1.42.1"})
    assert [(entry.action, entry.summary, entry.status) for entry in sim.journal] == [
        ("change", "Deployed 1.42.0", 202),
        ("change", "Deployed 1.42.1", 202),
    ]


async def test_an_invalid_event_raises_with_the_errors(sim: Simulator, client: EventsApiV2Client) -> None:
    with pytest.raises(HttpError, match=r"'payload\.severity' is") as caught:
        await asyncio.to_thread(client.trigger, "Disk is full", "db-1", severity="fatal")
    assert caught.value.response.status_code == 400
    assert sim.incidents() == []


async def test_it_retries_while_throttled_until_the_window_moves(
    sim: Simulator, client: EventsApiV2Client, clock: ManualClock
) -> None:
    sim.set_limit(1)
    await asyncio.to_thread(client.trigger, "Disk is full", "db-1", dedup_key="a")
    second = asyncio.create_task(asyncio.to_thread(client.trigger, "Disk is full", "db-2", dedup_key="b"))
    await sim.seen(lambda entry: entry.status == 429)
    assert sim.incident(KEY, "b") is None
    clock.advance(60)
    assert await second == "b"
    incident = sim.incident(KEY, "b")
    assert incident is not None
    assert incident.triggers == 1


async def test_it_retries_a_server_error_and_a_closed_connection(sim: Simulator, client: EventsApiV2Client) -> None:
    sim.fail("status", status=503, body="unavailable", count=1)
    sim.fail("drop_before_accept", count=1)
    assert await asyncio.to_thread(client.trigger, "Disk is full", "db-1", dedup_key="a") == "a"
    assert [entry.status for entry in sim.journal] == [503, None, 202]
    assert len(sim.incidents()) == 1


async def test_the_ca_may_come_from_the_environment(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", sim.ca_file)
    with EventsApiV2Client(KEY, base_url=sim.events_url) as client:
        assert await asyncio.to_thread(client.trigger, "Disk is full", "db-1", dedup_key="a") == "a"


def ca_files(ca_file: str) -> list[str]:
    """What there is where the CA file is; nothing of the key must be."""
    return [path.read_text() for path in Path(ca_file).parent.glob("*")]


async def test_the_ca_file_is_gone_with_the_simulator() -> None:
    async with Simulator(tls=True) as sim:
        ca_file = sim.ca_file
        (text,) = ca_files(ca_file)
        assert "BEGIN CERTIFICATE" in text
        assert "PRIVATE" not in text
    assert ca_files(ca_file) == []
