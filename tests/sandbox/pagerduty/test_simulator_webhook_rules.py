"""Webhooks v3 without a network: who is told, what the events say, and how answers are judged; then time, by hand."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from simulator_driver import KEY, act, trigger
from simulator_rest_driver import ALEX, ROBIN, PureRest, Receiver, receiving, webhook_sample

from streams.sandbox.pagerduty import ManualClock, Simulator
from streams.sandbox.pagerduty.events_api import Endpoint, EventsApi
from streams.sandbox.pagerduty.webhooks.deliveries import Outcome, Retries, Trouble, Webhook, judge
from streams.sandbox.pagerduty.webhooks.signature import signature_header


class Told(PureRest):
    """An account whose webhooks are collected."""

    def __init__(self, seed: int = 7) -> None:
        super().__init__()
        self.account.rng.seed(seed)
        self.sent: list[Webhook] = []
        self.account.webhooks.send = self.sent.append
        self.events = EventsApi(self.account)

    def event(self, event: dict[str, Any]) -> None:
        self.events.handle(Endpoint.ALERT, json.dumps(event).encode())

    @property
    def types(self) -> list[str]:
        return [one.type.removeprefix("incident.") for one in self.sent]

    @property
    def last(self) -> Any:
        return json.loads(self.sent[-1].body)["event"]


@pytest.fixture
def told() -> Told:
    made = Told()
    made.account.webhooks.subscribe("https://hooks.example.com")
    return made


@pytest.mark.parametrize("vector", webhook_sample("signature_vectors"), ids=lambda vector: str(vector["name"]))
def test_signatures_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    ours = signature_header(vector["secrets"], vector["body"].encode())
    theirs = ",".join(part for part in vector["header"].split(",") if part.startswith("v1="))
    assert (ours == theirs) is (vector["valid_for"] != [])


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_leads_somewhere(status: int) -> None:
    if 200 <= status <= 299:
        wanted = Outcome.DELIVERED
    elif status == 429 or status >= 500:
        wanted = Outcome.RETRIED
    else:
        wanted = Outcome.DROPPED
    assert judge(status) is wanted


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [(Trouble.TIMEOUT, Outcome.RETRIED), (Trouble.CONNECTION, Outcome.RETRIED), (Trouble.TLS, Outcome.DROPPED)],
)
def test_no_answer_leads_somewhere(trouble: Trouble, outcome: Outcome) -> None:
    assert judge(trouble) is outcome


def test_an_events_incident_has_no_key_and_the_integration_as_agent(told: Told) -> None:
    told.event({**trigger(), "client": "Pagerline", "client_url": "https://pagerline.example.com/1"})
    assert (told.last["data"]["incident_key"], told.last["agent"]["type"]) == (None, "inbound_integration_reference")
    assert told.last["client"] == {"name": "Pagerline", "url": "https://pagerline.example.com/1"}
    told.event(act("acknowledge"))
    assert (told.last["agent"]["type"], told.last["client"]) == ("inbound_integration_reference", None)
    told.event(act("acknowledge"))
    told.event(trigger())
    told.event(act("resolve"))
    told.event(act("resolve"))
    assert told.types == ["triggered", "acknowledged", "resolved"]


def test_a_rest_incident_has_its_key_and_the_from_user_as_agent(told: Told) -> None:
    its_id = told.open(incident_key="case/1")
    assert (told.last["data"]["incident_key"], told.last["agent"]["summary"]) == ("case/1", "Alex Example")
    told.put(its_id, status="acknowledged")
    assert (told.last["agent"]["summary"], told.last["data"]["status"]) == ("Alex Example", "acknowledged")


def test_what_changes_nothing_is_not_told(told: Told) -> None:
    its_id = told.open()
    told.put(its_id, status="acknowledged")
    before = len(told.sent)
    told.put(its_id, status="acknowledged")
    told.put(its_id, title="Another title")
    told.put(its_id, urgency="low")
    told.put(its_id, priority=None)
    assert len(told.sent) == before
    told.put(its_id, status="resolved")
    told.put(its_id, status="resolved")
    assert len(told.sent) == before + 1


def test_an_acknowledge_of_a_resolved_one_reopens_it(told: Told) -> None:
    its_id = told.open()
    told.put(its_id, status="resolved")
    told.put(its_id, status="acknowledged")
    assert told.types == ["triggered", "resolved", "reopened", "acknowledged"]
    reopened = json.loads(told.sent[2].body)["event"]["data"]
    assert reopened["reopened_at"] is not None


def test_a_resolution_note_comes_before_or_after_its_resolve() -> None:
    orders = set()
    for seed in range(20):
        told = Told(seed)
        told.account.webhooks.subscribe("https://hooks.example.com")
        its_id = told.open()
        told.people.resolve(its_id, ALEX, note="Disk was cleaned up.")
        orders.add(tuple(told.types[1:]))
        note = next(json.loads(one.body)["event"]["data"] for one in told.sent if one.type == "incident.annotated")
        assert note["content"] == "Resolution Note: Disk was cleaned up."
    assert orders == {("resolved", "annotated"), ("annotated", "resolved")}


def test_a_resolution_over_rest_makes_no_note(told: Told) -> None:
    its_id = told.open()
    told.put(its_id, status="resolved", resolution="Disk was cleaned up.")
    assert told.types == ["triggered", "resolved"]


def test_a_merged_incident_is_resolved_by_who_merged_it_and_its_events_go_to_the_target(told: Told) -> None:
    target = told.open("Target")
    told.event(trigger())
    source = told.account.incidents()[0]
    told.people.merge(target, [source.id], ROBIN)
    assert told.last["agent"]["summary"] == "Robin Example"
    assert told.last["data"]["resolve_reason"]["incident"]["id"] == target
    told.event(act("acknowledge"))
    assert (told.last["event_type"], told.last["data"]["id"]) == ("incident.acknowledged", target)
    assert told.last["data"]["incident_key"] is None
    assert [one["alert_key"] for one in told.get(f"/incidents/{target}/alerts")["alerts"]] == ["db-1/disk"]
    told.event(act("resolve"))
    assert (told.last["event_type"], told.last["data"]["id"]) == ("incident.resolved", target)
    told.event(trigger())
    assert told.last["event_type"] == "incident.triggered"
    assert told.last["data"]["id"] not in (target, source.id)


def test_an_incident_with_two_alerts_is_resolved_by_the_last(told: Told) -> None:
    told.event(trigger("a"))
    told.event(trigger("b"))
    first, second = told.account.incidents()
    told.people.merge(first.id, [second.id], ALEX)
    told.event(act("resolve", "a"))
    assert first.status == "triggered"
    told.event(act("resolve", "b"))
    assert first.status == "resolved"


def test_long_texts_are_trimmed(told: Told) -> None:
    told.account.webhooks.bodies.trim_at = 10
    its_id = told.open()
    told.people.add_note(its_id, ALEX, "0123456789")
    assert (told.last["data"]["content"], told.last["data"]["trimmed"]) == ("0123456789", False)
    told.people.add_note(its_id, ALEX, "0123456789abc")
    assert (told.last["data"]["content"], told.last["data"]["trimmed"]) == ("0123456789", True)
    assert told.people.notes(its_id)[-1] == "0123456789abc"


def test_only_those_are_told_who_want_to_know() -> None:
    told = Told()
    one, other = told.rest.add_service("Checkout"), told.rest.add_service("Search")
    webhooks = told.account.webhooks
    everything = webhooks.subscribe("https://a.example.com").id
    service = webhooks.subscribe("https://b.example.com", filter_type="service_reference", filter_id=other).id
    resolves = webhooks.subscribe("https://c.example.com", ["incident.resolved"]).id
    off = webhooks.subscribe("https://d.example.com")
    off.active = False
    told.put(told.open(service=one), status="resolved")
    told.open(service=other)
    by_type = [(webhook.subscription, webhook.type) for webhook in told.sent]
    assert by_type == [
        (everything, "incident.triggered"),
        (everything, "incident.resolved"),
        (resolves, "incident.resolved"),
        (everything, "incident.triggered"),
        (service, "incident.triggered"),
    ]
    same = [webhook for webhook in told.sent if webhook.type == "incident.resolved"]
    assert len({webhook.event for webhook in same}) == 1
    assert len({webhook.id for webhook in told.sent}) == 5


def test_a_renamed_service_is_told(told: Told) -> None:
    service = told.rest.add_service("Checkout")
    told.people.rename_service(service, "Payments", ALEX)
    assert (told.sent[-1].type, told.last["data"]["name"], told.last["data"]["id"]) == (
        "service.updated",
        "Payments",
        service,
    )


def test_time_outs_are_told_without_an_agent(told: Told) -> None:
    its_id = told.open(service=told.rest.add_service("Checkout", acknowledgement_timeout=60))
    told.put(its_id, status="acknowledged")
    told.clock.advance(60)
    told.get("/incidents")
    assert (told.last["event_type"], told.last["agent"]) == ("incident.unacknowledged", None)


def test_the_waits_double_up_to_a_cap() -> None:
    retries = Retries(first_s=1, factor=2, cap_s=10)
    assert [retries.wait(attempt) for attempt in (1, 2, 3, 4, 5, 5000)] == [1, 2, 4, 8, 10, 10]


async def settled(sim: Simulator, attempts: int) -> None:
    """Return when so many attempts have been made."""
    await sim.delivered(lambda attempt: True, count=attempts)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def one_webhook(sim: Simulator, receiver: Receiver) -> None:
    sim.webhooks.subscribe(receiver.url)
    sim.people.open(sim.rest.add_service("Checkout"), "Checkout is slow", ALEX)


async def test_five_seconds_without_an_answer_are_too_many(clock: ManualClock) -> None:
    async with receiving() as receiver, Simulator(clock=clock) as sim:
        receiver.answer = lambda delivery: None
        await one_webhook(sim, receiver)
        await clock.asleep()
        clock.advance(5)
        await settled(sim, 1)
        assert [(one.answer, one.outcome) for one in sim.webhooks.attempts] == [("timeout", "retried")]


async def test_after_48_hours_it_is_dropped(clock: ManualClock) -> None:
    async with receiving() as receiver, Simulator(clock=clock) as sim:
        sim.webhooks.retries = Retries(first_s=24 * 3600, factor=1, cap_s=24 * 3600)
        receiver.answer = lambda delivery: 503
        await one_webhook(sim, receiver)
        for attempt in (1, 2):
            await settled(sim, attempt)
            await clock.asleep()
            clock.advance(24 * 3600)
        await sim.webhooks_quiet()
        assert [one.outcome for one in sim.webhooks.attempts] == ["retried", "retried", "dropped"]


async def test_a_late_webhook_is_sent_when_it_is_time(clock: ManualClock) -> None:
    async with receiving() as receiver, Simulator(clock=clock) as sim:
        sim.webhooks.delay(30)
        await one_webhook(sim, receiver)
        await clock.asleep()
        clock.advance(29)
        await clock.asleep()
        assert receiver.deliveries == []
        clock.advance(1)
        await sim.webhooks_quiet()
        assert receiver.types == ["incident.triggered"]


async def test_held_webhooks_go_out_in_order_when_they_are_released() -> None:
    async with receiving() as receiver, Simulator() as sim:
        sim.webhooks.hold()
        await one_webhook(sim, receiver)
        its_id = sim.rest.incidents()[0].id
        sim.people.acknowledge(its_id, ALEX)
        with pytest.raises(TimeoutError):
            await sim.webhooks_quiet(timeout=0.05)
        assert (receiver.deliveries, sim.webhooks_waiting) == ([], 2)
        sim.webhooks.release()
        await sim.webhooks_quiet()
        assert receiver.types == ["incident.triggered", "incident.acknowledged"]


async def test_nobody_there_is_tried_again() -> None:
    async with Simulator(rng=random.Random(1)) as sim:
        async with receiving() as receiver:
            pass
        sim.webhooks.retries = Retries(first_s=0.01, cap_s=0.01)
        await one_webhook(sim, receiver)
        await settled(sim, 2)
        assert {one.answer for one in sim.webhooks.attempts} == {"connection"}
        sim.webhooks.subscriptions.clear()
        sim.webhooks.changed()
        await sim.webhooks_quiet()
        assert sim.webhooks.attempts[-1].outcome == "discarded"


async def test_a_certificate_that_nobody_vouches_for_is_a_drop() -> None:
    async with Simulator(tls=True) as https, Simulator() as sim:
        sim.webhooks.subscribe(f"{https.api_url}/hook")
        sim.people.open(sim.rest.add_service("Checkout"), "Checkout is slow", ALEX)
        await sim.webhooks_quiet()
        assert [(one.answer, one.outcome) for one in sim.webhooks.attempts] == [("tls", "dropped")]


async def test_snoozes_end_by_themselves(clock: ManualClock) -> None:
    async with Simulator(clock=clock) as sim:
        its_id = sim.people.open(sim.rest.add_service("C", acknowledgement_timeout=60), "Slow", ALEX).id
        sim.people.acknowledge(its_id, ALEX)
        await clock.asleep()
        unacknowledged = asyncio.Event()
        sim.history.listeners.append(lambda happening: unacknowledged.set())
        clock.advance(60)
        async with asyncio.timeout(10):
            await unacknowledged.wait()
        assert sim.rest.incident(its_id).status == "triggered"


async def test_deleted_incidents_and_resets_leave_nothing_due(clock: ManualClock) -> None:
    async with Simulator(clock=clock) as sim:
        service = sim.rest.add_service("Checkout", routing_key=KEY, auto_resolve_timeout=60)
        gone = sim.people.open(service, "Slow", ALEX).id
        sim.people.delete(gone)
        assert sim.desk.agenda.next_at() is None
        sim.people.open(service, "Slow", ALEX)
        sim.reset()
        assert sim.desk.agenda.next_at() is None
        assert sim.rest.incidents() == []
