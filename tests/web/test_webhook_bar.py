"""Forged, replayed, truncated and oversized webhooks against the ingress on Apache Kafka, 2,000 of them a second."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from streams.kafka.home import home_partition
from streams.kafka.producer import Producer
from streams.kafka.topics import ensure_topics
from streams.sandbox.verify.collect import Reader
from streams.topology import Topology
from streams.web.webhooks import MOST_BYTES
from tests.web.webhook_sender import Ingress, headers, integration, sample, serving

FORGER = Path(__file__).with_name("forger.py")
RATE = 2_000
SECONDS = 30 if os.environ.get("FULL_BARS") else 4
PAGERDUTY_WAITS = 5.0
"""Seconds, after which PagerDuty takes a delivery for failed (webhooks v3, delivery)."""
GENUINE = 10 * SECONDS


async def genuine(ingress: Ingress) -> None:
    """Ten deliveries a second, as long as the forger works, each answered before PagerDuty gives up waiting."""
    started = time.monotonic()
    for number in range(GENUINE):
        await asyncio.sleep(max(0.0, started + number / 10 - time.monotonic()))
        body = sample("incident.acknowledged__user", id=f"genuine-{number:06}")
        async with asyncio.timeout(PAGERDUTY_WAITS):
            assert await ingress.post(body, headers(body, number=number)) == (202, "accepted")


async def nonsense(ingress: Ingress) -> None:
    """What else an attacker may try, between the others."""
    known = sample("incident.acknowledged__user", id="genuine-000000")
    large = b"x" * (MOST_BYTES + 1)
    for number in range(GENUINE):
        assert (await ingress.post(known[:-1], headers(known)))[0] == 503  # names our subscription
        assert (await ingress.post(known[:-1], headers(known, x_webhook_subscription="P")))[0] in (401, 429)
        assert (await ingress.post(large, headers(large)))[0] in (413, 429)
        if number > GENUINE // 2:
            assert await ingress.post(known, headers(known, number=number)) == (202, "replayed")


@pytest.mark.kafka
async def test_forged_webhooks_neither_get_in_nor_in_the_way(
    pagerline_apache_kafka: Any, pagerline_prefix: str
) -> None:
    options = {"bootstrap_servers": pagerline_apache_kafka.bootstrap}
    topology = Topology.of(SimpleNamespace(prefix=pagerline_prefix, app_id="pagerline", partitions=8))
    await ensure_topics(topology.specs(), replication=1, options=options)
    producer = Producer(options)
    await producer.start()

    async def send(key: bytes, value: bytes) -> asyncio.Future[Any]:
        return await producer.send(topology.webhooks, key, value)

    try:
        async with serving(send, integration()) as ingress:
            host, port = ingress.url.removeprefix("http://").split(":")
            forger = await asyncio.create_subprocess_exec(
                sys.executable, FORGER, host, port, "/webhooks/pagerduty/main", str(RATE), str(SECONDS),
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, _, (out, _) = await asyncio.gather(genuine(ingress), nonsense(ingress), forger.communicate())
            forged = orjson.loads(out)
            counts = ingress.counts()
    finally:
        await producer.stop()
    assert forged["answers"] == {"503": RATE * SECONDS}
    assert counts["wrong_secret"] == RATE * SECONDS + GENUINE
    assert counts["accepted"] == GENUINE
    assert counts["wrong_signature"] + counts.get("flooded", 0) + counts.get("oversized", 0) == 2 * GENUINE
    async with Reader(pagerline_apache_kafka.bootstrap) as reader:
        records = [record async for record in reader.records([topology.webhooks])]
    events = [orjson.loads(orjson.loads(record.value or b"")["body"])["event"]["id"] for record in records]
    assert sorted(events) == [f"genuine-{number:06}" for number in range(GENUINE)]
    assert {record.partition for record in records} == {home_partition(b"account:main", 8)}
