"""Dead letters of an unknown key: the key is repaired, and a replay delivers each once, at the limit's pace."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from streams.documents.secrets import destination_id
from streams.sandbox.kafka import Kafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.verify import collect
from tests.acceptance.running import Installation, alert

UNKNOWN = "930" + "a" * 26 + "0d1"
REPAIRED = "931" + "b" * 26 + "0d1"
LETTERS = 5_000

LIMIT = 3_000
"""Events a minute of the repaired key: binds, and the last ones go a minute after the first."""

CONNECTOR = """
kind: connector
id: payments
type: PAGERDUTY
name: Payments
fields: {{integrationKey: "{key}"}}
options: {{rateLimit: {limit}}}
"""


async def pagerline(settings: dict[str, str], folder: Path, *arguments: str) -> tuple[int | None, str, str]:
    """Run the command: exit code, standard output, standard error."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAGERLINE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli.main", *arguments),
        env={**inherited, **settings},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(240):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def send(installation: Installation, documents: list[dict[str, Any]]) -> None:
    """Produce alerts, each under its own key."""
    async with AIOKafkaProducer(**installation.options, acks="all") as producer:
        for document in documents:
            key = document["alert"]["groupingKey"].encode()
            await producer.send(f"{installation.prefix}alerts", orjson.dumps(document), key)


@pytest.mark.kafka
@pytest.mark.timeout(600)
async def test_five_thousand_of_an_unknown_key(
    pagerline_apache_kafka: Kafka, pagerline_prefix: str, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    async with Simulator(limit=None, known_keys=[REPAIRED]) as simulator:
        real = Installation(pagerline_apache_kafka.bootstrap, pagerline_prefix, simulator)
        await real.make_topics()
        await real.apply(CONNECTOR.format(key=UNKNOWN, limit=10_000))
        await pagerline_worker(**real.settings)
        await send(real, [alert(f"gk-{number}") for number in range(LETTERS)])
        await real.settled()
        code, listed, told = await pagerline(real.settings, tmp_path, "dead-letters", "list")
        assert (code, len(listed.splitlines())) == (0, LETTERS + 1)
        assert f"{LETTERS:,} dead letters (unknown_routing_key {LETTERS:,}); 0 of them replayed" in told

        await real.apply(CONNECTOR.format(key=REPAIRED, limit=LIMIT))
        began, before = time.monotonic(), len(simulator.journal)
        replay = ("dead-letters", "replay", "--reason", "unknown_routing_key")
        code, counted, told = await pagerline(real.settings, tmp_path, *replay)
        print(f"replayed in {time.monotonic() - began:.1f} s\n{counted}{told}")
        assert (code, counted) == (0, f"delivered\t{LETTERS}\n")
        progress = [line for line in told.splitlines() if line.startswith("answered: ")]
        assert len(progress) > 1
        assert progress[-1] == f"answered: {LETTERS:,} of {LETTERS:,}"

        sent = list(simulator.journal)[before:]
        assert set(Counter(entry.dedup_key for entry in sent).values()) == {1}
        assert len(sent) == LETTERS
        assert {(entry.destination, entry.effect) for entry in sent} == {(destination_id(REPAIRED), "opened")}
        times = sorted(entry.at for entry in sent)
        # A second of slack, because requests arrive a little after they were let go.
        assert min(later - first for first, later in zip(times, times[LIMIT:], strict=False)) > 59_000

        code, counted, told = await pagerline(real.settings, tmp_path, *replay)
        assert (code, counted, told) == (0, f"replayed before\t{LETTERS}\n", "pagerline: nothing to replay\n")
        assert len(simulator.journal) == before + LETTERS

        # The repaired key holds the incidents now: what resolves them goes there.
        await send(real, [alert("gk-7", "Resolved")])
        await simulator.seen(lambda entry: entry.dedup_key == "gk-7" and entry.effect == "resolved", timeout=60)
        await real.settled()
        verdict = (await collect(real.brokers, real.prefix, simulator.events_url)).judge()
        assert verdict.ok, verdict.text()
        assert verdict.counts.replayed == LETTERS


@pytest.mark.kafka
async def test_replays_end_as_the_incident_stands_by_then(
    pagerline_apache_kafka: Kafka, pagerline_prefix: str, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    """Dead again while nothing is repaired; then what is over is not opened, and what is forced goes again."""
    async with Simulator(limit=None, known_keys=[REPAIRED]) as simulator:
        real = Installation(pagerline_apache_kafka.bootstrap, pagerline_prefix, simulator)
        await real.make_topics()
        await real.apply(CONNECTOR.format(key=UNKNOWN, limit=10_000))
        await pagerline_worker(**real.settings)
        await send(real, [alert("again"), alert("over")])
        await real.settled()
        dead_again = await pagerline(real.settings, tmp_path, "dead-letters", "replay")
        assert dead_again[:2] == (1, "dead (unknown_routing_key)\t2\n")
        await send(real, [alert("over", "Resolved")])
        await real.settled()

        await real.apply(CONNECTOR.format(key=REPAIRED, limit=10_000))
        replayed = await pagerline(real.settings, tmp_path, "dead-letters", "replay")
        print(*replayed)
        opened = [entry for entry in simulator.journal if entry.effect == "opened"]
        assert [entry.dedup_key for entry in opened] == ["again"]
        assert "delivered\t1" in replayed[1]
        assert "skipped (moved_on)\t1" in replayed[1]

        forced = await pagerline(real.settings, tmp_path, "dead-letters", "replay", "--force")
        print(*forced)
        opened = [entry for entry in simulator.journal if entry.effect == "opened"]
        assert [entry.dedup_key for entry in opened] == ["again", "over"]


@pytest.mark.kafka
async def test_what_died_again_can_be_replayed_at_the_same_destination(
    pagerline_apache_kafka: Kafka, pagerline_prefix: str, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    async with Simulator(limit=None, known_keys=[REPAIRED]) as simulator:
        real = Installation(pagerline_apache_kafka.bootstrap, pagerline_prefix, simulator)
        await real.make_topics()
        await real.apply(CONNECTOR.format(key=UNKNOWN, limit=10_000))
        await pagerline_worker(**real.settings)
        await send(real, [alert("gk")])
        await real.settled()
        replay = ("dead-letters", "replay")
        assert (await pagerline(real.settings, tmp_path, *replay))[:2] == (1, "dead (unknown_routing_key)\t1\n")
        simulator.known = None  # somebody has restored the service at PagerDuty
        assert (await pagerline(real.settings, tmp_path, *replay))[:2] == (0, "delivered\t1\n")
        assert (await pagerline(real.settings, tmp_path, *replay))[:2] == (0, "replayed before\t1\n")
        assert (await pagerline(real.settings, tmp_path, *replay, "--force"))[:2] == (0, "delivered\t1\n")
        verdict = (await collect(real.brokers, real.prefix, simulator.events_url)).judge()
        assert verdict.ok, verdict.text()
