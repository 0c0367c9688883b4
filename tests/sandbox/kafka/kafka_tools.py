"""What the tests of the sandbox's Kafka share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic


async def eventually(holds: Callable[[], bool | Awaitable[bool]], timeout: float = 10.0) -> None:
    """Look again and again until it holds; TimeoutError after `timeout` seconds."""
    async with asyncio.timeout(timeout):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)


async def answers(address: str) -> bool:
    """Whether anything accepts connections at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create(bootstrap: str, topic: str, partitions: int = 1, **config: str) -> None:
    async with admin(bootstrap) as client:
        settings = {name.replace("_", "."): value for name, value in config.items()}
        response = await client.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings)])
        assert [error[1] for error in response.topic_errors] == [0], response


@asynccontextmanager
async def producer(bootstrap: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", **options)
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def consumer(bootstrap: str, *topics: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    client = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, **options)
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


async def send(bootstrap: str, topic: str, *values: bytes, **options: Any) -> list[int]:
    """All values to partition 0 as one batch; returns their offsets."""
    # They are queued without giving the loop to the sender in between; linger is for the first alone.
    async with producer(bootstrap, linger_ms=50, **options) as client:
        sent = [await client.send(topic, value, partition=0) for value in values]
        return [(await confirmation).offset for confirmation in sent]


async def read(bootstrap: str, topic: str, offset: int = 0, timeout: float = 15.0) -> tuple[int, bytes]:
    """The first record of partition 0 from `offset` on: its offset and value."""
    async with consumer(bootstrap) as client:
        partition = TopicPartition(topic, 0)
        client.assign([partition])
        client.seek(partition, offset)
        async with asyncio.timeout(timeout):
            record = await client.getone()
        return record.offset, record.value


async def end_of(bootstrap: str, topic: str) -> int:
    async with consumer(bootstrap) as client:
        partition = TopicPartition(topic, 0)
        return (await client.end_offsets([partition]))[partition]
