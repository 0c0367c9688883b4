"""A webhook that another process, or this one before its restart, has taken in is known as taken."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streams.kafka.producer import Producer
from streams.kafka.topics import TopicSpec, ensure_topics
from streams.pagerduty.delivery import digest_of
from streams.web.taken import PAUSE_SECONDS, follow_taken
from tests.web.webhook_sender import Ingress, headers, integration, sample, serving

WITHIN = 30.0
"""Seconds that a test waits before it fails."""


class Process:
    """A web process on the topic, as far as webhooks go."""

    def __init__(self, ingress: Ingress, known: set[bytes], changed: asyncio.Event) -> None:
        self.ingress = ingress
        self._known = known
        self._changed = changed

    async def knows(self, body: bytes) -> None:
        """Returns when it has read that this one is taken."""
        async with asyncio.timeout(WITHIN):
            while digest_of("account:main", body) not in self._known:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def options(pagerline_kafka: Any) -> dict[str, Any]:
    return {"bootstrap_servers": pagerline_kafka.bootstrap}


@pytest.fixture
async def topic(options: dict[str, Any]) -> str:
    name = f"webhooks-{uuid.uuid4().hex}"
    await ensure_topics([TopicSpec(name, 3, "delete")], replication=1, options=options)
    return name


@asynccontextmanager
async def started_producer(options: dict[str, Any]) -> AsyncIterator[Producer]:
    producer = Producer(options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def process(options: dict[str, Any], topic: str) -> AsyncIterator[Process]:
    known: set[bytes] = set()
    changed = asyncio.Event()
    async with (
        started_producer(options) as producer,
        serving(lambda key, value: producer.send(topic, key, value), integration()) as ingress,
    ):

        def remember(digest: bytes) -> None:
            ingress.ingress.remember(digest)
            known.add(digest)
            changed.set()

        task = asyncio.create_task(follow_taken(options, topic, remember))
        try:
            yield Process(ingress, known, changed)
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_by_others_and_by_itself_before(options: dict[str, Any], topic: str) -> None:
    first, second = (sample("incident.annotated", id=name) for name in ("first", "second"))
    async with process(options, topic) as one:
        assert await one.ingress.post(first, headers(first)) == (202, "accepted")
        async with process(options, topic) as other:
            await other.knows(first)
            assert await other.ingress.post(first, headers(first)) == (202, "replayed")
            assert await other.ingress.post(second, headers(second)) == (202, "accepted")
            await one.knows(second)
            assert await one.ingress.post(second, headers(second)) == (202, "replayed")
    async with process(options, topic) as again:
        for body in (first, second):
            await again.knows(body)
            assert await again.ingress.post(body, headers(body)) == (202, "replayed")


async def test_what_is_no_record_of_ours_is_passed_over_and_a_missing_topic_waited_for(
    options: dict[str, Any], topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    body, known, pauses = sample("pagey.ping"), list[bytes](), list[float]()
    read = asyncio.Event()

    def remember(digest: bytes) -> None:
        known.append(digest)
        read.set()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        raise asyncio.CancelledError

    async with started_producer(options) as producer:
        for value in (None, b"no json", b"[]", b'{"destination": "account:main"}', b'{"destination": 1, "body": 2}'):
            await producer.send_and_wait(topic, b"account:main", value)
        async with serving(lambda key, value: producer.send(topic, key, value), integration()) as ingress:
            assert await ingress.post(body, headers(body)) == (202, "ping")
        task = asyncio.create_task(follow_taken(options, topic, remember))
        async with asyncio.timeout(WITHIN):
            await read.wait()
        task.cancel()
        await asyncio.wait([task])
    assert known == [digest_of("account:main", body)]
    with pytest.raises(asyncio.CancelledError):
        await follow_taken(options, "no-such-topic", remember, sleep=pause)
    assert pauses == [PAUSE_SECONDS]
    assert "no-such-topic: missing" in caplog.text
