"""Load a worker with events that PagerDuty will not take, kill it, and see what that costs: memory and recovery.

`python -m bench.backlog [--events N] [--outbox] [--answer 503|429|limit] [--save]`. Events of distinct incidents wait
on five keys; one worker on Apache Kafka holds them. Prints progress; `--save` adds the figures to bench/results.md.
Gives up after 20 minutes or beyond `--memory` MB, says so, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import aiohttp

from bench.load import KEYS
from bench.report import save, when_and_where
from bench.waiting import alert_record, connector_of, load, outbox_record
from streams.documents.log import document_producer, put, write
from streams.documents.parse import load_connectors
from streams.documents.secrets import Cipher, new_key
from streams.kafka.topics import ensure_topics
from streams.sandbox.kafka import ApacheKafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.worker import WorkerProcess
from streams.topology import Topology

GIVE_UP_SECONDS = 20 * 60.0
READY_SECONDS = 600.0
"""Ten times what a million rows may take."""
PARTITIONS = 8
TARGETS = 5
"""Keys: a handful, so that each has a long line."""

LOOK_SECONDS = 2.0
AFTER_LOOKS = 5
"""At the successor: what the dead worker had not committed comes again in the first seconds."""
SETTLED_SECONDS = 6.0
"""All is read and no figure has moved for so long: by then the rows of what came last are written, too."""
STILL_SECONDS = 20.0
"""No figure has moved for so long: all is read, or the worker takes no more and lets the rest wait in Kafka."""

CONNECTOR = """\
kind: connector
id: {connector}
type: PAGERDUTY
name: Backlog {number}
fields: {{integrationKey: "{key}"}}
options: {{rateLimit: {limit}}}
---
"""


@dataclass(frozen=True)
class Sample:
    """What the worker showed at one moment; `seconds` since the first event was produced."""

    seconds: float
    memory_mb: float
    backlog: int
    route_lag: int
    dispatch_lag: int

    @property
    def work(self) -> tuple[int, int, int]:
        return self.backlog, self.route_lag, self.dispatch_lag

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.0f} s  {self.memory_mb:7,.0f} MB  {self.backlog:9,} incidents wait  "
            f"lag: route {self.route_lag:,}, dispatch {self.dispatch_lag:,}"
        )


@dataclass
class Backlog:
    """A run and its figures."""

    options: argparse.Namespace
    samples: list[Sample] = field(default_factory=list)
    ended: str = "all of it read"

    async def __aenter__(self) -> Backlog:
        self._exit = AsyncExitStack()
        async with AsyncExitStack() as starting:
            self._folder = Path(starting.enter_context(tempfile.TemporaryDirectory(prefix="pagerline-backlog-")))
            kafka = await starting.enter_async_context(ApacheKafka())
            self._simulator = await starting.enter_async_context(Simulator(limit=None))
            self._session = await starting.enter_async_context(
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
            )
            self._brokers = kafka.bootstrap
            self._client = {"bootstrap_servers": kafka.bootstrap}
            self._key = new_key()
            await self._prepare()
            self._exit = starting.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._exit.aclose()

    async def _prepare(self) -> None:
        options, cipher = self.options, Cipher([self._key])
        if options.answer != "limit":
            self._simulator.fail("status", status=int(options.answer))
        limit = 1 if options.answer == "limit" else 120
        self._topology = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=PARTITIONS))
        await ensure_topics(self._topology.specs(), replication=1, options=self._client)
        text = "".join(
            CONNECTOR.format(number=n, connector=connector_of(n), key=KEYS[n], limit=limit) for n in range(TARGETS)
        )
        entries = [put(connector, cipher) for connector in load_connectors(["-"], lambda: text)]
        async with document_producer(self._client) as producer:
            await write(producer, self._topology.connectors, entries)
        self._waiting = [
            outbox_record(self._topology.outbox, number, limit, cipher)
            if options.outbox
            else alert_record(self._topology.alerts, number)
            for number in range(TARGETS)
        ]

    # -- the run ------------------------------------------------------------------------------------------------

    async def run(self) -> str:
        """Take over with nothing, load, watch, kill, take over with everything; returns the report's line."""
        options = self.options
        worker = self._worker()
        await worker.start()
        empty = memory_mb(worker.pid)
        worker, idle_seconds = await self._take_over(worker)
        started = time.monotonic()
        loading = asyncio.create_task(load(self._client, self._waiting, options.events))
        try:
            await self._watch(worker, started, loading)
        finally:
            loading.cancel()
            with suppress(asyncio.CancelledError):
                await loading
        if not self.samples:
            raise SystemExit("the worker never told its figures")
        loaded = self.samples[-1]
        peak = max(sample.memory_mb for sample in self.samples)
        requests = len(self._simulator.journal)
        worker, seconds = await self._take_over(worker)
        print(f"killed; another is ready after {seconds:.1f} s ({idle_seconds:.1f} s with nothing)", flush=True)
        await self._simulator.seen(lambda entry: True, count=requests + 1, timeout=120)
        before = len(self.samples)
        for _ in range(AFTER_LOOKS):
            await self._look(worker, started)
            await asyncio.sleep(LOOK_SECONDS)
        after = max(self.samples[before:], key=lambda sample: sample.memory_mb, default=loaded)
        await worker.kill()
        way = "outbox" if options.outbox else "route"
        each = (peak - empty) * 1e6 / max(1, loaded.backlog)
        return (
            f"| {when_and_where()} | {options.events:,} by {way}, {options.answer} | {self.ended} | "
            f"{loaded.backlog:,} in {loaded.seconds:,.0f} s | {empty:,.0f} / {peak:,.0f} MB | {each:,.0f} B | "
            f"{after.backlog:,} | {after.memory_mb:,.0f} MB | {idle_seconds:.1f} s | {seconds:.1f} s |"
        )

    async def _watch(self, worker: WorkerProcess, started: float, loading: asyncio.Task[None]) -> None:
        """Look at the worker until it has read everything, or nothing moves, or a bound is met."""
        moved = time.monotonic()
        while time.monotonic() - started < GIVE_UP_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            if worker.returncode is not None:
                raise SystemExit(f"the worker ended with {worker.returncode}\n{worker.log()[-4_000:]}")
            last = self.samples[-1:]
            sample = await self._look(worker, started)
            if sample is None:
                continue
            if not last or sample.work != last[0].work:
                moved = time.monotonic()
            if sample.memory_mb > self.options.memory:
                self.ended = f"stopped beyond {self.options.memory:,} MB"
                return
            if loading.done():
                loading.result()
                still = time.monotonic() - moved
                if sample.route_lag == 0 and sample.backlog >= self.options.events * 0.999 and still > SETTLED_SECONDS:
                    return
                if still > STILL_SECONDS:
                    self.ended = "the rest left in Kafka"
                    return
        self.ended = f"stopped after {GIVE_UP_SECONDS / 60:.0f} minutes"

    async def _take_over(self, worker: WorkerProcess) -> tuple[WorkerProcess, float]:
        """Kill a worker and start another; returns it, and the seconds until it was ready."""
        await worker.kill()
        killed = time.monotonic()
        other = self._worker()
        await other.start(timeout=READY_SECONDS)
        return other, time.monotonic() - killed

    def _worker(self) -> WorkerProcess:
        settings = {
            "PAGERLINE_BROKERS": self._brokers,
            "PAGERLINE_PARTITIONS": str(PARTITIONS),
            "PAGERLINE_EVENTS_URL": self._simulator.events_url,
            "PAGERLINE_SECRET_KEYS": self._key,
        }
        worker = WorkerProcess(settings, folder=self._folder, log=self._folder / "worker.log")
        self._exit.push_async_callback(worker.close)
        return worker

    async def _look(self, worker: WorkerProcess, started: float) -> Sample | None:
        """Take a sample and show it; None while the worker is too busy to answer."""
        try:
            async with self._session.get(f"{worker.url}/metrics") as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError):
            print(f"{time.monotonic() - started:6.0f} s  the worker is too busy to answer", flush=True)
            return None
        figures = {name: int(float(value)) for name, value in re.findall(r"^(pagerline_\S+) (\S+)$", text, re.M)}
        sample = Sample(
            seconds=time.monotonic() - started,
            memory_mb=memory_mb(worker.pid),
            backlog=figures["pagerline_backlog_incidents"],
            route_lag=figures['pagerline_lag_records{stage="route"}'],
            dispatch_lag=figures['pagerline_lag_records{stage="dispatch"}'],
        )
        self.samples.append(sample)
        print(sample, flush=True)
        return sample


