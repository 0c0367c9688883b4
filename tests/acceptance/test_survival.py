"""Workers that are killed: nothing lost, nothing out of order, nobody waits long (promises 1 to 4)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from random import Random

import pytest

from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.samples import produce, stories
from streams.sandbox.verify import collect, secrets_found
from streams.sandbox.verify.collect import Reader
from tests.acceptance.running import Installation, alert

TEAMS = ("alpha", "beta", "gamma", "delta")
KEYS = {team: f"93{number}" + "e" * 26 + "0d1" for number, team in enumerate(TEAMS)}
FALLBACK = "939" + "f" * 26 + "0d1"

CONNECTOR = f"""
kind: connector
id: teams
type: PAGERDUTY
name: Teams
fields:
  integrationKey: "{FALLBACK}"
  dynamicintegrationKey: "{{% if alert.groups['team_name'] == 'alpha' %}}{KEYS["alpha"]}\
{{% elif alert.groups['team_name'] == 'beta' %}}{KEYS["beta"]}\
{{% elif alert.groups['team_name'] == 'gamma' %}}{KEYS["gamma"]}\
{{% else %}}{KEYS["delta"]}{{% endif %}}"
options:
  rateLimit: 10000
"""

BURST = 20_000
KILLS = 5


@pytest.mark.kafka
@pytest.mark.timeout(600)
async def test_twenty_thousand_alerts_survive_five_kills(
    real: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    rng = Random(20_000)
    await real.apply(CONNECTOR)
    records = [record for record in stories(11, alerts=7_500, cases=0, teams=TEAMS) if record.topic == "alerts"][:BURST]
    assert len(records) == BURST
    workers = [await pagerline_worker(**real.settings)]
    producing = asyncio.create_task(produce(real.brokers, records, prefix=real.prefix))
    for kill in range(1, KILLS + 1):
        # Seeded moments of the work, not of the clock: after so many more requests have arrived.
        seen = len(real.simulator.journal)
        await real.simulator.seen(lambda entry: True, count=seen + rng.randrange(200, 2_000), timeout=120)
        await workers[-1].kill()
        workers.append(await pagerline_worker(ready=False, **real.settings))
        print(f"kill {kill} after {len(real.simulator.journal)} requests")
    await producing
    await workers[-1].ready()
    await real.settled()
    await workers[-1].terminate()

    verdict = (await collect(real.brokers, real.prefix, real.simulator.events_url)).judge()
    print(verdict.text())
    assert verdict.ok, verdict.text()
    assert verdict.counts.inputs == BURST

    secrets = [*KEYS.values(), FALLBACK, real.key]
    logs = [(f"log {number}", worker.log().encode()) for number, worker in enumerate(workers)]
    assert secrets_found(logs, secrets) == []
    async with Reader(real.brokers) as reader:
        topics = await reader.topics(real.prefix)
        assert f"{real.prefix}pagerduty-outbox" in topics
        assert f"{real.prefix}pagerline-incidents-changelog" in topics
        async for record in reader.records(topics):
            value = (record.key or b"") + b"\n" + (record.value or b"")
            assert secrets_found([(record.id, value)], secrets) == []


@pytest.mark.kafka
async def test_another_worker_goes_on_within_fifteen_seconds(real: Installation, pagerline_worker: StartWorker) -> None:
    await real.apply(CONNECTOR)
    first = await pagerline_worker(**real.settings)
    second = await pagerline_worker(**real.settings)
    # Every partition has work, so that some of it is on either worker.
    before = [f"before-{number}" for number in range(40)]
    for name in before:
        await real.send("alerts", name, [alert(name)])
    await real.simulator.seen(lambda entry: entry.effect == "opened", count=len(before), timeout=60)
    await first.kill()
    killed = time.monotonic()
    after = {f"after-{number}" for number in range(40)}
    for name in after:
        await real.send("alerts", name, [alert(name)])
    await real.simulator.seen(lambda entry: entry.dedup_key in after, count=len(after), timeout=60)
    took = time.monotonic() - killed
    print(f"takeover: all events of the dead worker went on after {took:.1f} s")
    assert took <= 15
    assert second.returncode is None
