"""Reading a topic from its end, and parsing only what holds the wanted bytes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.errors import KafkaUnavailable, TopicMismatch
from streams.kafka.backwards import FIRST_BLOCK, Found, Log, Span, open_log
from streams.kafka.topics import TopicSpec, ensure_topics

T0 = 1_700_000_000_000
MANY = FIRST_BLOCK * 2 + 500


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def brokers(request: pytest.FixtureRequest) -> str:
    fixture = "pagerline_kafka" if request.param == "embedded" else "pagerline_apache_kafka"
    return str(request.getfixturevalue(fixture).bootstrap)


@pytest.fixture
async def topic(brokers: str) -> str:
    name = f"t{uuid.uuid4().hex[:10]}"
    await ensure_topics([TopicSpec(name, 2, "delete")], replication=1, options={"bootstrap_servers": brokers})
    return name


@pytest.fixture
async def log(brokers: str) -> AsyncIterator[Log]:
    async with open_log({"bootstrap_servers": brokers}) as log:
        yield log


async def write(brokers: str, topic: str, records: Sequence[tuple[bytes, bytes | None]], **options: Any) -> None:
    """To partition 1, a millisecond after one another."""
    async with AIOKafkaProducer(bootstrap_servers=brokers, **options) as producer:
        for number, (key, value) in enumerate(records):
            sent = await producer.send(topic, value, key, 1, T0 + number, headers=[("h", b"1")])
        await producer.flush()
        await sent


async def found(log: Log, partition: TopicPartition, *needles: bytes) -> list[list[Found]]:
    spans = await log.spans([partition], None)
    return [list(block.records) async for block in log.backwards(partition, spans[partition], needles)]


@pytest.mark.parametrize("compression", [None, "gzip"])
async def test_newest_first_in_blocks(brokers: str, topic: str, log: Log, compression: str | None) -> None:
    records: list[tuple[bytes, bytes | None]] = [(b"key-%05d;" % number, b"v" * 50) for number in range(MANY)]
    records[3] = (b"other", b"holds key-00007; in its value")
    records[5] = (b"key-00007;", None)
    records[-1] = (b"key-00007;", b"newest")
    await write(brokers, topic, records, compression_type=compression)
    partition = TopicPartition(topic, 1)
    assert [one.partition for one in (await log.partitions([topic]))[topic]] == [0, 1]
    blocks = await found(log, partition, b"key-00007;")
    assert [[one.offset for one in block] for block in blocks] == [[MANY - 1], [3, 5, 7]]
    (newest,) = blocks[0]
    assert newest == Found(topic, 1, MANY - 1, T0 + MANY - 1, b"key-00007;", b"newest", newest.headers)
    assert dict(newest.headers) == {"h": b"1"}
    assert newest.id == f"{topic}/1/{MANY - 1}"
    assert blocks[1][1].value is None
    assert await found(log, partition, b"nobody") == [[], []]
    both = await found(log, partition, b"key-00001;", b"key-00002;")
    assert [one.offset for block in both for one in block] == [1, 2]
    assert await found(log, TopicPartition(topic, 0), b"key") == []
    assert log.read >= 3 * MANY


async def test_from_a_time_on(brokers: str, topic: str, log: Log) -> None:
    await write(brokers, topic, [(b"k", b"%d" % number) for number in range(100)])
    partition = TopicPartition(topic, 1)
    await log.partitions([topic])
    span = (await log.spans([partition], T0 + 90))[partition]
    # A broker may know times by the batch only; no record of that time or later is left out.
    assert (span.start <= 90, span.end) == (True, 100)
    block = await log.block(partition, Span(90, 100), (b"k",))
    assert [one.value for one in block.records] == [b"%d" % number for number in range(90, 100)]
    assert block.oldest is not None
    assert block.oldest <= T0 + 90


async def test_one_record(brokers: str, topic: str, log: Log) -> None:
    await write(brokers, topic, [(b"k", b"%d" % number) for number in range(10)])
    await log.partitions([topic])
    partition = TopicPartition(topic, 1)
    record = await log.record(partition, 4)
    assert record is not None
    assert record.value == b"4"
    assert await log.record(partition, 10) is None


async def test_what_is_not_there(brokers: str, log: Log) -> None:
    with pytest.raises(TopicMismatch, match="absent: missing"):
        await log.partitions(["absent"])
    with pytest.raises(KafkaUnavailable, match="no broker answers"):
        async with open_log({"bootstrap_servers": "127.0.0.1:1"}):
            pass
