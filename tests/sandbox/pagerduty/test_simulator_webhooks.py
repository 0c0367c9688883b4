"""Webhooks v3 over HTTP: what is sent, when again, in which order, and when PagerDuty gives up."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest
from simulator_rest_driver import ALEX, ROBIN, Receiver, receiving

from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pagerduty.webhooks.deliveries import Retries


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(limit=None) as simulator:
        simulator.webhooks.retries = Retries(first_s=0.01, cap_s=0.02)
        yield simulator


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


def opened(sim: Simulator, title: str = "Checkout is slow") -> str:
    if not sim.rest.services:
        sim.rest.add_service("Checkout")
    return sim.people.open(sim.rest.services[0].id, title, ALEX).id


async def test_each_act_is_told_in_order(sim: Simulator, receiver: Receiver) -> None:
    sim.webhooks.subscribe(receiver.url)
    its_id = opened(sim)
    sim.people.acknowledge(its_id, ALEX)
    sim.people.unacknowledge(its_id, ALEX)
    sim.people.reassign(its_id, ALEX, ROBIN)
    sim.people.escalate(its_id, ROBIN, level=1)
    sim.people.delegate(its_id, ALEX, "PESCPA2")
    sim.people.set_priority(its_id, ALEX, "P2")
    sim.people.add_note(its_id, ALEX, "Looking")
    sim.people.publish(its_id, ALEX, "We are on it")
    sim.people.resolve(its_id, ALEX)
    sim.people.reopen(its_id, ALEX)
    await sim.webhooks_quiet()
    assert [name.removeprefix("incident.") for name in receiver.types] == [
        "triggered",
        "acknowledged",
        "unacknowledged",
        "reassigned",
        "escalated",
        "delegated",
        "priority_updated",
        "annotated",
        "status_update_published",
        "resolved",
        "reopened",
    ]
    assert {delivery.incident for delivery in receiver.deliveries} == {its_id}


async def test_it_is_signed_with_every_secret_over_the_raw_body(sim: Simulator, receiver: Receiver) -> None:
    subscription = sim.webhooks.subscribe(receiver.url, headers=[("x-api-key", "letmein")])
    old = subscription.secret
    new = sim.webhooks.rotate(subscription.id)
    opened(sim)
    await sim.webhooks_quiet()
    (delivery,) = receiver.deliveries
    assert delivery.headers["x-pagerduty-signature"] == ",".join(
        "v1=" + hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest() for secret in (old, new)
    )
    assert b'": ' not in delivery.body
    assert delivery.headers["user-agent"] == "PagerDuty-Webhook/V3.0"
    assert delivery.headers["accept"] == delivery.headers["content-type"] == "application/json"
    assert delivery.headers["x-webhook-subscription"] == subscription.id
    assert delivery.headers["x-api-key"] == "letmein"


async def test_it_is_tried_again_under_the_same_id_and_holds_up_its_incident_only(
    sim: Simulator, receiver: Receiver
) -> None:
    sim.webhooks.subscribe(receiver.url)
    first, second = opened(sim), opened(sim, "Another")
    await sim.webhooks_quiet()
    receiver.deliveries.clear()
    fails = iter([503, 429, 500])
    receiver.answer = lambda delivery: next(fails, 202) if delivery.type == "incident.acknowledged" else 202
    sim.people.acknowledge(first, ALEX)
    sim.people.add_note(first, ALEX, "Looking")
    sim.people.add_note(second, ALEX, "Looking too")
    await sim.webhooks_quiet()
    of_first = [delivery for delivery in receiver.deliveries if delivery.incident == first]
    assert [delivery.type for delivery in of_first] == ["incident.acknowledged"] * 4 + ["incident.annotated"]
    assert len({delivery.id for delivery in of_first}) == 2
    assert receiver.deliveries.index(next(one for one in receiver.deliveries if one.incident == second)) < 4


async def test_three_drops_in_a_row_disable_it_until_it_is_enabled(sim: Simulator, receiver: Receiver) -> None:
    subscription = sim.webhooks.subscribe(receiver.url)
    receiver.answers(400, 401, 404)
    its_id = opened(sim)
    sim.people.acknowledge(its_id, ALEX)
    sim.people.add_note(its_id, ALEX, "Looking")
    sim.people.add_note(its_id, ALEX, "Still looking")
    await sim.webhooks_quiet()
    assert subscription.disabled(sim.clock.time_ms())
    sim.people.resolve(its_id, ALEX)
    await sim.webhooks_quiet()
    assert [attempt.outcome for attempt in sim.webhooks.attempts] == ["dropped"] * 3 + ["discarded"] * 2
    sim.webhooks.enable(subscription.id)
    sim.people.reopen(its_id, ALEX)
    await sim.webhooks_quiet()
    assert receiver.types[3:] == ["incident.reopened"]


async def test_a_receiver_that_does_not_answer_is_asked_again(sim: Simulator, receiver: Receiver) -> None:
    sim.webhooks.timeout_s = 0.05
    sim.webhooks.subscribe(receiver.url)
    answers = iter([None])
    receiver.answer = lambda delivery: next(answers, 202)
    opened(sim)
    await sim.webhooks_quiet()
    assert [(attempt.answer, attempt.outcome) for attempt in sim.webhooks.attempts] == [
        ("timeout", "retried"),
        (202, "delivered"),
    ]


async def test_doubles_come_under_the_same_id(sim: Simulator, receiver: Receiver) -> None:
    sim.webhooks.subscribe(receiver.url)
    sim.webhooks.double()
    opened(sim)
    await sim.webhooks_quiet()
    assert len(receiver.deliveries) == 2
    assert len({delivery.id for delivery in receiver.deliveries}) == 1


async def test_incidents_overtake_each_other_and_none_overtakes_itself(sim: Simulator, receiver: Receiver) -> None:
    sim.webhooks.subscribe(receiver.url)
    sim.webhooks.reorder(0.05)
    ids = [opened(sim, f"Incident {number}") for number in range(20)]
    for its_id in ids:
        sim.people.acknowledge(its_id, ALEX)
    await sim.webhooks_quiet()
    triggered = [one.incident for one in receiver.deliveries if one.type == "incident.triggered"]
    assert sorted(triggered) == ids
    assert triggered != ids
    for its_id in ids:
        assert [one.type for one in receiver.deliveries if one.incident == its_id] == [
            "incident.triggered",
            "incident.acknowledged",
        ]


async def test_webhooks_get_lost_on_demand(sim: Simulator, receiver: Receiver) -> None:
    sim.webhooks.subscribe(receiver.url)
    sim.webhooks.drop(1)
    its_id = opened(sim)
    sim.people.acknowledge(its_id, ALEX)
    await sim.webhooks_quiet()
    assert receiver.types == ["incident.acknowledged"]


async def test_any_type_may_come(sim: Simulator, receiver: Receiver) -> None:
    sim.webhooks.subscribe(receiver.url)
    sim.webhooks.inject("incident.levitated", {"id": "Q1", "type": "incident"})
    await sim.webhooks_quiet()
    assert receiver.types == ["incident.levitated"]
