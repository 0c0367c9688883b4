"""How long `pagerline explain` takes beside a million deliveries: `python -m bench.explain [--records N] [--save]`.

Fills the topics of one day on an Apache Kafka of its own (deliveries, inputs and both tables, in the small batches that
workers write), then asks in every form of an id, each time as a command with its start and end. Ends by itself within
some minutes; `--save` adds the figures to bench/results.md.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.load import KEYS, alert
from bench.report import save, when_and_where
from streams.dispatch.incident import row_key
from streams.documents.secrets import destination_id, new_key
from streams.input_index import record_of
from streams.kafka.home import home_partition
from streams.kafka.topics import ensure_topics
from streams.sandbox.kafka import ApacheKafka
from streams.topology import Topology

PARTITIONS = 8
BATCH = 8
"""Records of a batch: a worker's producer does not linger, so that its batches are small."""
IN_FLIGHT = 64
DAY_MS = 23 * 3_600_000
"""All lies in the window that is looked at without --since."""
INDEXED = 8
"""Inputs that a record of the index tells of: few, as in quiet times."""
LIFE = 2
"""Records of one incident: a trigger and its resolve."""
GIVE_UP_SECONDS = 1_200.0

TEMPLATE = "{% if alertDef.entityLabels.team == 'team-0' %} …bbb {% elif alertDef.entityLabels.team == 'team-1' %} …bbb"

HEAD = """\
# Explaining one incident

One line a run of `python -m bench.explain`: the whole command, its start included, median of three (the last three:
of one), beside that many records in `deliveries`, as many inputs and half as many rows in each table, on 8 partitions;
the broker shares the machine. "Oldest" began at the other end of the day that is looked at. An alert's own id is in no
key: the first line went through all inputs for it, and for an id that nobody knows; the others use `input-index`.

| when | machine | deliveries | newest | oldest, `alert:…` | oldest, bare | by input | own id | unknown | no input |
|---|---|---|---|---|---|---|---|---|---|"""


def name_of(number: int) -> str:
    return f"shop-{number:07d}/cpu/server{number % 50}"


def destination_of(number: int) -> str:
    return destination_id(KEYS[number % len(KEYS)])


def delivery(number: int, place: str, action: str, at: int) -> bytes:
    """A record as dispatch writes it, of an input at `place`."""
    name, to = name_of(number), destination_of(number)
    topic, partition, offset = place.split("/")
    why = {
        "chosen": "fields.dynamicintegrationKey",
        "passed_over": [],
        "pinned": False,
        "template": TEMPLATE,
        "key": "…bbb",
    }
    return orjson.dumps(
        {
            "v": 1,
            "id": f"{place}@{to}",
            "incident": f"alert:{name}",
            "dedup_key": name,
            "action": action,
            "source": {"topic": topic, "partition": int(partition), "offset": int(offset), "timestamp": at},
            "destination": {"type": "PAGERDUTY", "id": to, "connector": "bench"},
            "why": why if action == "trigger" else {"chosen": "pin", "passed_over": [], "pinned": True},
            "render_errors": {},
            "outcome": {
                "status": "delivered",
                "reason": "delivered",
                "message": "success: Event processed",
                "http_status": 202,
                "by": None,
                "folded": False,
                "at": at + 40,
                "latency_ms": 40,
                "attempts": [{"at": at + 40, "ms": 31.5, "status": 202, "error": None}],
                "attempts_total": 1,
            },
            "replay": None,
        }
    )


class Filler:
    """Writes records in order of their time, in batches of BATCH for each partition."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._batches: dict[tuple[str, int], Any] = {}
        self._offsets: dict[tuple[str, int], int] = {}
        self._sent: set[asyncio.Future[Any]] = set()

    async def add(self, topic: str, home: bytes, key: bytes, value: bytes, at: int) -> int:
        """Returns the record's offset. `home`: what its partition is chosen by."""
        place = (topic, home_partition(home, PARTITIONS))
        batch = self._batches.get(place)
        if batch is None:
            batch = self._batches[place] = self._producer.create_batch()
        batch.append(key=key, value=value, timestamp=at)
        if batch.record_count() == BATCH:
            await self._send(place)
        offset = self._offsets[place] = self._offsets.get(place, -1) + 1
        return offset

    async def flush(self) -> None:
        for place in list(self._batches):
            await self._send(place)
        await asyncio.gather(*self._sent)

    async def _send(self, place: tuple[str, int]) -> None:
        batch = self._batches.pop(place)
        batch.close()
        sent = await self._producer.send_batch(batch, place[0], partition=place[1])
        self._sent.add(sent)
        if len(self._sent) > IN_FLIGHT:
            _, self._sent = await asyncio.wait(self._sent, return_when=asyncio.FIRST_COMPLETED)


