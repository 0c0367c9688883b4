"""The worker's own producer: confirmed, idempotent, and silent once the worker may have been replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest

from streams.kafka.lease import Lease

LINGER_MS = 0
"""Nobody waits for company: while a request is under way the next batch fills by itself."""

YEAR_SECONDS = 31_536_000.0
"""aiokafka gives a batch up when its partition has had no leader for the request time-out, and a caller when the buffer
has been full for as long. Both would end the worker for a broker's outage, so both wait."""

MAX_REQUEST_BYTES = 8_000_000
"""The client's own bound; the broker's limit per topic is the one that decides."""


class Producer:
    """Sends records and waits until all in-sync replicas have them.

    Faust's producer path only enqueues, and its `flush` gives up after 0.1 s. With idempotence a record is retried
    for as long as the broker is away, in order and once. Before each request leaves, the lease is looked at: what a
    worker had queued when it was stopped must not arrive after another one has taken over.
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
        client._message_accumulator._batch_ttl = YEAR_SECONDS
        client._request_timeout_ms = YEAR_SECONDS * 1000  # of the callers' waiting; requests have their own copy
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

        Raises aiokafka's errors, as the future does: MessageSizeTooLargeError above the topic's limit.
        """
        assert self._client is not None, "the producer was not started"
        return await self._client.send(topic, value, key, partition, headers=headers)

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
