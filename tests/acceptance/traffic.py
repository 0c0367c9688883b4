"""Load for the bars of dispatch: alerts for many connectors, each remembered with the moment it was produced."""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer

from streams.sandbox.pagerduty import Entry
from streams.sandbox.verify import Verdict, collect
from streams.sandbox.worker import WorkerProcess
from tests.acceptance.running import DONE_SECONDS, Installation, alert

FULL = os.environ.get("FULL_BARS", "") not in ("", "0")
"""Whether the bars run at the length that the project promises them for; `make test` runs shorter ones."""

OPEN_LIMIT = 10_000
"""Events a minute: the most that a connector may have, so that a backlog of 2,000 goes out at once."""

PROBE_SECONDS = 1.0
"""Between two events that carry a raised limit to the worker: the first ones may come before the document does."""


def key_of(number: int) -> str:
    """The integration key of connector `c-<number>`."""
    return f"{number:02d}" + "a" * 27 + "0d1"


def connectors(numbers: Iterable[int], limit: int) -> str:
    """Documents of connectors `c-<number>`, each with a key of its own and this limit."""
    return "---".join(
        f"""
kind: connector
id: c-{number}
type: PAGERDUTY
name: Connector {number}
fields: {{integrationKey: "{key_of(number)}"}}
options: {{rateLimit: {limit}}}
"""
        for number in numbers
    )


@dataclass
class Traffic:
    """One producer into `installation`. `produced`: by grouping key, the wall-clock second of its trigger."""

    installation: Installation
    produced: dict[str, float] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(**self.installation.options, acks="all", enable_idempotence=True)
        await self._producer.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._producer.stop()

    async def send(self, connector: int, name: str, *, priority: str = "P2", status: str = "Triggered") -> None:
        """An alert of grouping key `name` for one connector; returns before the broker has confirmed it."""
        document = alert(name, status, destinations=[{"connectorId": f"c-{connector}"}])
        document["alertDef"]["priority"] = priority
        if status == "Triggered":
            self.produced.setdefault(name, time.time())
        await self._producer.send(f"{self.installation.prefix}alerts", orjson.dumps(document), name.encode())

    async def send_anywhere(self, name: str) -> None:
        """An alert that names no connector; returns before the broker has confirmed it."""
        await self._producer.send(f"{self.installation.prefix}alerts", orjson.dumps(alert(name)), name.encode())

    async def steady(
        self, connectors: Collection[int], prefix: str, *, rate: float, seconds: float, priority: str = "P2"
    ) -> list[str]:
        """Triggers of distinct incidents at `rate` a second, the connectors in turns; returns their grouping keys."""
        turn = list(connectors)
        names = []
        began = time.monotonic()
        for number in range(round(rate * seconds)):
            if (early := began + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(early)
            names.append(f"{prefix}-{number}")
            await self.send(turn[number % len(turn)], names[-1], priority=priority)
        return names

    def latencies(self, names: Iterable[str]) -> list[float]:
        """Milliseconds from producing to the first accepted trigger of those that have arrived, ascending."""
        arrived: dict[str, int] = {}
        for entry in self.installation.simulator.journal:
            if entry.dedup_key is not None and entry.action == "trigger" and accepted(entry):
                arrived.setdefault(entry.dedup_key, entry.at)
        return sorted(max(0.0, arrived[name] - self.produced[name] * 1000) for name in names if name in arrived)

    async def arrive(self, names: Collection[str]) -> None:
        """Wait until all triggers have been accepted."""
        wanted = set(names)
        await self.installation.simulator.seen(
            lambda entry: entry.dedup_key in wanted and accepted(entry), count=len(wanted), timeout=DONE_SECONDS
        )

    async def open_up(self, connector: int, worker: WorkerProcess) -> None:
        """Lift the limit of one key on both sides and wait until everything has come to its end.

        A limit travels with the outbox records, so that new ones are sent until the worker has heard of it.
        """
        self.installation.simulator.set_limit(None, key_of(connector))
        await self.installation.apply(connectors([connector], OPEN_LIMIT))
        async with asyncio.timeout(DONE_SECONDS):
            for number in count():
                await self.send(connector, f"carries-the-limit-{connector}-{number}", priority="P1")
                await asyncio.sleep(PROBE_SECONDS)
                if await at_rest(self.installation, worker):
                    return


async def at_rest(installation: Installation, worker: WorkerProcess) -> bool:
    """Whether no input is uncommitted and no incident has anything left: acknowledgements may be given early."""
    return await installation.lag() == 0 and await metric(worker, "pagerline_backlog_incidents") == 0


async def come_to_rest(installation: Installation, worker: WorkerProcess) -> None:
    """Wait until it is."""
    async with asyncio.timeout(DONE_SECONDS):
        while not await at_rest(installation, worker):
            await asyncio.sleep(0.3)


async def metric(worker: WorkerProcess, name: str) -> float:
    """One figure of a worker without labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{worker.url}/metrics") as response:
        text = await response.text()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"the worker exports no {name}"
    return float(found[1])


def accepted(entry: Entry) -> bool:
    """Whether PagerDuty took the event."""
    return entry.status == 202


def percentile(ordered: Collection[float], share: float) -> float:
    """Of ascending values, the smallest that is not below this share of them."""
    return list(ordered)[max(0, math.ceil(len(ordered) * share) - 1)]


def most_in_a_minute(entries: Iterable[Entry]) -> int:
    """The most entries in any window of 60 s, by their time of arrival."""
    times = sorted(entry.at for entry in entries)
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 60_000:
            first += 1
        most = max(most, last - first + 1)
    return most


def memory_mb(worker: WorkerProcess) -> float:
    """Resident memory of a worker in MB; 0 where there is no /proc."""
    statm = Path(f"/proc/{worker.pid}/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def verdict_of(installation: Installation) -> Verdict:
    """What the verifier says of all that has happened so far."""
    return (await collect(installation.brokers, installation.prefix, installation.simulator.events_url)).judge()
