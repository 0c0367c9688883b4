"""Where the time of an event goes: `python -m bench.profile [--burst N]`.

One worker works off bursts, on Apache Kafka and the bench's sink, while a thread of its own looks every 2 ms at what
its main thread does. Each look counts for the innermost part of the table that stands on the stack. Looking costs a few
per cent; compare shares, not rates. The first burst warms up and does not count. Ends by itself within two minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from bench.__main__ import Bench, Figures
from bench.report import when_and_where
from streams.sandbox.process import Child, free_port

EVERY_SECONDS = 0.002
"""Some 5,000 looks in a burst of 10,000: a share of 20 % is then known to within 1 %."""

LOOP = "mode/worker.py"
"""Who has started the loop: when nobody stands further in, the loop itself (in C) is at work, or waits."""
ITSELF = "the loop itself (uvloop): its sockets, or waiting"

CPU = "cpu"
"""Microseconds that the main thread has used."""

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("the HTTP request (aiohttp, yarl, multidict)", ("/aiohttp/", "/yarl/", "/multidict/", "streams/pagerduty/")),
    (
        "the decision and the message",
        ("streams/routing/", "streams/templating/", "streams/events", "streams/contracts", "/jsonschema_rs/"),
    ),
    ("records for Kafka (aiokafka's producer)", ("/aiokafka/", "streams/kafka/producer", "streams/kafka/tables")),
    ("dispatch", ("streams/dispatch/", "streams/stages/dispatch", "streams/seen", "streams/records")),
    ("route around the decision", ("streams/stages/", "streams/kafka/lanes", "streams/input_index")),
    ("Faust and the consumer", ("/faust/", "/mode/", "streams/kafka/", "streams/app.py", "streams/stages/parts")),
)


def part_of(frame: FrameType | None) -> str:
    """The part that the innermost frame belongs to which belongs to any."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.endswith(LOOP):
            break  # further out stands who started the loop
        for part, marks in PARTS:
            if any(mark in name for mark in marks):
                return part
        frame = frame.f_back
    return ITSELF


def sample(main: int, file: Path) -> None:
    """Look at thread `main` for ever, and write down after each second what was seen so far."""
    seen: Counter[str] = Counter()
    told = time.monotonic()
    clock = time.pthread_getcpuclockid(main)
    while True:
        time.sleep(EVERY_SECONDS)
        seen[part_of(sys._current_frames().get(main))] += 1
        if time.monotonic() - told >= 1.0:
            told = time.monotonic()
            seen[CPU] = time.clock_gettime_ns(clock) // 1_000
            file.with_suffix(".new").write_bytes(orjson.dumps(seen))
            file.with_suffix(".new").replace(file)


def worker(file: Path) -> None:
    """`pagerline worker`, looked at."""
    from streams.cli.main import main

    looking = threading.Thread(target=sample, args=(threading.get_ident(), file), daemon=True)
    looking.start()
    sys.argv = ["pagerline", "worker"]
    main()


class Looked(Bench):
    """The bench, whose workers are looked at."""

    @property
    def file(self) -> Path:
        return Path(self._folder) / "seen.json"

    async def _worker(self, number: int) -> tuple[Child, str]:
        bind = f"127.0.0.1:{free_port()}"
        program = (sys.executable, "-m", "bench.profile", "--worker", str(self.file))
        log = self._folder / f"worker-{number}.log"
        return await self._start(log, *program, PAGERLINE_HEALTH_BIND=bind), f"http://{bind}/readyz"


async def run(options: argparse.Namespace) -> None:
    async with Looked(options) as bench:
        await bench.workers(1)
        await bench.measure("pagerline", Figures())
        before = Counter(await seen_after(bench.file))
        await bench.measure("pagerline", Figures())
        counted = Counter(await seen_after(bench.file)) - before
    cpu, looks = counted.pop(CPU), sum(counted.values())
    print(f"\n{when_and_where()}: {looks:,} looks, {cpu / options.burst / 1000:.2f} ms of CPU an event\n")
    print("| share | part |\n|---|---|")
    for part, times in counted.most_common():
        print(f"| {100 * times / looks:.0f} % | {part} |")


async def seen_after(file: Path) -> dict[str, int]:
    """What was seen up to now, as far as it is written within the next second and a half."""
    await asyncio.sleep(1.5)
    found: dict[str, int] = orjson.loads(file.read_bytes())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--burst", type=int, default=10_000, help="alerts in a burst")
    parser.add_argument("--worker", metavar="FILE", help=argparse.SUPPRESS)
    options: Any = parser.parse_args()
    if options.worker:
        worker(Path(options.worker))
        return
    options.rate, options.seconds = 1, 1  # a burst is all that counts
    os.environ.setdefault("PYTHONPATH", os.getcwd())
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
