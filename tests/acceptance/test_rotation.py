"""A rotation of the secret keys under load: nothing is lost, and nothing is left that needs the old key."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from streams.documents.secrets import destination_id, key_id, new_key
from streams.sandbox.kafka import Kafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.worker import WorkerProcess
from tests.acceptance.running import Installation
from tests.acceptance.test_replay import pagerline
from tests.acceptance.traffic import FULL, Traffic, accepted, come_to_rest, connectors, key_of, verdict_of

WELL = range(5)
DOWN = 20
"""Answers 503 until the old key is gone: what is sent there waits, sealed with the old key at first."""
UNKNOWN = 30
"""PagerDuty does not know its key until the end; a template gives it, so that a replay needs the sealed one."""
BY_TEMPLATE = f"""---
kind: connector
id: c-{UNKNOWN}
type: PAGERDUTY
name: By template
fields: {{dynamicintegrationKey: "{{{{ '{key_of(UNKNOWN)}' }}}}"}}
"""
INTEGRATION = """
kind: integration
id: main
name: Main
token: u+123456789012345678
from: ops@example.com
webhookSecrets: [whsec-0123456789abcdef0123456789abcdef]
"""
RATE = 200.0 if FULL else 60.0
WAITING = 2_000 if FULL else 300
LETTERS = 200 if FULL else 40
OLD, NEW = new_key(), new_key()


class Fleet:
    """Two workers, of which one at a time is restarted with another list of keys."""

    def __init__(self, start: StartWorker, settings: dict[str, str]) -> None:
        self._start = start
        self._settings = settings
        self.workers: list[WorkerProcess] = []

    def settings(self, *keys: str) -> dict[str, str]:
        return {**self._settings, "PAGERLINE_SECRET_KEYS": ",".join(keys)}

    async def roll(self, *keys: str) -> None:
        for number in range(2):
            if len(self.workers) > number:
                await self.workers[number].terminate()
            worker = await self._start(**self.settings(*keys))
            self.workers[number : number + 1] = [worker]


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_a_rotation_under_load(
    pagerline_apache_kafka: Kafka, pagerline_prefix: str, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    known = [key_of(number) for number in (*WELL, DOWN)]
    async with Simulator(limit=None, known_keys=known) as simulator:
        real = Installation(pagerline_apache_kafka.bootstrap, pagerline_prefix, simulator, key=OLD)
        await real.make_topics()
        (tmp_path / "all.yaml").write_text(connectors([*WELL, DOWN], 10_000) + BY_TEMPLATE + "---" + INTEGRATION)
        code, _, told = await pagerline(real.settings, tmp_path, "apply", "-f", "all.yaml")
        assert code == 0, told
        outage = simulator.fail("status", destination_id(key_of(DOWN)), status=503, body=b"down")
        fleet = Fleet(pagerline_worker, real.settings)
        await fleet.roll(OLD)
        async with Traffic(real) as traffic:
            waiting = await traffic.steady([DOWN], "waits", rate=300.0, seconds=WAITING / 300)
            letters = await traffic.steady([UNKNOWN], "dead", rate=300.0, seconds=LETTERS / 300)
            stop = asyncio.Event()
            load = asyncio.create_task(under_load(traffic, stop))

            await fleet.roll(OLD, NEW)
            code, _, told = await pagerline(fleet.settings(NEW, OLD), tmp_path, "secrets", "rotate")
            assert code == 1
            assert f"not every worker seals with the newest key of PAGERLINE_SECRET_KEYS here, {key_id(NEW)}" in told
            await fleet.roll(NEW, OLD)
            code, said, told = await pagerline(fleet.settings(NEW, OLD), tmp_path, "secrets", "rotate", "--check")
            assert (code, said) == (1, ""), told
            began = time.monotonic()
            code, said, told = await pagerline(fleet.settings(NEW, OLD), tmp_path, "secrets", "rotate")
            print(f"rotated in {time.monotonic() - began:.1f} s\n{told}{said}")
            assert code == 0, told
            assert "nothing needs an older key" in said
            assert f"documents: {len(WELL) + 3} sealed anew" in told
            assert f"dead letters: {LETTERS:,} sealed anew" in told
            assert not any(key in told + said for key in (OLD, NEW))

            await fleet.roll(NEW)
            stop.set()
            running = await load
            simulator.heal(outage)
            await traffic.arrive([*running, *waiting])

        code, said, told = await pagerline(fleet.settings(NEW), tmp_path, "secrets", "rotate", "--check")
        assert (code, said != "") == (0, True), told
        assert simulator.known is not None
        simulator.known.add(destination_id(key_of(UNKNOWN)))
        replay = ("dead-letters", "replay", "--reason", "unknown_routing_key")
        code, counted, told = await pagerline(fleet.settings(NEW), tmp_path, *replay)
        assert (code, counted) == (0, f"delivered\t{LETTERS}\n"), told
        for worker in fleet.workers:
            await come_to_rest(real, worker)
        dead = [entry for entry in simulator.journal if entry.dedup_key in set(letters) and accepted(entry)]
        assert len(dead) == LETTERS
        verdict = await verdict_of(real)
        print(verdict.text())
        assert verdict.ok


async def under_load(traffic: Traffic, stop: asyncio.Event) -> list[str]:
    """Alerts for the connectors that are well, until `stop`; returns their grouping keys."""
    names: list[str] = []
    while not stop.is_set():
        names += await traffic.steady(WELL, f"load-{len(names)}", rate=RATE, seconds=1.0)
    return names
