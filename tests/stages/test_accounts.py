"""Dispatch of Cases to the simulator's account over HTTP, and the net under the webhooks, without Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from streams import contracts
from streams.dispatch.dispatcher import Dispatcher
from streams.dispatch.rows import cursor_key
from streams.documents.integration import Integration
from streams.documents.secrets import Secret
from streams.documents.snapshot import NOTHING, Snapshot
from streams.pagerduty.answers import Answer, Refused
from streams.sandbox.pagerduty import Simulator
from streams.stages.accounts import AccountClients
from streams.stages.reconcile import Reconciler
from streams.telemetry.metrics import Metrics
from tests.sync.sync_records import a_comment, case_record

BOT, ALEX = "bot@example.com", "alex.person@example.com"
ACCOUNT = "account:main"


class OpenLease:
    """A worker that may always speak."""

    valid = True

    async def hold(self) -> None:
        return None


class Office:
    """A dispatcher whose table and topics are in memory, and the account that it speaks to."""

    def __init__(self, sim: Simulator) -> None:
        self.sim, self.rows, self.told = sim, {}, []  # type: ignore[var-annotated]
        self.offset = 0
        self.integration = Integration("main", "Main", Secret("u+" + "t" * 18), BOT, base_url=sim.api_url)
        lease: Any = OpenLease()
        self.clients = AccountClients(
            documents=self.documents, lease=lease, api_url="", timeout=5.0, connections=4, now_ms=self.now_ms
        )
        self.dispatcher = Dispatcher(
            table=self,
            publisher=self,
            sender=self,
            accounts=self.clients,
            meter=Metrics(),
            clock=time.monotonic,
            now_ms=self.now_ms,
            random=lambda: 0.5,
            crash=self._crash,
            in_flight=4,
            share=4,
            withheld=100,
        )
        self.reconciler = Reconciler(
            dispatcher=self.dispatcher,
            clients=self.clients,
            documents=self.documents,
            owned=lambda: [0],
            partitions=1,
            metrics=Metrics(),
            now_ms=self.now_ms,
        )
        self.acks: list[int] = []

    def documents(self) -> Snapshot:
        known = {} if self.integration is None else {"main": self.integration}
        return Snapshot(NOTHING.connectors, NOTHING.problems, MappingProxyType(known))

    def now_ms(self) -> int:
        return self.sim.clock.time_ms()

    def _crash(self, error: BaseException) -> None:
        raise AssertionError("a bug") from error

    # -- what the dispatcher has --------------------------------------------------------------------------------

    def read(self, partition: int, key: bytes) -> bytes | None:
        found: bytes | None = self.rows.get(key)
        return found

    async def write(self, partition: int, key: bytes, value: bytes | None) -> None:
        self.rows[key] = value

    async def publish(self, topic: str, key: str, value: Mapping[str, Any]) -> asyncio.Future[Any]:
        problem = contracts.problem(topic, orjson.loads(orjson.dumps(value)))
        assert problem is None, f"{topic}: {problem}"
        self.told.append((topic, dict(value)))
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def send(self, record: Mapping[str, Any]) -> Answer:
        raise AssertionError("there is no service key here")

    # -- what happens -------------------------------------------------------------------------------------------

    def case(self, status: str = "OPEN", case: str = "CASE-1", **more: Any) -> None:
        """An input."""
        offset = self.offset
        self.offset += 1
        record = case_record(status, offset, case=case, timestamp=self.now_ms(), **more)
        self.dispatcher.accept(0, record, lambda: self.acks.append(offset), fresh=True)

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)

    async def rest(self) -> None:
        """Until every input has its end."""
        await self.until(lambda: len(self.acks) == self.offset and not self.dispatcher.backlog)

    async def reconcile(self) -> None:
        await self.reconciler.look_at(self.integration, 0)

    def of(self, topic: str) -> list[dict[str, Any]]:
        return [value for name, value in self.told if name == topic]

    @property
    def changes(self) -> list[tuple[str, bool]]:
        """What the Case was told, but for what is only to know that PagerDuty has something."""
        told = self.of("case-updates")
        return [(one["change"], one["apply"]) for one in told if one["change"] not in ("synced", "linked")]


@pytest.fixture
async def office(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setenv("NO_PROXY", "*")
    async with Simulator(rest_limit=None) as sim:
        sim.rest.add_user("Bot", BOT)
        sim.rest.add_user("Alex Person", ALEX)
        sim.rest.add_service("Payments")
        office = Office(sim)
        await office.dispatcher.recover([])
        yield office
        await office.dispatcher.drain(1.0)
        await office.clients.close()


async def test_the_life_of_a_case(office: Office) -> None:
    sim = office.sim
    office.case()
    await office.rest()
    [incident] = sim.rest.incidents(incident_key="case/CASE-1")
    assert [update["change"] for update in office.of("case-updates")] == ["linked", "synced"]
    office.case("ACKNOWLEDGED")
    await office.rest()
    assert incident.status == "acknowledged"
    office.case("ACKNOWLEDGED", comment=a_comment("c-1"), title="Checkout is down")
    await office.rest()
    assert sim.people.notes(incident.id) == ["Looking at it\n[Ada via Pagerline, case CASE-1, c-1]"]
    assert incident.title == "Checkout is down"
    office.case("OPEN", title="Checkout is down")
    await office.rest()
    assert incident.status == "triggered"
    office.case("RESOLVED", title="Checkout is down", resolution={"by": "USER", "note": "It was the disk"})
    await office.rest()
    assert incident.status == "resolved"
    assert sim.people.notes(incident.id)[-1].startswith("Resolution Note: It was the disk\n")
    assert {delivery["outcome"]["status"] for delivery in office.of("deliveries")} == {"delivered"}
    await office.reconcile()
    assert office.changes == []


async def test_what_people_do_is_found_without_webhooks(office: Office) -> None:
    people = office.sim.people
    office.case()
    await office.rest()
    [incident] = office.sim.rest.incidents()
    people.acknowledge(incident.id, ALEX)
    people.add_note(incident.id, ALEX, "On it")
    await office.reconcile()
    await office.until(lambda: len(office.changes) == 2)
    people.resolve(incident.id, ALEX, note="It was the disk")
    await office.reconcile()
    await office.until(lambda: len(office.changes) == 4)
    assert office.changes[:2] == [("acknowledged", True), ("comment", True)]
    assert sorted(office.changes[2:]) == [("resolution_note", True), ("resolved", True)]
    assert all(update["actor"]["name"] == "Alex Person" for update in office.of("case-updates")[2:])
    await office.reconcile()
    assert len(office.changes) == 4, "what is known is not told again"


async def test_an_incident_that_is_gone_or_merged_is_told(office: Office) -> None:
    people = office.sim.people
    for name in ("CASE-1", "CASE-2"):
        office.case(case=name)
    await office.rest()
    [first] = office.sim.rest.incidents(incident_key="case/CASE-1")
    [second] = office.sim.rest.incidents(incident_key="case/CASE-2")
    other = people.open("Payments", "The cause", ALEX)
    people.merge(other.id, [first.id], ALEX)
    people.delete(second.id)
    await office.reconcile()
    await office.until(lambda: len(office.changes) == 2)
    told = {update["case"]: update for update in office.of("case-updates") if update["change"] in ("merged", "deleted")}
    assert told["CASE-1"]["details"] == {"into": other.id}
    assert told["CASE-2"]["change"] == "deleted"
    office.case("RESOLVED", case="CASE-1")
    office.case("RESOLVED", case="CASE-2")
    await office.rest()
    assert [one["outcome"]["reason"] for one in office.of("deliveries")[-2:]] == ["merged", "deleted"]


async def test_a_disabled_subscription_is_enabled_again(office: Office) -> None:
    subscription = office.sim.webhooks.subscribe("http://127.0.0.1:9/nowhere")
    office.integration = replace(office.integration, subscription=subscription.id)
    office.sim.webhooks.disable(subscription.id)
    await office.reconcile()
    assert not subscription.disabled(office.now_ms())
    assert cursor_key(ACCOUNT) in office.rows


async def test_a_service_that_is_not_there_is_a_dead_letter_with_near_names(office: Office) -> None:
    office.case(service="Paymnets")
    await office.rest()
    [letter] = office.of("dead-letters")
    assert letter["reason"]["type"] == "unknown_service"
    assert "'Payments'" in letter["reason"]["message"]
    [failed] = [update for update in office.of("case-updates") if update["change"] == "failed"]
    assert failed["details"]["near"] == ["Payments"]
    # Made, and repeated.
    office.sim.rest.add_service("Paymnets")
    record = {**letter["outbox"], "replay": {"id": letter["id"], "force": False}}
    office.offset += 1
    office.dispatcher.accept(0, record, lambda: office.acks.append(-1), fresh=True)
    await office.rest()
    [incident] = office.sim.rest.incidents()
    assert office.sim.rest.card(incident.id).service.name == "Paymnets"
    assert office.of("deliveries")[-1]["outcome"]["status"] == "delivered"


async def test_two_services_of_one_name_are_a_dead_letter(office: Office) -> None:
    office.sim.rest.add_service("Payments")
    office.case()
    await office.rest()
    [letter] = office.of("dead-letters")
    assert letter["reason"]["type"] == "ambiguous_service"
    assert office.sim.rest.incidents() == []


async def test_an_outage_is_latency(office: Office) -> None:
    office.sim.fail("status", "rest", status=503, count=4, action="create_incident")
    office.case()
    await office.rest()
    assert len(office.sim.rest.incidents()) == 1
    [delivery] = office.of("deliveries")
    assert delivery["outcome"]["attempts_total"] >= 5


async def test_an_incident_that_is_refused_is_made_in_its_plainest_form(office: Office) -> None:
    words = '{"error": {"message": "Invalid Input Provided", "code": 2001, "errors": ["Body is not as it should be"]}}'
    office.sim.fail("status", "rest", status=400, body=words, count=1, action="create_incident")
    office.case(title="Überlauf")
    await office.rest()
    [incident] = office.sim.rest.incidents()
    assert incident.title == "?berlauf"
    [letter] = office.of("dead-letters")
    assert letter["reason"]["type"] == "invalid_event"
    assert letter["reason"]["message"].endswith("Body is not as it should be; sent in its plainest form instead")
    office.case("RESOLVED", title="Überlauf")
    await office.rest()
    assert incident.status == "resolved"


async def test_a_token_that_is_refused_marks_the_account(office: Office) -> None:
    office.sim.fail("status", "rest", status=401, count=2)
    office.case()
    await office.rest()
    office.case(case="CASE-2")
    await office.rest()
    letters = office.of("dead-letters")
    assert [letter["reason"]["type"] for letter in letters] == ["unauthorized", "unauthorized"]
    assert [letter["http_status"] for letter in letters] == [401, None], "the second one is not asked for"
    assert office.dispatcher.refusing == 1


async def test_an_integration_that_is_not_there_is_a_dead_letter(office: Office) -> None:
    office.integration = replace(office.integration, id="other")
    office.case(account="gone")
    await office.rest()
    [letter] = office.of("dead-letters")
    assert letter["reason"]["type"] == "unknown_integration"


async def test_a_poll_does_not_wait_for_an_account_that_refuses(office: Office) -> None:
    desk = office.dispatcher.desk
    destination = await desk.turn(0, ACCOUNT, 1)
    destination.give_back()
    waiting = asyncio.create_task(desk.turn(0, ACCOUNT, 1))  # the window of one call a minute is full
    await asyncio.sleep(0)
    office.dispatcher.refused(destination, Refused("unauthorized", "no"))
    await asyncio.wait({waiting}, timeout=5)
    assert waiting.cancelled()


async def test_what_is_over_on_both_sides_is_deleted_with_what_leads_to_it(office: Office) -> None:
    for name in ("CASE-1", "CASE-2"):
        office.case(case=name)
    await office.rest()
    office.case("RESOLVED", case="CASE-1")
    await office.rest()
    await office.reconcile()
    [first] = office.sim.rest.incidents(incident_key="case/CASE-1")
    [second] = office.sim.rest.incidents(incident_key="case/CASE-2")
    rows = [(0, key, value) for key, value in office.rows.items() if value is not None]
    assert await office.dispatcher.purge(rows, office.now_ms() + 1) == 1
    kept = {key.decode() for key, value in office.rows.items() if value is not None}
    assert kept == {f"{ACCOUNT}|CASE-2", f"{ACCOUNT}#{second.id}", f"{ACCOUNT}@cursor"}
    assert f"{ACCOUNT}#{first.id}".encode() in office.rows


async def test_a_worker_goes_on_from_the_rows(office: Office) -> None:
    office.sim.fail("status", "rest", status=503)
    office.case(comment=a_comment("c-1"))
    await office.until(lambda: len(office.sim.rest.journal) > 1)
    await office.until(lambda: any(key.startswith(b"account:main|") for key in office.rows))
    await office.dispatcher.drain(0.1)
    office.sim.heal()
    rows = [(0, key, value) for key, value in office.rows.items() if value is not None]
    assert await office.dispatcher.recover(rows) == 1
    await office.until(lambda: office.sim.rest.incidents())
    [incident] = office.sim.rest.incidents()
    await office.until(lambda: len(office.sim.people.notes(incident.id)) == 1)
    await office.until(lambda: not office.dispatcher.backlog)
    assert len(office.sim.rest.incidents()) == 1


async def test_attempts_say_which_call_they_were(office: Office) -> None:
    office.case()
    await office.rest()
    office.case("RESOLVED")
    await office.rest()
    made, resolved = (orjson.loads(orjson.dumps(one))["outcome"]["attempts"] for one in office.of("deliveries"))
    assert "create" in [one["call"] for one in made]
    assert [one["call"] for one in resolved][-2:] == ["read", "resolve"]
