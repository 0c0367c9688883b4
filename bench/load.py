"""The load: alerts of about 1 kB, each an incident of its own, in a burst or at a steady rate."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

KEYS = [f"{number:02d}" + "b" * 30 for number in range(20)]
KEY_TEMPLATE = (
    "{% if alertDef.entityLabels.team == 'team-0' %}" + KEYS[0] + "".join(
        "{% elif alertDef.entityLabels.team == 'team-" + str(number) + "' %}" + key
        for number, key in enumerate(KEYS)
        if number
    ) + "{% endif %}"
)  # fmt: skip


def alert(name: str, number: int) -> bytes:
    """One triggered alert with grouping key `name`."""
    team = f"team-{number % len(KEYS)}"
    document: dict[str, Any] = {
        "_context": {
            "entityType": "alerts",
            "entitySubType": "metricThresholdMoreThanTriggered",
            "entityLabels": {},
            "system": {"id": "17266", "name": "shop"},
            "trigger": {"type": "automatic", "automaticTrigger": {}, "manualTrigger": None},
        },
        "alert": {
            "id": f"id-{name}",
            "groupingKey": name,
            "status": "Triggered",
            "timestamp": int(time.time()),
            "highestPriority": f"P{1 + number % 5}",
            "alertDataUrl": f"https://alerts.example.com/{name}",
            "groups": [
                {
                    "status": "Triggered",
                    "priority": "P2",
                    "keyValues": {"host": f"server{number % 50}", "region": "eu-1", "service": "checkout"},
                    "details": {"$type": "metricThreshold", "metricThreshold": {"avgValueOverThreshold": number}},
                }
            ],
        },
        "alertDef": {
            "id": "def-1",
            "name": "CPU usage above 90 % for ten minutes",
            "description": "The average over all cores of a host. " * 6,
            "priority": "P3",
            "type": "metricThreshold",
            "entityLabels": {"team": team, "environment": "production"},
            "groupByKeys": ["host", "region"],
        },
    }
    return orjson.dumps(document)


async def burst(brokers: str, topic: str, run: str, count: int) -> dict[str, float]:
    """Produce `count` alerts as fast as the broker takes them; returns when each was handed over, by grouping key."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, linger_ms=5, max_batch_size=262_144)
    await producer.start()
    sent: dict[str, float] = {}
    pending = []
    for number in range(count):
        name = f"{run}-{number}"
        value = alert(name, number)
        sent[name] = time.time()
        pending.append(await producer.send(topic, value, name.encode()))
    await asyncio.gather(*pending)
    await producer.stop()
    return sent


async def steady(brokers: str, topic: str, run: str, rate: int, seconds: int) -> dict[str, float]:
    """Produce `rate` alerts a second for `seconds`; returns when each was handed over."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, linger_ms=0)
    await producer.start()
    sent: dict[str, float] = {}
    pending: list[Any] = []
    started = time.perf_counter()
    for number in range(rate * seconds):
        due = started + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        name = f"{run}-{number}"
        sent[name] = time.time()
        pending.append(await producer.send(topic, alert(name, number), name.encode()))
    await asyncio.gather(*pending)
    await producer.stop()
    return sent
