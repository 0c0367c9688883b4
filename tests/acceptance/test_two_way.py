"""A Case and its incident are one thing: round trips, no echo, killed workers, services by name, on real Kafka.

Run at full length with FULL_BARS=1; `make test` takes fewer actions.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from streams.sandbox.pytest_plugin import StartWorker
from tests.acceptance.running import Installation
from tests.acceptance.traffic import FULL, percentile
from tests.acceptance.two_way import ADA, ALEX, TwoWay

ROUNDS = 100 if FULL else 12
ACTIONS = 1_000 if FULL else 250
CASES = 40 if FULL else 12
ROUND_TRIP_SECONDS = 1.0
KILL_EVERY_SECONDS = 10.0
MISSED = 200 if FULL else 60
"""Changes while webhooks do not come, five to a Case."""
OUTAGE_SECONDS = 120.0 if FULL else 3.0


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_round_trips_take_less_than_a_second(
    real: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    took: dict[str, list[float]] = defaultdict(list)
    async with TwoWay(real, tmp_path) as both:
        await pagerline_worker(**real.settings)
        store, people = both.store, both.sim.people
        warm = store.open("Warm-up", ADA, connector="cases")
        await both.until(lambda: both.incidents(warm))
        for number in range(ROUNDS):
            case = store.open(f"Checkout is slow {number}", ADA, connector="cases")
            took["open"].append(await both.until(lambda: both.incidents(case)))  # noqa: B023
            incident = both.incident(case).id

            def there(status: str, name: str = incident) -> bool:
                return both.sim.rest.incident(name).status == status

            def here(status: str, name: str = case) -> bool:
                return both.status(name) == status

            store.acknowledge(case, ADA)
            took["acknowledge, to PagerDuty"].append(await both.until(lambda: there("acknowledged")))
            store.unacknowledge(case, ADA)
            took["un-acknowledge, to PagerDuty"].append(await both.until(lambda: there("triggered")))
            people.acknowledge(incident, ALEX)
            took["acknowledge, to the Case"].append(await both.until(lambda: here("ACKNOWLEDGED")))
            people.unacknowledge(incident, ALEX)
            took["un-acknowledge, to the Case"].append(await both.until(lambda: here("OPEN")))
            store.comment(case, ADA, "Looking at it")
            took["comment, to PagerDuty"].append(await both.until(lambda: len(people.notes(incident)) == 1))  # noqa: B023
            people.add_note(incident, ALEX, "So am I")
            took["comment, to the Case"].append(await both.until(lambda: len(store.comments(case)) == 2))  # noqa: B023
            if number % 2:
                store.resolve(case, ADA, "It was the disk")
                took["resolve, to PagerDuty"].append(await both.until(lambda: there("resolved")))
                note = await both.until(lambda: len(people.notes(incident)) == 3)  # noqa: B023
                took["resolution note, to PagerDuty"].append(note)
            else:
                people.resolve(incident, ALEX, note="It was the disk")
                took["resolve, to the Case"].append(await both.until(lambda: here("RESOLVED")))
                note = await both.until(lambda: store.case(case)["resolution"] == "It was the disk")  # noqa: B023
                took["resolution note, to the Case"].append(note)
        await both.quiet()
        for what, seconds in took.items():
            ordered = sorted(seconds)
            half, most = (percentile(ordered, share) * 1000 for share in (0.5, 0.99))
            print(f"{what:32} p50 {half:6.0f} ms  p99 {most:6.0f} ms")
        assert both.needless() == []
        assert {what for what, took_ in took.items() if percentile(sorted(took_), 0.99) > ROUND_TRIP_SECONDS} == set()


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_a_thousand_actions_leave_both_sides_equal(
    real: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    async with TwoWay(real, tmp_path) as both:
        await pagerline_worker(**real.settings)
        both.sim.webhooks.double(0.3)
        both.sim.webhooks.reorder(0.5)
        await act(both, Random(7))
        await both.quiet()
        assert both.wrong() == []


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_killed_workers_leave_both_sides_equal(
    real: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    async with TwoWay(real, tmp_path) as both:
        workers = [await pagerline_worker(**real.settings) for _ in range(2)]
        both.sim.webhooks.double(0.3)
        both.sim.webhooks.reorder(0.5)
        acting = asyncio.create_task(act(both, Random(11), seconds=60.0 if FULL else 25.0))
        kills = 0
        while not acting.done():
            await asyncio.wait({acting}, timeout=KILL_EVERY_SECONDS)
            if not acting.done():
                await workers[kills % 2].kill()
                workers[kills % 2] = await pagerline_worker(ready=False, **real.settings)
                kills += 1
        await acting
        for worker in workers:
            await worker.ready()
        await both.quiet()
        print(f"{kills} kills")
        assert kills >= 2
        assert both.wrong() == []


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_what_happens_while_no_webhook_comes_is_found(
    real: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    async with TwoWay(real, tmp_path) as both:
        await pagerline_worker(**real.settings)
        cases = [both.store.open(f"Case {number}", ADA, connector="cases") for number in range(MISSED // 5)]
        await both.until(lambda: all(both.incidents(case) for case in cases))
        await both.quiet()
        url = both.url
        await both.stop_web()
        both.sim.webhooks.disable(both.subscription.id)
        began, random = time.monotonic(), Random(3)
        for _ in range(5):
            for case in cases:
                both.person_acts(random, case)
                await asyncio.sleep(OUTAGE_SECONDS / MISSED if FULL else 0.0)
        await asyncio.sleep(max(0.0, began + OUTAGE_SECONDS - time.monotonic()))
        await both.start_web(url.removeprefix("http://"))
        took = await both.until(lambda: not both.wrong(), seconds=60.0)
        await both.until(lambda: not both.subscription.disabled(both.sim.clock.time_ms()), seconds=60.0)
        print(f"{MISSED} changes made good {took:.1f} s after the web process came back")
        await both.quiet()
        assert both.wrong() == []
        assert await both.untold() == []


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_services_by_name(real: Installation, pagerline_worker: StartWorker, tmp_path: Path) -> None:
    dynamic = "{% if case.title is containing('search') %}Search{% elif case.title is containing('two') %}Twins\
{% elif case.title is containing('typo') %}Paymnets{% endif %}"
    async with TwoWay(real, tmp_path, dynamic=dynamic) as both:
        rest = both.sim.rest
        for _ in range(2):
            rest.add_service("Twins")
        await pagerline_worker(**real.settings)
        of = {title: both.store.open(title, ADA, connector="cases") for title in ("checkout", "search", "two", "typo")}
        for title, service in (("checkout", "Payments"), ("search", "Search")):
            await both.until(lambda: both.incidents(of[title]))  # noqa: B023
            assert rest.card(both.incident(of[title]).id).service.name == service
        letters = await both.dead_letters(2)
        reasons = {letter["incident"]: letter["reason"] for letter in letters}
        assert reasons[f"case:{of['two']}"]["type"] == "ambiguous_service"
        typo = reasons[f"case:{of['typo']}"]
        assert typo["type"] == "unknown_service"
        assert "'Payments'" in typo["message"]
        # A service that is renamed in the life of a Case stays the Case's.
        [payments] = [service for service in rest.services if service.name == "Payments"]
        rest.rename_service(payments.id, "Payments and invoices")
        incident = both.incident(of["checkout"])
        both.store.resolve(of["checkout"], ADA)
        await both.until(lambda: incident.status == "resolved")
        # The dead letter is repeated once there is such a service.
        rest.add_service("Paymnets")
        await both.replay("unknown_service")
        await both.until(lambda: both.incidents(of["typo"]), seconds=90.0)
        assert both.incidents(of["two"]) == []


async def act(both: TwoWay, random: Random, *, seconds: float = 0.0) -> None:
    """Actions at random on Cases that are opened meanwhile; spread over so many seconds."""
    cases: list[str] = []
    began = time.monotonic()
    for number in range(ACTIONS):
        if number % max(1, ACTIONS // CASES) == 0:
            cases.append(both.store.open(f"Case {number}", ADA, connector="cases"))
        both.act(random, random.choice(cases))
        if seconds and (early := began + seconds * number / ACTIONS - time.monotonic()) > 0:
            await asyncio.sleep(early)
        else:
            await asyncio.sleep(random.choice((0.0, 0.0, 0.02)))
