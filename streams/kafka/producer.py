"""The worker's own producer: confirmed, idempotent, and silent once the worker may have been replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.protocol.produce import ProduceRequest

from streams.kafka.lease import Lease
from streams.kafka.names import check_attributes

log = logging.getLogger("pagerline.kafka")

LINGER_MS = 0
"""No record waits for company: what arrives while a request is under way shares the next one."""

MAX_REQUEST_BYTES = 8_000_000
"""The client's own bound; the broker's limit per topic is the one that decides."""


PATIENCE_SECONDS = 31_536_000.0
"""How long records wait for a leader of their partition, and `send` for room behind them: a year, for as long as it
takes. aiokafka takes both from its request time-out (40 s) and fails the records. The time-out of the requests
themselves stays: it is how a connection that has died is noticed."""

AGAIN_SECONDS = 0.5
"""Between tries to queue a record while the broker does not know its topic; aiokafka has waited 40 s before that."""


class Producer:
    """Sends records and waits until all in-sync replicas have them.

    Faust's producer path only enqueues, and its `flush` gives up after 0.1 s. Here a record is retried for as long
    as the broker is away or its partition has no leader, in order (a partition's records never overtake each other)
    and, by idempotence, once. Only an error that no retry cures fails it. Before each request leaves, the lease is
    looked at: what a worker had queued when it was stopped must not arrive after another one has taken over.
    """

    def __init__(self, options: Mapping[str, Any], lease: Lease | None = None) -> None:
        self._options = dict(options)
        self._lease = lease
        self._client: AIOKafkaProducer | None = None

    async def start(self) -> None:
        client = AIOKafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            max_batch_size=262_144,
            max_request_size=MAX_REQUEST_BYTES,
        )
        check_attributes(client, AIOKafkaProducer)
        check_attributes(client._message_accumulator, MessageAccumulator)
        client._message_accumulator._batch_ttl = PATIENCE_SECONDS
        client._request_timeout_ms = PATIENCE_SECONDS * 1000
        await client.start()
        if self._lease is not None:
            _fence(client, self._lease)
        self._client = client

    async def stop(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.stop()

    async def flush(self) -> None:
        """Wait until everything sent so far is confirmed."""
        if self._client is not None:
            await self._client.flush()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> asyncio.Future[Any]:
        """Queue one record; the future that comes back is done when the broker has confirmed it.

        Waits while the topic is out of sight (its brokers restart). Records that must keep their order are queued one
        after the other: each `send` awaited before the next.

        Raises aiokafka's errors, as the future does: MessageSizeTooLargeError above the topic's limit.
        """
        while True:
            assert self._client is not None, "the producer was not started"
            try:
                return await self._client.send(topic, value, key, partition, headers=headers)
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("%s: a record is not queued yet, will try again: %r", topic, error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def send_and_wait(self, topic: str, key: bytes | None, value: bytes | None, **where: Any) -> Any:
        """`send`, and wait for the confirmation."""
        return await (await self.send(topic, key, value, **where))


def _fence(client: AIOKafkaProducer, lease: Lease) -> None:
    send = client.client.send

    async def fenced(node_id: Any, request: Any, **options: Any) -> Any:
        if isinstance(request, ProduceRequest) and not lease.valid:
            await lease.hold()
        return await send(node_id, request, **options)

    client.client.send = fenced
