"""The ingress behind the simulator's own deliveries: people act, and Kafka has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from streams.sandbox.pagerduty import Simulator
from tests.web.webhook_sender import Broker, Ingress, integration, serving, snapshot

ALEX = "alex@example.com"
EVENTS = ("incident.triggered", "incident.acknowledged", "incident.annotated", "incident.resolved")


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(rest_limit=None) as simulator:
        yield simulator


def subscribe(sim: Simulator, ingress: Ingress) -> str:
    """Subscribe the ingress, and give the integration the secret. Returns the subscription's id."""
    made = sim.webhooks.subscribe(f"{ingress.url}/webhooks/pagerduty/main", EVENTS)
    ingress.documents.append(snapshot(integration(secrets=(made.secret,), subscription=made.id)))
    return made.id


def act(sim: Simulator) -> None:
    incident = sim.people.open(sim.rest.add_service("Payments"), "Checkout is slow", ALEX)
    sim.people.acknowledge(incident.id, ALEX)
    sim.people.add_note(incident.id, ALEX, "Überlauf behoben ✅")
    sim.people.resolve(incident.id, ALEX)


def told(broker: Broker) -> list[str]:
    return [orjson.loads(record["body"])["event"]["event_type"] for _, record in broker.records]


async def test_what_people_do_reaches_kafka_in_order_and_once(sim: Simulator) -> None:
    broker = Broker()
    async with serving(broker.send) as ingress:
        subscribe(sim, ingress)
        sim.webhooks.double()
        act(sim)
        await sim.webhooks_quiet()
        events = told(broker)
    assert [event for event in events if event in EVENTS] == list(EVENTS)


async def test_two_secrets_while_one_is_changed(sim: Simulator) -> None:
    broker = Broker()
    async with serving(broker.send) as ingress:
        subscription = subscribe(sim, ingress)
        sim.webhooks.rotate(subscription, keep_old=True)
        act(sim)
        await sim.webhooks_quiet()
    assert told(broker) == list(EVENTS)


async def test_a_wrong_secret_of_ours_never_disables_the_subscription(sim: Simulator) -> None:
    broker = Broker()
    async with serving(broker.send) as ingress:
        subscription = subscribe(sim, ingress)
        right = ingress.documents.pop()
        ingress.documents.append(snapshot(integration(secrets=("wrong",), subscription=subscription)))
        for _ in range(4):
            act(sim)
        async with asyncio.timeout(20):
            while ingress.count("wrong_secret") < 4:
                await asyncio.sleep(0.05)
        ingress.documents.append(right)
        await sim.webhooks_quiet(timeout=30)
    assert sorted(told(broker)) == sorted(EVENTS * 4)
