"""Events by the hundred thousand: ready-made JSON in which only the number changes, of distinct incidents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from bench.load import KEYS, alert
from streams.documents.secrets import Cipher, destination_id

UNCONFIRMED = 10_000
"""Records on their way to the broker: 10 MB of alerts."""

NUMBER = b"1234567890"
"""Stands where the event's number goes; as JSON it is a number too."""


class ReadyMade(NamedTuple):
    """A record of some topic, to be numbered."""

    topic: str
    key: bytes
    value: bytes

    def numbered(self, number: int) -> tuple[bytes, bytes]:
        """Key and value of event `number`, counted from 0."""
        digits = b"%d" % (int(NUMBER) + number)
        return self.key.replace(NUMBER, digits), self.value.replace(NUMBER, digits)


def connector_of(target: int) -> str:
    """The id of the connector with key number `target`."""
    return f"c-{target}"


def alert_record(topic: str, target: int) -> ReadyMade:
    """An alert for one connector."""
    document = orjson.loads(alert(NUMBER.decode(), target))
    document["destinations"] = [{"connectorId": connector_of(target)}]
    return ReadyMade(topic, NUMBER, orjson.dumps(document))


def outbox_record(topic: str, target: int, limit: int, cipher: Cipher) -> ReadyMade:
    """The same as route would have passed it on (schemas/pagerduty-outbox.json)."""
    name, destination, now_ms = NUMBER.decode(), destination_id(KEYS[target]), time.time_ns() // 1_000_000
    record: dict[str, Any] = {
        "v": 1,
        "incident": f"alert:{name}",
        "dedup_key": name,
        "destination": destination,
        "connector": connector_of(target),
        "limit": limit,
        "routing_key": cipher.seal(KEYS[target]),
        "action": "trigger",
        "payload": {
            "summary": "CPU usage above 90 % for ten minutes",
            "source": "server1",
            "severity": "info",
            "custom_details": {"description": "The average over all cores of a host. " * 6},
        },
        "source": {"topic": "alerts", "partition": 0, "offset": int(NUMBER), "timestamp": now_ms},
        "why": {"chosen": "integrationKey", "passed_over": [], "pinned": False},
        "render_errors": {},
    }
    return ReadyMade(topic, destination.encode(), orjson.dumps(record))


async def load(client: Mapping[str, Any], records: Sequence[ReadyMade], count: int) -> None:
    """Produce `count` events, the ready-made ones in turns, as fast as the broker takes them."""
    producer = AIOKafkaProducer(**client, linger_ms=5, max_batch_size=524_288)
    await producer.start()
    try:
        pending = []
        for number in range(count):
            made = records[number % len(records)]
            key, value = made.numbered(number)
            pending.append(await producer.send(made.topic, value, key))
            if len(pending) == UNCONFIRMED:
                await asyncio.gather(*pending)
                pending.clear()
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
