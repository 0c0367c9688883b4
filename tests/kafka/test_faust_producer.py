"""The worker's producer, without a broker: what it waits for, and what it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, UnknownTopicOrPartitionError
from aiokafka.producer import message_accumulator

from streams.kafka.producer import Producer

HOUR = 3_600.0


@pytest.fixture
async def producer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Producer]:
    """Started, but for its connections."""

    async def start(_client: AIOKafkaProducer) -> None:
        return None

    monkeypatch.setattr(AIOKafkaProducer, "start", start)
    producer = Producer({"bootstrap_servers": ["127.0.0.1:1"]})
    await producer.start()
    yield producer
    await producer.stop()


def client(producer: Producer) -> Any:
    return producer._client


async def test_records_of_a_partition_without_leader_wait_in_their_order(
    producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka fails them when they have waited for as long as a request may take, 40 s."""
    records, where = client(producer)._message_accumulator, TopicPartition("t", 0)
    first = await records.add_message(where, b"k", b"1", 1.0)
    second = await records.add_message(where, b"k", b"2", 1.0)
    later = time.monotonic() + HOUR
    monkeypatch.setattr(message_accumulator.time, "monotonic", lambda: later)
    _batches, leaderless = records.drain_by_nodes(set())
    monkeypatch.undo()
    assert leaderless
    assert not first.done()
    assert not second.done()
    assert len(records._batches[where]) == 1


async def test_requests_themselves_still_time_out(producer: Producer) -> None:
    """Else a connection that has died without a word would never be given up."""
    assert client(producer).client._request_timeout_ms <= 60_000
    assert client(producer)._sender._request_timeout_ms <= 60_000


class Broker:
    """In place of the client's `send`: the errors it was told, one a call, then confirmations."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.queued: list[bytes] = []

    async def send(self, _topic: str, value: bytes, *_where: Any, **_headers: Any) -> asyncio.Future[None]:
        if self._errors:
            raise self._errors.pop(0)
        self.queued.append(value)
        confirmed = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed


async def test_a_topic_that_is_out_of_sight_is_waited_for(producer: Producer, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(UnknownTopicOrPartitionError(), UnknownTopicOrPartitionError())
    monkeypatch.setattr("streams.kafka.producer.AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(producer._client, "send", broker.send)
    await producer.send_and_wait("t", b"k", b"1")
    assert broker.queued == [b"1"]


async def test_an_error_that_no_retry_cures_is_told(producer: Producer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer._client, "send", Broker(MessageSizeTooLargeError()).send)
    with pytest.raises(MessageSizeTooLargeError):
        await producer.send("t", b"k", b"1")
