"""The REST client, the services and the poll against the simulator's account."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import get_args

import pytest

from streams.documents.secrets import Secret
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.poll import Cursor, Health, Put, incidents_now, log_since, subscription_health
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest
from streams.pagerduty.services import Ambiguous, Ask, Found, Service, ServiceBook, Unknown, resolve
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pagerduty.rest.access import Access
from streams.sandbox.pagerduty.rest.answers import ErrorShape

TOKEN = "u+" + "t" * 18
BOT = "bot@example.com"
ALEX = "alex.person@example.com"


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(tokens=[TOKEN], rest_limit=None) as simulator:
        simulator.rest.add_user("Bot", BOT)
        simulator.rest.add_user("Alex Person", ALEX)
        yield simulator


@pytest.fixture
async def api(sim: Simulator) -> AsyncIterator[RestClient]:
    async with RestClient(sim.api_url, Secret(TOKEN), BOT, timeout=10, connections=4) as client:
        yield client


async def opened(sim: Simulator, api: RestClient, key: str = "case/1") -> str:
    service = next((one.id for one in sim.rest.services if one.name == "Payments"), None)
    answer = await api.create_incident(
        title="Checkout is slow", service=service or sim.rest.add_service("Payments"), key=key, details="p95 is 3 s"
    )
    assert judge_rest(answer) == Ok()
    return str(answer.one("incident")["id"])


async def test_an_incident_from_its_opening_to_its_end(sim: Simulator, api: RestClient) -> None:
    incident = await opened(sim, api)
    again = await api.create_incident(title="Again", service=sim.rest.services[-1].id, key="case/1")
    verdict = judge_rest(again)
    assert isinstance(verdict, Refused)
    assert verdict.reason == "duplicate_incident_key"
    by_key = await api.incidents_by_key("case/1")
    assert [one["id"] for one in by_key.many("incidents")] == [incident]
    assert judge_rest(await api.update_incident(incident, status="acknowledged")) == Ok()
    note = await api.add_note(incident, "Restarted it.\n[Alex]")
    listed = await api.notes(incident)
    assert [one["id"] for one in listed.many("notes")] == [note.one("note")["id"]]
    priority = (await api.priorities()).many("priorities")[0]["id"]
    changed = await api.update_incident(incident, title="Checkout is down", urgency="low", priority=priority)
    shown = changed.one("incident")
    assert (shown["title"], shown["urgency"], shown["priority"]["id"]) == ("Checkout is down", "low", priority)
    assert judge_rest(await api.update_incident(incident, status="resolved", resolution="Scaled up")) == Ok()
    assert (await api.incident(incident)).one("incident")["status"] == "resolved"
    sim.rest.refuse_repeats()
    repeated = judge_rest(await api.update_incident(incident, status="resolved"))
    assert isinstance(repeated, Ok)
    assert repeated.already


async def test_what_a_token_lacks_is_told(sim: Simulator, api: RestClient) -> None:
    sim.rest.add_token("reader", Access(read_only=True))
    async with RestClient(sim.api_url, Secret("reader"), BOT, timeout=10, connections=1) as reader:
        assert judge_rest(await reader.services()) == Ok()
        refused = judge_rest(await reader.add_note(await opened(sim, api), "x"))
        assert isinstance(refused, Refused)
        assert refused.reason == "forbidden"
    for token, sender, reason in ((TOKEN, "nobody@example.com", "requester_unknown"), ("gone", BOT, "unauthorized")):
        async with RestClient(sim.api_url, Secret(token), sender, timeout=10, connections=1) as other:
            refused = judge_rest(await other.update_incident(await opened(sim, api, f"case/{token}"), title="x"))
            assert isinstance(refused, Refused)
            assert refused.reason == reason
    missing = judge_rest(await api.incident("Q0000000000000"))
    assert isinstance(missing, Refused)
    assert missing.reason == "not_found"


@pytest.mark.parametrize("shape", get_args(ErrorShape))
async def test_errors_in_any_shape_are_refusals(sim: Simulator, api: RestClient, shape: str) -> None:
    await opened(sim, api)
    sim.rest.shape_errors(shape)
    refused = judge_rest(await api.create_incident(title="Again", service=sim.rest.services[-1].id, key="case/1"))
    assert isinstance(refused, Refused)
    # Of these shapes only the message is there, or nothing.
    told = shape not in ("text_member", "plain_text", "empty")
    assert refused.reason == ("duplicate_incident_key" if told else "invalid_request")


async def test_the_limit_is_told_with_its_end(sim: Simulator, api: RestClient) -> None:
    sim.rest.set_limit(2)
    answers = [await api.abilities() for _ in range(3)]
    assert [answer.remaining for answer in answers] == [1, 0, 0]
    verdict = judge_rest(answers[-1])
    assert isinstance(verdict, TryAgain)
    assert verdict.reason == "rate_limited"
    assert verdict.after is not None
    assert 0 < verdict.after <= 60
    sim.rest.bare_429()
    assert judge_rest(await api.abilities()) == TryAgain("rate_limited", "", None)


async def test_services_by_name_by_id_and_after_a_rename(sim: Simulator, api: RestClient) -> None:
    payments = Service(sim.rest.add_service("Payments EU"), "Payments EU")
    first, second = sim.rest.add_service("Twice"), sim.rest.add_service("Twice")
    for number in range(130):
        sim.rest.add_service(f"Filler {number}")
    now = 0.0
    book = ServiceBook(clock=lambda: now)

    async def call(question: Ask) -> RestAnswer:
        return await question.put(api)

    assert await resolve("payments eu", book, call) == Found(payments, "name_but_case")
    assert await resolve(payments.id, book, call) == Found(payments, "id")
    twice = await resolve("Twice", book, call)
    assert isinstance(twice, Ambiguous)
    assert {one.id for one in twice.candidates} == {first, second}
    unknown = await resolve("Paymints EU", book, call)
    assert isinstance(unknown, Unknown)
    assert unknown.near[0] == payments
    sim.rest.rename_service(payments.id, "Money")
    now += 300
    assert isinstance(await resolve("Payments EU", book, call), Unknown)
    assert await resolve("Money", book, call) == Found(Service(payments.id, "Money"), "name")


async def test_the_log_tells_what_people_did_while_nobody_listened(sim: Simulator, api: RestClient) -> None:
    async def call(put: Put) -> RestAnswer:
        return await put(api)

    start = time.time_ns() // 1_000_000 - 1_000
    incident = await opened(sim, api)
    sim.people.acknowledge(incident, ALEX)
    sim.people.add_note(incident, ALEX, "Looking at it.")
    sim.people.resolve(incident, ALEX)
    news = await log_since(call, Cursor(start), time.time_ns() // 1_000_000 + 2_000)
    about = [entry["type"] for entry in news.entries if entry["incident"]["id"] == incident]
    told = ["trigger_log_entry", "acknowledge_log_entry", "annotate_log_entry", "resolve_log_entry"]
    assert [kind for kind in about if kind in told] == told
    assert (await log_since(call, news.cursor, news.cursor.at)).entries == ()
    standing = await incidents_now(call, [incident, "Q0000000000000"])
    assert standing.found[incident]["status"] == "resolved"
    assert standing.gone == {"Q0000000000000"}


async def test_a_subscription_from_its_making_to_its_end(sim: Simulator, api: RestClient) -> None:
    async def call(put: Put) -> RestAnswer:
        return await put(api)

    made = await api.create_subscription(url="http://127.0.0.1:9/x", events=["incident.resolved"], description="d")
    subscription = made.one("webhook_subscription")
    assert subscription["delivery_method"]["secret"]
    sim.webhooks.disable(subscription["id"])
    assert await subscription_health(call, subscription["id"]) == Health("enabled_again")
    assert await subscription_health(call, subscription["id"]) == Health("enabled")
    await api.update_subscription(subscription["id"], {"active": False})
    assert await subscription_health(call, subscription["id"]) == Health("switched_off")
    listed = await api.subscriptions()
    assert [one["id"] for one in listed.many("webhook_subscriptions")] == [subscription["id"]]
    assert subscription["delivery_method"]["secret"] not in str(listed.body)
    assert judge_rest(await api.ping_subscription(subscription["id"])) == Ok()
    assert judge_rest(await api.delete_subscription(subscription["id"])) == Ok()
    assert await subscription_health(call, subscription["id"]) == Health("missing")
