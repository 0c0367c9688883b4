"""Documents that change at random while alerts flow: each goes by one revision, whole, and none is lost (bar 4 of the
configuration step)."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from streams.documents.changes import plan_changes
from streams.documents.log import DocumentLog
from streams.documents.parse import load_documents
from streams.documents.secrets import destination_id
from streams.live import next_event, read_pins
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.verify.collect import Reader
from streams.settings import Settings
from streams.topology import Topology
from tests.acceptance.running import Installation, alert
from tests.acceptance.traffic import FULL

TEAMS = ("payments", "search", "orders", "mail")
CONNECTORS = 6
CHANGES = 100 if FULL else 12
PER_SECOND = 200


class Way(NamedTuple):
    """Where a revision sends one team's alerts, and what it says of them."""

    destination: str
    rule: str
    summary: str


class Configuration:
    """Documents that all change together: a change that is half there gives a mixture that no revision has."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self._keys = [self._key(number, 0) for number in range(CONNECTORS)]
        self.number = -1

    def change(self) -> tuple[str, dict[str, Way]]:
        """The next documents as YAML, and the way they give each team."""
        self.number = number = self.number + 1
        for one in self._random.sample(range(CONNECTORS), self._random.randint(1, CONNECTORS)):
            self._keys[one] = self._key(one, number)
        to = {team: self._random.randrange(CONNECTORS) for team in TEAMS}
        documents = [
            f"kind: connector\nid: c-{one}\ntype: PAGERDUTY\nname: C\nfields: {{integrationKey: '{key}'}}\n"
            "options: {rateLimit: 10000}\n"
            for one, key in enumerate(self._keys)
        ]
        documents.append(
            f"kind: preset\nid: words\nname: Words\nentity: alerts\nfields: {{summary: 'by change {number}'}}\n"
        )
        documents += [
            f"kind: router\nid: {team}\nname: {team}\nlabels: {{team: {team}}}\nrules:\n"
            f"- {{name: change {number}, entity: alerts, condition: 'alert.status == \"Triggered\"', "
            f"targets: [{{connector: c-{connector}, preset: words}}]}}\n"
            for team, connector in to.items()
        ]
        ways = {
            team: Way(destination_id(self._keys[connector]), f"change {number}", f"by change {number}")
            for team, connector in to.items()
        }
        return "---\n".join(documents), ways

    @staticmethod
    def _key(connector: int, number: int) -> str:
        return f"930{connector:02d}{number:05d}".ljust(29, "a") + "0d1"


def settings_of(installation: Installation) -> Settings:
    return Settings.model_validate(
        {"brokers": installation.brokers, "prefix": installation.prefix, "secret_keys": installation.key}
    )


def of_team(name: str, team: str) -> dict[str, Any]:
    return alert(name, _context={"entityLabels": {"routing.team": team}})


async def test_each_alert_goes_by_one_revision_and_none_is_lost(
    real: Installation, pagerline_worker: StartWorker
) -> None:
    configuration = Configuration()
    ways: dict[int, dict[str, Way]] = {}
    produced: dict[str, str] = {}

    async def apply(log: DocumentLog) -> None:
        text, given = configuration.change()
        documents = load_documents(["-"], lambda: text)
        snapshot = await log.write(plan_changes(await log.read(), documents), by="test")
        ways[snapshot.revision] = given

    async def flow(producer: AIOKafkaProducer) -> None:
        began = time.monotonic()
        for number in itertools.count():
            if done.is_set():
                return
            if (early := began + number / PER_SECOND - time.monotonic()) > 0:
                await asyncio.sleep(early)
            name, team = f"alert-{number}", TEAMS[number % len(TEAMS)]
            produced[name] = team
            await producer.send(f"{real.prefix}alerts", orjson.dumps(of_team(name, team)), name.encode())

    async def changes(log: DocumentLog) -> None:
        for _ in range(CHANGES):
            await apply(log)
        done.set()

    done = asyncio.Event()
    producer = AIOKafkaProducer(**real.options, acks="all", enable_idempotence=True)
    async with DocumentLog(settings_of(real)) as log, producer:
        await apply(log)
        await pagerline_worker(**real.settings)
        await pagerline_worker(**real.settings)
        await asyncio.gather(flow(producer), changes(log))
    await real.settled()

    seen: Counter[int] = Counter()
    arrived = {entry.dedup_key: entry.destination for entry in real.simulator.journal if entry.status == 202}
    delivered: set[str] = set()
    async with Reader(real.brokers) as reader:
        letters = [record.value async for record in reader.records([f"{real.prefix}dead-letters"])]
        outbox = [orjson.loads(r.value or b"{}") async for r in reader.records([f"{real.prefix}pagerduty-outbox"])]
        deliveries = [orjson.loads(r.value or b"{}") async for r in reader.records([f"{real.prefix}deliveries"])]
    assert letters == []
    for record in outbox:
        why, team = record["why"], produced[record["dedup_key"]]
        way = Way(record["destination"], why["rule"], record["payload"]["summary"])
        assert way == ways[why["revision"]][team], f"{record['dedup_key']} by revision {why['revision']}"
        seen[why["revision"]] += 1
    for delivery in deliveries:
        assert delivery["outcome"]["status"] == "delivered", delivery
        way = ways[delivery["why"]["revision"]][produced[delivery["dedup_key"]]]
        assert delivery["destination"]["id"] == way.destination == arrived[delivery["dedup_key"]]
        delivered.add(delivery["dedup_key"])
    assert delivered == set(produced) == set(arrived), "none is lost"
    assert len(seen) > CHANGES / 2, "the changes came while alerts were routed"


async def pagerline(installation: Installation, *arguments: str, given: Any = None) -> tuple[int | None, str, str]:
    """The command as it is typed: its exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streams.cli.main",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **installation.settings},
    )
    out, err = await process.communicate(None if given is None else orjson.dumps(given))
    return process.returncode, out.decode(), err.decode()


