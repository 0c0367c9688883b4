"""A process's own copy of the connectors, against a broker and against one that misbehaves."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, NotLeaderForPartitionError
from aiokafka.structs import TopicPartition

from streams.documents.connector import Connector, frozen_fields, frozen_overrides
from streams.documents.document import record_key
from streams.documents.follower import Follower
from streams.documents.log import document_producer, put, tombstone, write
from streams.documents.records import to_record
from streams.documents.revision import MARK_KEY, Mark
from streams.documents.secrets import Cipher, Secret, new_key
from streams.documents.snapshot import Snapshot
from streams.errors import DocumentError, KafkaUnavailable, TopicMismatch
from streams.kafka.topics import TopicSpec, ensure_topics

CIPHER = Cipher([new_key()])
WITHIN = 30.0
"""Seconds that a test waits before it fails; what it waits for takes milliseconds."""


def connector(name: str, key: str = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1") -> Connector:
    return Connector(
        name, name, "PAGERDUTY", frozen_fields({"integrationKey": Secret(key)}), frozen_overrides({}), version=1
    )


async def until(follower: Follower, holds: Callable[[Snapshot], bool]) -> Snapshot:
    """What the follower has read, as soon as `holds` says so."""
    async with asyncio.timeout(WITHIN):
        while not holds(follower.snapshot):
            await follower.changed()
    return follower.snapshot


class TestWithBroker:
    @pytest.fixture
    def options(self, pagerline_kafka: Any) -> dict[str, Any]:
        return {"bootstrap_servers": pagerline_kafka.bootstrap}

    @pytest.fixture
    async def topic(self, options: dict[str, Any]) -> str:
        name = f"follower-{uuid.uuid4().hex}"
        await ensure_topics([TopicSpec(name, 3, "compact")], replication=1, options=options)
        return name

    @pytest.fixture
    async def producer(self, options: dict[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
        async with document_producer(options) as producer:
            yield producer

    async def test_everything_is_there_after_start_and_changes_follow(
        self, options: dict[str, Any], topic: str, producer: AIOKafkaProducer
    ) -> None:
        names = [f"c{number}" for number in range(50)]
        await write(producer, topic, [put(connector(name), CIPHER) for name in [*names, "gone"]])
        await write(producer, topic, [tombstone("connector/gone")])
        async with Follower(options, topic, CIPHER) as follower:
            assert sorted(follower.current) == sorted(names)
            held = follower.current
            changed = replace(connector("c1"), name="Changed")
            await write(producer, topic, [put(changed, CIPHER), tombstone("connector/c2")])
            snapshot = await until(follower, lambda now: now.connectors["c1"] == changed and "c2" not in now.connectors)
            assert len(snapshot.connectors) == 49
            assert held["c1"].name == "c1"  # a mapping that was handed out stays as it was

    async def test_an_empty_topic(self, options: dict[str, Any], topic: str) -> None:
        async with Follower(options, topic, CIPHER) as follower:
            assert dict(follower.current) == {}

    async def test_a_record_that_cannot_be_read_stops_nothing(
        self, options: dict[str, Any], topic: str, producer: AIOKafkaProducer, caplog: pytest.LogCaptureFixture
    ) -> None:
        await write(producer, topic, [put(connector("good"), CIPHER), put(connector("bad"), CIPHER)])
        await producer.send_and_wait(
            topic, key=record_key("connector", "bad"), value=to_record(connector("bad"), Cipher([new_key()]))
        )
        with caplog.at_level(logging.ERROR, "pagerline.documents"):
            async with Follower(options, topic, CIPHER) as follower:
                assert sorted(follower.current) == ["bad", "good"]  # the one before it stays
                assert "PAGERLINE_SECRET_KEYS" in follower.problems["connector/bad"].reason
                await producer.send_and_wait(topic, key=record_key("connector", "good"), value=b"{")
                await until(follower, lambda now: "connector/good" in now.problems)
                await write(producer, topic, [put(connector("bad"), CIPHER)])
                await until(follower, lambda now: "connector/bad" not in now.problems)
                assert follower.problems.keys() == {"connector/good"}
        told = [record.getMessage() for record in caplog.records]
        assert [text.split(" of record ")[0] for text in told] == ["connector good"]  # the other is `start`'s caller's
        assert "930a" not in "".join(told)

    async def test_a_topic_that_is_missing(self, options: dict[str, Any]) -> None:
        follower = Follower(options, "no-such-topic", CIPHER)
        with pytest.raises(TopicMismatch, match=r"no-such-topic: missing \(pagerline topics apply"):
            await follower.start()
        await follower.stop()  # harmless

    async def test_too_much_for_one_batch_writes_nothing(
        self, options: dict[str, Any], topic: str, producer: AIOKafkaProducer
    ) -> None:
        template = "{{ 1 }}" + "x" * 19_000
        with pytest.raises(DocumentError, match="cannot be written whole; apply them in parts"):
            await write(producer, topic, [put(connector(f"c{number}", template), CIPHER) for number in range(1_200)])
        async with Follower(options, topic, CIPHER) as follower:
            assert dict(follower.current) == {}


@pytest.mark.kafka
async def test_a_restart_of_the_broker_is_survived(pagerline_apache_kafka: Any, pagerline_prefix: str) -> None:
    kafka, topic = pagerline_apache_kafka, f"{pagerline_prefix}connectors"
    options = {"bootstrap_servers": kafka.bootstrap}
    await ensure_topics([TopicSpec(topic, 1, "compact")], replication=1, options=options)
    async with document_producer(options) as producer:
        await write(producer, topic, [put(connector("before"), CIPHER)])
    async with Follower(options, topic, CIPHER) as follower:
        try:
            await kafka.kill()
            assert list(follower.current) == ["before"]
        finally:
            await kafka.start()  # other tests use it too
        async with document_producer(options) as producer:
            await write(producer, topic, [put(connector("after"), CIPHER)])
        snapshot = await until(follower, lambda now: "after" in now.connectors)
        assert sorted(snapshot.connectors) == ["after", "before"]


async def test_no_broker() -> None:
    options = {"bootstrap_servers": "127.0.0.1:1"}
    with pytest.raises(KafkaUnavailable, match="the topic connectors could not be read: KafkaConnectionError"):
        await Follower(options, "connectors", CIPHER).start()
    with pytest.raises(KafkaUnavailable, match="no broker answers"):
        async with document_producer(options):
            pytest.fail("there is no broker")


class Script:
    """A consumer that answers each `getmany` with the next thing of a list: records, or an error to raise."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.positions: list[int] = []
        self.stopped = 0
        self.read = 0
        self.done = asyncio.Event()

    def __call__(self, **options: Any) -> Script:
        assert options["group_id"] is None
        return self

    async def start(self) -> None: ...

    @property
    def started(self) -> bool:
        """Whether something has been read: the position at the start is not among `positions`."""
        return self.read > 0

    async def stop(self) -> None:
        self.stopped += 1

    async def topics(self) -> set[str]:
        return {"connectors"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, partitions: list[TopicPartition]) -> None: ...

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def position(self, partition: TopicPartition) -> int:
        return self.positions.pop(0) if self.started and self.positions else 0

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        if not self.answers:
            self.done.set()
            await asyncio.Event().wait()
        self.read += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {TopicPartition("connectors", 0): [answer]}


