"""Run the bench: one worker and the hand-written loop, one after the other, on the same Apache Kafka.

`make bench` or `python -m bench [--burst N] [--rate N] [--seconds N] [--rounds N] [--workers N] [--save]`. Prints the
figures and their ratios; `--save` adds them to bench/results.md with date and machine. A first round that does not
count warms the broker up. With `--workers 2` two workers stand beside one instead of the hand-written loop. Ends by
itself within a few minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp

from bench.load import KEY_TEMPLATE, burst, steady
from bench.report import save, when_and_where
from streams.documents.secrets import new_key
from streams.kafka.topics import TopicSpec, ensure_topics
from streams.sandbox.kafka import ApacheKafka
from streams.sandbox.process import Child, free_port

PARTITIONS = 8
READY_SECONDS = 90
SETTLED_SECONDS = 5.0
"""After which workers that are all ready have the partitions that they keep."""

DONE_SECONDS = 60
"""A run that takes longer than this has failed, whatever the machine."""

TOPICS = {"pagerline": "alerts", "handwritten": "alerts-by-hand"}
"""Each has its own input, so that neither works off what was meant for the other."""

CONNECTOR = """\
kind: connector
id: bench
type: PAGERDUTY
name: Bench
fields:
  dynamicintegrationKey: "{template}"
options:
  rateLimit: 10000
"""


@dataclass
class Figures:
    """Events a second of each burst; milliseconds from producing to arriving at a steady rate."""

    bursts: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.bursts)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Bench:
    """Kafka and sink up; measures one consumer at a time."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Bench:
        self._folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="pagerline-bench-")))
        self._kafka = await self._exit.enter_async_context(ApacheKafka())
        self._session = await self._exit.enter_async_context(aiohttp.ClientSession())
        log = self._folder / "sink.log"
        await self._start(log, sys.executable, "-m", "bench.sink")
        port = await self._line(log, r"\d+")
        self._sink = f"http://127.0.0.1:{port}"
        self._environment = {
            **os.environ,
            "PAGERLINE_BROKERS": self._kafka.bootstrap,
            "PAGERLINE_EVENTS_URL": self._sink,
            "PAGERLINE_SECRET_KEYS": new_key(),
        }
        await self._run("pagerline", "topics", "apply")
        by_hand = TopicSpec(TOPICS["handwritten"], PARTITIONS, "delete")
        await ensure_topics([by_hand], replication=1, options={"bootstrap_servers": self._kafka.bootstrap})
        document = self._folder / "bench.yaml"
        document.write_text(CONNECTOR.format(template=KEY_TEMPLATE))
        await self._run("pagerline", "apply", "-f", str(document))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._exit.aclose()

    async def workers(self, count: int) -> list[Child]:
        """That many workers, each with the partitions that it keeps."""
        started = [await self._worker(number) for number in range(count)]
        if count > 1:
            await asyncio.sleep(SETTLED_SECONDS)
        async with asyncio.timeout(READY_SECONDS):
            for child, health in started:
                while not await self._answers(health):
                    if child.returncode is not None:
                        raise SystemExit(f"the worker ended: {child.tail()}")
                    await asyncio.sleep(0.2)
        return [child for child, _ in started]

    async def _worker(self, number: int) -> tuple[Child, str]:
        bind = f"127.0.0.1:{free_port()}"
        log = self._folder / f"worker-{number}.log"
        return await self._start(log, *_pagerline("worker"), PAGERLINE_HEALTH_BIND=bind), f"http://{bind}/readyz"

    async def handwritten(self) -> list[Child]:
        log = self._folder / "handwritten.log"
        log.unlink(missing_ok=True)
        arguments = (self._kafka.bootstrap, TOPICS["handwritten"], self._sink)
        child = await self._start(log, sys.executable, "-m", "bench.handwritten", *arguments)
        await self._line(log, "ready")
        return [child]

    async def measure(self, name: str, figures: Figures) -> None:
        """One burst, then a steady rate, into whatever is running."""
        options, run = self._options, f"{name}-{time.monotonic_ns()}"
        started = time.time()
        topic = TOPICS[name]
        await burst(self._kafka.bootstrap, topic, run, options.burst)
        arrivals = await self._arrivals(options.burst)
        figures.bursts.append(len(arrivals) / (max(at for _, at in arrivals) - started))
        sent = await steady(self._kafka.bootstrap, topic, run + "-s", options.rate, options.seconds)
        arrived = dict(reversed(await self._arrivals(len(sent))))  # the first arrival counts
        figures.latencies += [(arrived[name] - at) * 1000 for name, at in sent.items()]
        print(
            f"{name:12} burst {figures.bursts[-1]:7,.0f}/s   at {options.rate}/s "
            f"p50 {figures.percentile(0.5):6.1f} ms  p99 {figures.percentile(0.99):6.1f} ms",
            flush=True,
        )

    async def _arrivals(self, count: int) -> list[tuple[str, float]]:
        async with asyncio.timeout(DONE_SECONDS):
            while (await self._json("/n"))["n"] < count:
                await asyncio.sleep(0.1)
        found: list[tuple[str, float]] = (await self._json("/arrivals"))["arrivals"]
        return found

    async def _json(self, path: str) -> dict:  # type: ignore[type-arg]
        async with self._session.get(self._sink + path) as response:
            answer: dict = await response.json()  # type: ignore[type-arg]
            return answer

    async def _answers(self, url: str) -> bool:
        try:
            async with self._session.get(url) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def _start(self, log: Path, *program: str, **settings: str) -> Child:
        environment = getattr(self, "_environment", dict(os.environ))
        child = Child.start(program, log=log, env={**environment, **settings})
        self._exit.push_async_callback(child.stop, 10)
        return child

    async def _run(self, *words: str) -> None:
        child = Child.start(_pagerline(*words[1:]), env=self._environment, cwd=self._folder)
        if await child.wait():
            raise SystemExit(f"{' '.join(words)}: {child.tail()}")

    async def _line(self, log: Path, like: str) -> str:
        """The first line of a log that matches; libraries may have something to say before it."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                for line in log.read_text().splitlines() if log.exists() else ():
                    if re.fullmatch(like, line):
                        return line
                await asyncio.sleep(0.1)


def _pagerline(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "streams.cli.main", *words)


Start = Callable[[], Awaitable[list[Child]]]


async def run(options: argparse.Namespace) -> str:
    """Measure in turns and return the report."""
    base, ours = Figures(), Figures()
    async with Bench(options) as bench:
        one: Start = partial(bench.workers, 1)
        turns: list[tuple[str, Start, Figures]] = [
            ("handwritten", bench.handwritten, base),
            ("pagerline", one, ours),
        ]
        if options.workers > 1:
            many: Start = partial(bench.workers, options.workers)
            turns = [("pagerline", one, base), ("pagerline", many, ours)]
        for number in range(options.rounds + 1):
            for name, start, figures in turns:
                children = await start()
                await bench.measure(name, figures if number else Figures())
                for child in children:
                    await child.stop(20)
            if not number:
                print("warm; from here on it counts", flush=True)
    workers = f"{options.workers} | " if options.workers > 1 else ""
    return (
        f"| {when_and_where()} | {workers}{options.burst:,} | {ours.rate:,.0f}/s | {base.rate:,.0f}/s "
        f"| **{ours.rate / base.rate:.2f}** | {options.rate}/s | {ours.percentile(0.5):.1f} / "
        f"{ours.percentile(0.99):.1f} ms | {base.percentile(0.5):.1f} / {base.percentile(0.99):.1f} ms "
        f"| **{ours.percentile(0.99) / base.percentile(0.99):.1f}** |"
    )


HEADER = """\
# Results

