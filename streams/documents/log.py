"""The compacted topic `connectors`: the newest record of a key is the document, a record without value deletes it.

async with document_producer(kafka_options(settings)) as producer:
    await write(producer, "connectors", [put(connector, cipher), tombstone("old")])
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from streams.documents.connector import Connector, record_key, to_record
from streams.documents.follower import Follower
from streams.documents.secrets import Cipher
from streams.errors import DocumentError, KafkaUnavailable

__all__ = ["Entry", "Follower", "document_producer", "put", "tombstone", "write"]

BATCH_BYTES: Final = 900_000
"""Below the 1,048,588 bytes that a broker takes for a batch as it comes (message.max.bytes)."""


class Entry(NamedTuple):
    """What to write: key and value of a record."""

    key: bytes
    value: bytes | None


def put(connector: Connector, cipher: Cipher) -> Entry:
    """The record that makes this the connector of its id."""
    return Entry(record_key(connector.id), to_record(connector, cipher))


def tombstone(connector_id: str) -> Entry:
    """The record that deletes a connector."""
    return Entry(record_key(connector_id), None)


@asynccontextmanager
async def document_producer(options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer fit for `write`. Raises KafkaUnavailable when no broker answers."""
    producer = AIOKafkaProducer(**options, acks="all", max_batch_size=BATCH_BYTES)
    try:
        await producer.start()
    except (KafkaError, OSError) as error:
        await producer.stop()
        raise KafkaUnavailable(
            f"no broker answers ({type(error).__name__}); see that PAGERLINE_BROKERS names one that runs"
        ) from error
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: AIOKafkaProducer, topic: str, entries: Iterable[Entry]) -> None:
    """Write all of them or none, and return when the brokers have confirmed it.

    They go as one record batch, which Kafka appends whole or not at all; that holds for the topic of one partition that
    `pagerline topics apply` makes, and for each partition when somebody has given it more. `producer` is one of
    `document_producer`. Raises DocumentError, and writes nothing, when they are too many for a batch; KafkaUnavailable
    when the brokers do not confirm, and then they may have been written: to write them again is harmless.
    """
    try:
        batches = _batches(producer, sorted(await producer.partitions_for(topic)), entries)
        confirmations = [
            await producer.send_batch(batch, topic, partition=partition) for partition, batch in batches.items()
        ]
        for confirmation in confirmations:
            await confirmation
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(
            f"the brokers have not confirmed the writing to {topic} ({type(error).__name__}); "
            "do it again, that is harmless"
        ) from error


def _batches(producer: AIOKafkaProducer, partitions: list[int], entries: Iterable[Entry]) -> dict[int, Any]:
    partition_of = DefaultPartitioner()
    batches: dict[int, Any] = defaultdict(producer.create_batch)
    for entry in entries:
        batch = batches[partition_of(entry.key, partitions, partitions)]
        if batch.append(key=entry.key, value=entry.value, timestamp=None) is None:
            raise DocumentError(
                f"these documents have more than {BATCH_BYTES} bytes together and cannot be written whole",
                remedy="apply them in parts",
            )
    return batches