class Fetched:
    """As much of a consumer's record as is used."""

    def __init__(
        self, key: bytes, value: bytes | None, offset: int = 0, headers: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        self.topic, self.partition, self.offset, self.key, self.value = "connectors", 0, offset, key, value
        self.headers = headers


async def test_errors_of_the_broker_are_tried_again_after_a_pause() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    good = Fetched(record_key("connector", "a"), to_record(connector("a"), CIPHER))
    script = Script(NotLeaderForPartitionError(), KafkaConnectionError(), good)
    follower = Follower({}, "connectors", CIPHER, consumer=script, sleep=sleep)
    await follower.start()
    async with asyncio.timeout(WITHIN):
        await script.done.wait()
    assert pauses == [1.0, 1.0]
    assert list(follower.current) == ["a"]
    await follower.stop()
    assert script.stopped == 1


async def test_a_connector_that_nobody_can_read_is_told_before_anybody_acts_on_it() -> None:
    other = Cipher([new_key()])
    script = Script(
        Fetched(record_key("connector", "a"), to_record(connector("a"), CIPHER)),
        Fetched(record_key("connector", "a"), to_record(connector("a"), other)),
        Fetched(record_key("connector", "b"), to_record(connector("b"), other)),
        Fetched(record_key("connector", "a"), None),
        Fetched(record_key("connector", "a"), to_record(connector("a"), other)),
        Fetched(record_key("connector", "b"), to_record(connector("b"), CIPHER)),
    )
    seen: list[tuple[tuple[str, ...], tuple[str, ...], list[str]]] = []
    follower = Follower(
        {},
        "connectors",
        CIPHER,
        consumer=script,
        changed=lambda now: seen.append((now.locked, now.lost, sorted(now.connectors))),
    )
    await follower.start()
    async with asyncio.timeout(WITHIN):
        await script.done.wait()
    await follower.stop()
    assert seen == [
        ((), (), ["a"]),
        (("connector/a",), (), ["a"]),  # the version before stays in use
        (("connector/a", "connector/b"), ("connector/b",), ["a"]),
        (("connector/b",), ("connector/b",), []),
        (("connector/a", "connector/b"), ("connector/a", "connector/b"), []),
        (("connector/a",), ("connector/a",), ["b"]),
    ]


async def test_an_error_that_nobody_foresaw_reaches_whoever_watches() -> None:
    crashed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    script = Script(AttributeError("a fault of ours"))
    follower = Follower({}, "connectors", CIPHER, consumer=script, crash=crashed.set_result)
    await follower.start()
    async with asyncio.timeout(WITHIN):
        assert isinstance(await crashed, AttributeError)
    await follower.stop()


async def test_without_a_watcher_such_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    follower = Follower({}, "connectors", CIPHER, consumer=Script(AttributeError("a fault of ours")))
    await follower.start()
    await follower.stop()
    assert [(one.levelname, one.getMessage()) for one in caplog.records] in (
        [("CRITICAL", "documents are no longer followed")],
        [],  # stopped before the error came
    )


async def test_a_start_that_takes_too_long_leaves_nothing_running() -> None:
    class Silent(Script):
        async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
            return dict.fromkeys(partitions, 5)

    script = Silent()
    with pytest.raises(KafkaUnavailable, match="could not be read: TimeoutError"):
        await Follower({}, "connectors", CIPHER, consumer=script).start(timeout=0.01)
    assert script.stopped == 1


async def test_a_topic_that_was_made_anew_begins_at_its_first_revision() -> None:
    def fetched(name: str, revision: int, offset: int) -> list[Fetched]:
        mark = Mark(f"{name}-{revision}", revision, revision - 1, 0, "")
        return [
            Fetched(record_key("connector", name), to_record(connector(name), CIPHER), offset, mark.headers),
            Fetched(MARK_KEY, mark.to_record(), offset + 1, mark.headers),
        ]

    script = Script(*fetched("old", 7, 40), *fetched("new", 1, 0))
    script.positions = [41, 42, 1, 2]
    follower = Follower({}, "connectors", CIPHER, consumer=script)
    await follower.start()
    async with asyncio.timeout(WITHIN):
        await script.done.wait()
    assert sorted(follower.current) == ["new", "old"]  # what has been read stays in use
    assert (follower.snapshot.revision, follower.snapshot.head) == (1, 1)
    await follower.stop()
