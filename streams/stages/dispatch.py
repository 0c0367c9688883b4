"""The dispatch stage: the outbox to PagerDuty. Wires the pure dispatcher to Kafka and HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from streams.dispatch.dispatcher import Dispatcher
from streams.dispatch.ports import Accounts
from streams.documents.secrets import Cipher
from streams.errors import SecretError
from streams.kafka.lease import Lease
from streams.kafka.producer import Producer
from streams.kafka.tables import ChangelogTable
from streams.pagerduty.answers import Answer
from streams.pagerduty.events import EventsClient, StaleWorker
from streams.records import letter_value
from streams.stages.brake import Brake
from streams.telemetry.metrics import Metrics
from streams.topology import Topology

SHARE = 4
"""One destination may hold a quarter of the requests in flight, so that four hanging ones leave room for the rest."""


UNREADABLE = (
    "not sent: PAGERLINE_SECRET_KEYS lacks the key that this routing key was encrypted with; put that key back at the "
    "end of the list, then replay this dead letter; `pagerline secrets rotate` says when a key is not needed any more"
)
"""The remedy for a routing key that cannot be decrypted. Applying the connector again does not help what is pinned."""


class IncidentsTable:
    """Table `incidents` as the dispatcher sees it."""

    def __init__(self, table: ChangelogTable, producer: Producer) -> None:
        self._table = table
        self._producer = producer

    def read(self, partition: int, key: bytes) -> bytes | None:
        return self._table.read(partition, key)

    async def write(self, partition: int, key: bytes, value: bytes | None) -> None:
        await self._table.write(self._producer, partition, key, value)

    def close(self) -> None:
        """Delete this process's copy."""
        self._table.rows.close()

    def rows(self) -> Iterator[tuple[int, bytes, bytes]]:
        """All rows of the owned partitions, as (partition, key, value)."""
        return self._table.rows.items()


class OutcomeTopics:
    """`deliveries`, `case-updates` and `dead-letters` as the dispatcher sees them."""

    def __init__(self, topology: Topology, producer: Producer, brake: Brake) -> None:
        self._brake = brake
        self._names = {
            "deliveries": topology.deliveries,
            "case-updates": topology.case_updates,
            "dead-letters": topology.dead_letters,
        }
        self._producer = producer

    async def publish(self, topic: str, key: str, value: Mapping[str, Any]) -> asyncio.Future[Any]:
        if topic == "dead-letters":
            await self._brake.passed()
        encoded = letter_value(value) if topic == "dead-letters" else orjson.dumps(value)
        return await self._producer.send(self._names[topic], key.encode(), encoded)


class SealedSender:
    """Opens the routing key at the last moment and sends, while this worker may.

    A routing key that cannot be opened is an answer like any other refusal: it must not stop those that can.
    """

    def __init__(self, client: EventsClient, cipher: Cipher, lease: Lease) -> None:
        self._client = client
        self._cipher = cipher
        self._lease = lease

    async def send(self, record: Mapping[str, Any]) -> Answer:
        try:
            routing_key = self._cipher.open(record["routing_key"])
        except SecretError:
            return Answer(status=None, refused="secret_unreadable", error=UNREADABLE)
        while True:
            await self._lease.hold()
            try:
                return await self._client.enqueue(record, routing_key)
            except StaleWorker:
                continue  # held until the coordinator has spoken; if it no longer knows us, the process ends


def make_dispatcher(
    *,
    topology: Topology,
    table: IncidentsTable,
    producer: Producer,
    brake: Brake,
    sender: SealedSender,
    accounts: Accounts,
    metrics: Metrics,
    clock: Callable[[], float],
    now_ms: Callable[[], int],
    crash: Callable[[BaseException], None],
    in_flight: int,
    withheld: int,
) -> Dispatcher:
    """The dispatcher on the worker's Kafka and PagerDuty."""
    return Dispatcher(
        table=table,
        publisher=OutcomeTopics(topology, producer, brake),
        sender=sender,
        accounts=accounts,
        meter=metrics,
        clock=clock,
        now_ms=now_ms,
        random=random.random,
        crash=crash,
        in_flight=in_flight,
        share=max(1, in_flight // SHARE),
        withheld=withheld,
    )