def memory_mb(pid: int) -> float:
    """Resident memory of a process in MB (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


HEADER = """\
# A backlog of waiting events

One line a run of `python -m bench.backlog`: events of distinct incidents on five keys that PagerDuty does not take (it
answers 503 or 429 to all, or the limit is 1 a minute), through the whole path or straight to the outbox, one worker.
Memory is resident: of a fresh worker and at its peak; the difference is shown for each waiting incident. Then the
worker is killed: what its successor has, and when it is ready, the 10 s that Kafka takes to notice a death included.
The same with nothing waiting stands before it.

| when | machine | events | end | waiting | memory empty / peak | each | after kill | memory | ready, empty | ready |
|---|---|---|---|---|---|---|---|---|---|---|
"""


async def measure(options: argparse.Namespace) -> str:
    async with Backlog(options) as backlog:
        return await backlog.run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.backlog", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events to load (1000000)")
    parser.add_argument("--outbox", action="store_true", help="straight to pagerduty-outbox: dispatch alone")
    parser.add_argument("--answer", choices=("503", "429", "limit"), default="503", help="why they wait (503)")
    parser.add_argument("--memory", type=int, default=4_000, help="MB at which the run stops (4000)")
    parser.add_argument("--save", action="store_true", help="add the figures to bench/results.md")
    options = parser.parse_args()
    line = asyncio.run(measure(options))
    print(line)
    if options.save:
        save(HEADER, line)


if __name__ == "__main__":
    main()