One line a run of `make bench`: one worker beside the hand-written loop, same Kafka, same sink, same load, in turns;
broker, sink and load share the machine's cores. Medians over the rounds.

| when | machine | burst | Pagerline | by hand | ratio | steady | Pagerline p50 / p99 | by hand p50 / p99 | p99 ratio |
|---|---|---|---|---|---|---|---|---|---|
"""

HEADER_OF_MANY = """\
# More workers than one

One line a run of `python -m bench --workers N`: N workers beside one, in turns, as above.

| when | machine | workers | burst | all | one | ratio | steady | all, p50 / p99 | one, p50 / p99 | p99 ratio |
|---|---|---|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--burst", type=int, default=10_000, help="alerts in a burst (10000)")
    parser.add_argument("--rate", type=int, default=300, help="alerts a second at the steady rate (300)")
    parser.add_argument("--seconds", type=int, default=15, help="seconds at the steady rate (15)")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each that count (2)")
    parser.add_argument("--workers", type=int, default=1, help="more than 1: so many beside one (1)")
    parser.add_argument("--save", action="store_true", help="add the figures to bench/results.md")
    options = parser.parse_args()
    line = asyncio.run(run(options))
    print(line)
    if options.save:
        save(HEADER if options.workers == 1 else HEADER_OF_MANY, line)


if __name__ == "__main__":
    main()