async def test_a_preview_sees_pins_and_the_next_event(
    embedded: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    configuration = Configuration()
    topology = Topology.of(embedded.naming)
    async with DocumentLog(settings_of(embedded)) as log:
        text, ways = configuration.change()
        await log.write(plan_changes(await log.read(), load_documents(["-"], lambda: text)), by="test")
    await pagerline_worker(**embedded.settings)
    assert await read_pins(embedded.options, topology, "alert:gk") == {}
    await embedded.send("alerts", "gk", [of_team("gk", "search")])
    await embedded.simulator.seen(lambda entry: entry.effect == "opened", count=1, timeout=60)
    (pin,) = (await read_pins(embedded.options, topology, "alert:gk")).values()
    assert (pin.destination, pin.open) == (ways["search"].destination, True)

    resolved = {**of_team("gk", "search"), "alert": {"groupingKey": "gk", "status": "Resolved"}}
    code, out, err = await pagerline(embedded, "preview", "--event", "-", given=resolved)
    assert code == 0, err
    assert f"resolve to {pin.destination}" in out
    assert "pin: gives where its incident is open" in out

    (tmp_path / "changed.yaml").write_text(configuration.change()[0])
    fresh = of_team("fresh", "mail")
    code, out, err = await pagerline(
        embedded, "preview", "--event", "-", "--with", str(tmp_path / "changed.yaml"), "-o", "json", given=fresh
    )
    assert code == 0, err
    told = orjson.loads(out)
    summaries = [
        [one["request"]["body"]["payload"]["summary"] for one in told[by]["outcomes"]] for by in ("preview", "with")
    ]
    assert summaries == [["by change 0"], ["by change 1"]]
    assert told["differences"]
    assert len(embedded.simulator.journal) == 1, "a preview sends nothing"

    assert await next_event(embedded.options, topology, seconds=0.5, max_bytes=1_000_000) is None
    waiting = asyncio.create_task(next_event(embedded.options, topology, seconds=60, max_bytes=1_000_000))
    number = 0
    while not waiting.done():  # one of them is written once it waits
        number += 1
        await embedded.send("alerts", f"next-{number}", [of_team(f"next-{number}", "mail")])
        await asyncio.wait([waiting], timeout=0.2)
    event = await waiting
    assert getattr(event, "incident", "").startswith("alert:next-")
