"""What the doctor says of an integration, and what it puts right, against the simulator's account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import MappingProxyType
from typing import Any

import pytest

from streams.doctor import reference
from streams.doctor.account import Account, examine
from streams.doctor.finding import Finding
from streams.doctor.subscription import EVENTS, webhook_url
from streams.documents.connector import Connector, frozen_fields, frozen_overrides
from streams.documents.integration import Integration, api_url_of
from streams.documents.secrets import Secret
from streams.errors import KafkaUnavailable
from streams.pagerduty.rest_answers import RestAnswer
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pagerduty.rest.access import Access

TOKEN = "u+" + "t" * 18
BOT = "bot@example.com"
URL = "https://pagerline.example.com/webhooks/pagerduty/main"

Spoil = Callable[[Simulator], dict[str, Any]]


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(tokens=[TOKEN], rest_limit=None) as simulator:
        simulator.rest.add_user("Bot", BOT)
        yield simulator


def connector(**fields: str) -> Connector:
    given = {"integrationId": "main", **fields}
    secrets = frozen_fields({name: Secret(value) for name, value in given.items()})
    return Connector("cases", "Cases", "PAGERDUTY_INCIDENTS", secrets, frozen_overrides({}))


def integration(sim: Simulator, **more: Any) -> Integration:
    given: dict[str, Any] = {"token": Secret(TOKEN), "from_email": BOT, "base_url": sim.api_url, **more}
    return Integration("main", "Main", **given)


class Saved:
    """Where repairs are stored."""

    def __init__(self) -> None:
        self.documents: list[Integration] = []

    async def save(self, changed: Integration) -> None:
        self.documents.append(changed)


class Broken(Saved):
    """Where nothing can be stored."""

    async def save(self, changed: Integration) -> None:
        raise KafkaUnavailable("no broker answers")


async def told(
    sim: Simulator, document: Integration, *connectors: Connector, url: str | None = None, saved: Saved | None = None
) -> list[Finding]:
    account = Account(document, connectors or (connector(),), "https://api.pagerduty.com", 10)
    found = [one async for one in examine(account, url=url, save=saved.save if saved else None)]
    for one in found:
        assert TOKEN not in str(one)
        for subscription in sim.webhooks.subscriptions:
            assert subscription.secret not in str(one)
    return found


def lines(findings: list[Finding], *states: str) -> list[str]:
    return [str(one) for one in findings if one.state in states]


async def repaired(sim: Simulator) -> Integration:
    """An integration with everything set up."""
    saved = Saved()
    await told(sim, integration(sim), url=URL, saved=saved)
    [document] = saved.documents
    return document


async def test_an_integration_that_is_all_right(sim: Simulator) -> None:
    sim.rest.add_service("Payments")
    found = await told(sim, await repaired(sim), connector(service="Payments"))
    assert lines(found, "wrong", "note") == []
    about = ["token", "from", "token", "token", "service", "priorities", "subscription"]
    assert [one.about for one in found] == about


def reader(sim: Simulator) -> dict[str, Any]:
    sim.rest.add_token("reader", Access(read_only=True))
    return {"token": Secret("reader")}


def no_priorities(sim: Simulator) -> dict[str, Any]:
    sim.rest.without_priorities()
    return {}


def stakeholder(sim: Simulator) -> dict[str, Any]:
    sim.rest.add_user("Stake Holder", "holder@example.com").role = "read_only_user"
    return {"from_email": "Holder@example.com"}


def nobody_reads_users(sim: Simulator) -> dict[str, Any]:
    scopes = frozenset({"incidents.write", "services.read", "webhook_subscriptions.write", "abilities.read"})
    sim.rest.add_token("scoped", Access(scopes=scopes))
    return {"token": Secret("scoped")}


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda sim: {"token": Secret("gone")}, "wrong token: PagerDuty does not know it"),
        (lambda sim: {"from_email": "nobody@example.com"}, "wrong from: nobody@example.com: "),
        (lambda sim: {"base_url": "http://127.0.0.1:9"}, "wrong PagerDuty: http://127.0.0.1:9 does not answer"),
        (lambda sim: {"token": Secret("${ENV:NO_SUCH_NAME}")}, "wrong token: the variable NO_SUCH_NAME is not set"),
        (reader, "wrong token: may not write incidents"),
        (reader, "wrong token: may not write webhook subscriptions"),
        (no_priorities, "note  priorities: the account has none"),
        (stakeholder, "wrong from: Holder@example.com (Stake Holder) is a read_only_user"),
        (nobody_reads_users, "note  from: the token may not read users"),
        (lambda sim: {"services": MappingProxyType({"Old": "PGONE01"})}, "wrong service: the account has no service"),
    ],
)
async def test_what_is_wrong_is_said(sim: Simulator, spoil: Spoil, line: str) -> None:
    found = await told(sim, integration(sim, **spoil(sim)))
    assert [one for one in lines(found, "wrong", "note") if one.startswith(line)], "\n".join(map(str, found))


async def test_who_lacks_a_variable_is_told_once_where_it_belongs(sim: Simulator) -> None:
    [line] = lines(await told(sim, integration(sim, token=Secret("${ENV:NO_SUCH_NAME}"))), "wrong")
    assert line.count("set it") == 1
    assert line.endswith("set it wherever workers run, and restart them; the doctor needs it here as well")


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("payments", "note  service: 'payments' is written 'Payments' in PagerDuty"),
        ("Paymints", "wrong service: the account has no service 'Paymints'; it has 'Payments' ("),
        ("Twice", "wrong service: several services are called 'Twice'"),
        ("{{ case.title }}", "ok    priorities"),  # not known before there is a Case
    ],
)
async def test_services_are_looked_at_one_by_one(sim: Simulator, asked: str, line: str) -> None:
    for name in ("Payments", "Twice", "Twice"):
        sim.rest.add_service(name)
    found = await told(sim, integration(sim), connector(service=asked))
    assert [one for one in lines(found, "wrong", "note", "ok") if one.startswith(line)], "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ({"status": "disabled"}, "wrong service: 'Closed' (PCLOSED) is disabled: it takes no incidents; enable it"),
        ({"status": "maintenance"}, "note  service: 'Closed' (PCLOSED) is in maintenance: incidents page nobody"),
        (None, "wrong service: the account has no service 'Closed' (integration main, services.Closed)"),
    ],
)
async def test_a_service_that_takes_no_incidents(answer: dict[str, Any] | None, line: str) -> None:
    class Api:
        async def service(self, service_id: str) -> RestAnswer:
            found = {"id": service_id, "name": "Closed", **(answer or {})}
            return RestAnswer(404 if answer is None else 200, {"service": found})

        async def services(self, *, query: str | None = None, offset: int = 0) -> RestAnswer:
            return RestAnswer(200, {"services": []})

    document = Integration("main", "Main", Secret(TOKEN), BOT, services=MappingProxyType({"Closed": "PCLOSED"}))
    found = [str(one) async for one in reference.services(Api(), document, [connector()])]
    assert [
        one.replace("'PCLOSED'", "'Closed'").removesuffix("; correct the name, or use the service's id")
        for one in found
    ] == [line]


async def test_an_integration_that_no_connector_goes_through(sim: Simulator) -> None:
    found = await told(sim, integration(sim), connector(integrationId="other"))
    assert "none is of type PAGERDUTY_INCIDENTS with integrationId main" in "\n".join(lines(found, "note"))


async def test_nothing_is_changed_without_being_asked(sim: Simulator) -> None:
    await told(sim, integration(sim), url=URL)
    assert [call for call in sim.rest.journal if call.write and call.done] == []


async def test_a_subscription_is_set_up_and_its_secret_stored(sim: Simulator) -> None:
    bare, saved = integration(sim), Saved()
    assert "wrong subscription: there is none" in "\n".join(lines(await told(sim, bare), "wrong"))
    found = await told(sim, bare, saved=saved)
    assert "say where PagerDuty reaches `pagerline web`: --webhook-url URL" in "\n".join(lines(found, "wrong"))
    assert saved.documents == []
    found = await told(sim, bare, url=URL, saved=saved)
    assert lines(found, "wrong") == []
    [made], [document] = list(sim.webhooks.subscriptions), saved.documents
    assert (made.url, made.events, made.filter_type) == (URL, EVENTS, "account_reference")
    assert document.subscription == made.id
    assert document.webhook_secrets == (Secret(made.secret),)
    assert document.token == bare.token


def disabled(sim: Simulator, made: Any) -> None:
    sim.webhooks.disable(made.id)


def switched_off(_sim: Simulator, made: Any) -> None:
    made.active = False


def half_deaf(_sim: Simulator, made: Any) -> None:
    made.events = EVENTS[:-2]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (disabled, "because its webhooks failed"),
        (switched_off, "is switched off"),
        (half_deaf, "does not tell of incident.priority_updated, incident.annotated"),
    ],
)
async def test_a_subscription_that_has_suffered_is_put_right(
    sim: Simulator, spoil: Callable[[Simulator, Any], None], words: str
) -> None:
    document, saved = await repaired(sim), Saved()
    [made] = sim.webhooks.subscriptions
    spoil(sim, made)
    [fault] = lines(await told(sim, document), "wrong")
    assert fault.startswith(f"wrong subscription: {'PagerDuty has disabled ' * (spoil is disabled)}{made.id}")
    assert words in fault
    assert lines(await told(sim, document, saved=saved), "wrong") == []
    assert lines(await told(sim, document), "wrong") == []
    assert saved.documents == []
    assert [one.id for one in sim.webhooks.subscriptions] == [made.id]


def kept(document: Integration) -> dict[str, Any]:
    return {"subscription": document.subscription, "webhook_secrets": document.webhook_secrets}


@pytest.mark.parametrize("lost", ["secret", "subscription", "name"])
async def test_what_is_lost_is_made_anew_and_the_old_one_goes(sim: Simulator, lost: str) -> None:
    document, saved = await repaired(sim), Saved()
    [old] = sim.webhooks.subscriptions
    if lost == "subscription":
        sim.webhooks.subscriptions.remove(old.id)
    without: dict[str, dict[str, Any]] = {"secret": {"webhook_secrets": ()}, "name": {"subscription": None}}
    spoiled = integration(sim, **{**kept(document), **without.get(lost, {})})
    assert lines(await told(sim, spoiled, url=URL), "wrong")
    assert lines(await told(sim, spoiled, url=URL, saved=saved), "wrong") == []
    [new], [stored] = list(sim.webhooks.subscriptions), saved.documents
    assert new.id != old.id
    assert stored.subscription == new.id
    assert stored.webhook_secrets[0] == Secret(new.secret)


async def test_another_address_is_another_subscription_and_what_was_signed_before_is_known(sim: Simulator) -> None:
    document, saved = await repaired(sim), Saved()
    [old] = sim.webhooks.subscriptions
    elsewhere = URL.replace("example.com", "example.org")
    assert lines(await told(sim, document, url=elsewhere, saved=saved), "wrong") == []
    [new] = sim.webhooks.subscriptions
    assert new.url == elsewhere
    assert saved.documents[0].webhook_secrets == (Secret(new.secret), Secret(old.secret))


async def test_subscriptions_of_others_are_left_alone(sim: Simulator) -> None:
    other = sim.webhooks.subscribe(URL.replace("pagerline", "staging"), EVENTS)
    document = await repaired(sim)
    assert other.id in [one.id for one in sim.webhooks.subscriptions]
    double = sim.webhooks.subscribe(URL, EVENTS)
    notes = "\n".join(lines(await told(sim, document), "note"))
    assert f"{double.id} sends to the same place" in notes
    assert "another one sends to https://staging.example.com" in notes


async def test_a_secret_that_could_not_be_stored_leaves_nothing_behind(sim: Simulator) -> None:
    with pytest.raises(KafkaUnavailable):
        await told(sim, integration(sim), url=URL, saved=Broken())
    assert list(sim.webhooks.subscriptions) == []


async def test_a_full_account_is_told(sim: Simulator) -> None:
    for number in range(10):
        sim.webhooks.subscribe(f"https://other.example.com/{number}", EVENTS)
    found = await told(sim, integration(sim), url=URL, saved=Saved())
    assert "wrong subscription: PagerDuty takes no more of them" in "\n".join(lines(found, "wrong"))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://h.example.com", "https://h.example.com/webhooks/pagerduty/main"),
        ("https://h.example.com/", "https://h.example.com/webhooks/pagerduty/main"),
        ("https://h.example.com/in/pd", "https://h.example.com/in/pd"),
    ],
)
def test_the_url_gets_our_path_unless_it_has_one(given: str, url: str) -> None:
    assert webhook_url(given, Integration("main", "Main", Secret(TOKEN), BOT)) == url


def test_where_the_api_is() -> None:
    plain = Integration("main", "Main", Secret(TOKEN), BOT)
    assert api_url_of(plain, "https://api.pagerduty.com") == "https://api.pagerduty.com"
    assert api_url_of(plain, "http://127.0.0.1:8081") == "http://127.0.0.1:8081"
    european = Integration("main", "Main", Secret(TOKEN), BOT, region="eu")
    assert api_url_of(european, "https://api.pagerduty.com") == "https://api.eu.pagerduty.com"
    own = Integration("main", "Main", Secret(TOKEN), BOT, base_url="http://own")
    assert api_url_of(own, "http://127.0.0.1:8081") == "http://own"