async def fill(brokers: str, topology: Topology, records: int) -> str:
    """Write one day; returns the coordinates of the oldest input."""
    incidents = records // LIFE
    entries: list[bytes] = []
    begin = time.time_ns() // 1_000_000 - DAY_MS
    first = ""
    async with AIOKafkaProducer(bootstrap_servers=brokers, acks=1) as producer:
        filler = Filler(producer)
        for number in range(incidents):
            name, to = name_of(number), destination_of(number)
            incident, home = f"alert:{name}".encode(), name.encode()
            at = begin + number * DAY_MS // incidents
            for action in ("trigger", "resolve"):
                document = alert(name, number)
                offset = await filler.add(topology.alerts, home, home, document, at)
                place = f"{topology.alerts}/{home_partition(home, PARTITIONS)}/{offset}"
                first = first or place
                value = delivery(number, place, action, at)
                entries.append(orjson.dumps([f"alert:{name}", place, at, f"id-{name}", None]))
                if len(entries) == INDEXED:
                    await filler.add(topology.input_index, home, b"", record_of(entries), at)
                    entries.clear()
                await filler.add(topology.deliveries, incident, incident, value, at)
                at += 1_000
            token = "gAAAAA" + "0" * 114
            pin = {"v": 1, "destination": to, "routing_key": token, "connector": "bench", "open": False, "seen": {}}
            row = {"state": "resolved", "pending": [], "seen": {}, "outcomes": [], "released": {}, "closed_at": at}
            await filler.add(
                topology.pins_changelog, home, incident, orjson.dumps({"at": at, "pins": {"bench": pin}}), at
            )
            key = row_key(to, name)
            await filler.add(
                topology.incidents_changelog, to.encode(), key, orjson.dumps({**row, "pad": "x" * 300}), at
            )
        await filler.add(topology.input_index, b"", b"", record_of(entries), at)
        await filler.flush()
    return first


async def commit(brokers: str, topology: Topology) -> None:
    """All is done, as far as the workers' group is asked."""
    topics = (topology.alerts, topology.cases, topology.rekeyed, topology.outbox)
    partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, group_id="pagerline", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        consumer.pause(*partitions)
        await consumer.commit(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()


async def explain(environment: dict[str, str], folder: Path, name: str, expected: int) -> float:
    """Seconds of one command."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli.main", "explain", name, "-o", "json"),
        env=environment,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    took = time.monotonic() - began
    if process.returncode != expected:
        raise SystemExit(f"explain {name} ended with {process.returncode}: {err.decode()}")
    if expected == 0:
        (story,) = orjson.loads(out)["stories"]
        if [one["action"] for one in story["inputs"]] != ["trigger", "resolve"] or not story["complete"]:
            raise SystemExit(f"explain {name} told another story: {out.decode()[:2_000]}")
    return took


def questions(records: int, first: str) -> Iterator[tuple[str, str, int, int]]:
    """What is asked: heading, id, exit code, how often."""
    last = records // LIFE - 1
    yield "newest", name_of(last), 0, 3
    yield "oldest, alert:…", f"alert:{name_of(0)}", 0, 3
    yield "oldest, grouping key", name_of(0), 0, 3
    yield "by input", first, 0, 3
    yield "alert's own id", f"id-{name_of(0)}", 0, 1
    yield "unknown", "nobody-knows-this", 1, 1
    yield "unknown input", "alerts/0/999999999", 1, 1


async def run(options: argparse.Namespace) -> None:
    topology = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=PARTITIONS))
    with tempfile.TemporaryDirectory(prefix="pagerline-explain-") as folder:
        async with ApacheKafka() as kafka, asyncio.timeout(GIVE_UP_SECONDS):
            logging.getLogger("aiokafka").setLevel(logging.ERROR + 1)  # leaders are chosen while it begins
            await ensure_topics(topology.specs(), replication=1, options={"bootstrap_servers": kafka.bootstrap})
            began = time.monotonic()
            first = await fill(kafka.bootstrap, topology, options.records)
            await commit(kafka.bootstrap, topology)
            print(
                f"{options.records:,} deliveries and what belongs to them written in {time.monotonic() - began:.0f} s"
            )
            inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAGERLINE_")}
            environment = {
                **inherited,
                "PAGERLINE_BROKERS": kafka.bootstrap,
                "PAGERLINE_PARTITIONS": str(PARTITIONS),
                "PAGERLINE_SECRET_KEYS": new_key(),
            }
            cells = []
            for heading, name, code, times in questions(options.records, first):
                seconds = [await explain(environment, Path(folder), name, code) for _ in range(times)]
                cells.append(f"{statistics.median(seconds):.2f} s")
                print(f"{heading:<22} {cells[-1]}   ({', '.join(f'{one:.2f}' for one in seconds)})", flush=True)
    if options.save:
        save(HEAD, f"| {when_and_where()} | {options.records:,} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="records in `deliveries`")
    parser.add_argument("--save", action="store_true", help="add the figures to bench/results.md")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
