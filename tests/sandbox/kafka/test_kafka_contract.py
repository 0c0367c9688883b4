"""What every Kafka of the sandbox must do, run against each engine."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError, OffsetOutOfRangeError
from kafka_tools import admin, answers, consumer, create, end_of, eventually, producer, read, send

from streams.sandbox.kafka import ApacheKafka, EmbeddedKafka, Kafka
from streams.sandbox.process import Child


@pytest.fixture(params=["pagerline_kafka", pytest.param("pagerline_apache_kafka", marks=pytest.mark.kafka)])
def kafka(request: pytest.FixtureRequest) -> Kafka:
    """A broker that other tests use too."""
    found: Kafka = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
async def own_kafka(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kafka]:
    """A broker of the test alone, that it may kill."""
    if request.param == "apache":
        request.getfixturevalue("pagerline_apache_kafka")  # skips or fails where there is no Java
    async with EmbeddedKafka() if request.param == "embedded" else ApacheKafka(data=tmp_path) as broker:
        yield broker


@pytest.fixture
def topic(pagerline_prefix: str) -> str:
    return f"{pagerline_prefix}topic"


async def test_a_topic_keeps_its_settings(kafka: Kafka, topic: str) -> None:
    await create(kafka.bootstrap, topic, 3, cleanup_policy="compact", max_message_bytes="2000000")
    async with admin(kafka.bootstrap) as client:
        [described] = await client.describe_topics([topic])
        names = {"cleanup.policy": None, "max.message.bytes": None}
        [answer] = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=names)])
    assert len(described["partitions"]) == 3
    settings = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert settings == {"cleanup.policy": "compact", "max.message.bytes": "2000000"}


async def test_an_unknown_topic_is_not_created_by_being_asked_for(kafka: Kafka, topic: str) -> None:
    async with admin(kafka.bootstrap) as client:
        [described] = await client.describe_topics([topic])
        assert described["error_code"] == 3  # UNKNOWN_TOPIC_OR_PARTITION
        assert topic not in await client.list_topics()


@pytest.mark.parametrize("compression", [None, "lz4", "zstd", "gzip"])
@pytest.mark.parametrize("idempotent", [False, True])
async def test_records_come_back_as_they_were_sent(
    kafka: Kafka, topic: str, compression: str | None, idempotent: bool
) -> None:
    await create(kafka.bootstrap, topic)
    headers = [("trace", b"1"), ("trace", b"2")]
    async with producer(kafka.bootstrap, compression_type=compression, enable_idempotence=idempotent) as client:
        for number in range(3):
            sent = await client.send_and_wait(topic, b"v%d" % number * 100, key=b"k", headers=headers)
            assert sent.offset == number
        await client.send_and_wait(topic, None, key=b"k")
    async with consumer(kafka.bootstrap, topic, auto_offset_reset="earliest") as client:
        got = [await asyncio.wait_for(client.getone(), 15) for _ in range(4)]
    assert [record.value for record in got] == [b"v0" * 100, b"v1" * 100, b"v2" * 100, None]
    assert got[0].key == b"k"
    assert list(got[0].headers) == headers


async def test_the_end_of_a_partition_counts_every_record_of_a_batch(kafka: Kafka, topic: str) -> None:
    await create(kafka.bootstrap, topic)
    assert await end_of(kafka.bootstrap, topic) == 0
    for offsets in ([0], list(range(1, 11)), list(range(11, 16))):
        assert await send(kafka.bootstrap, topic, *[b"x" for _ in offsets]) == offsets
        assert await end_of(kafka.bootstrap, topic) == offsets[-1] + 1


async def test_reading_may_begin_inside_a_batch(kafka: Kafka, topic: str) -> None:
    await create(kafka.bootstrap, topic)
    await send(kafka.bootstrap, topic, *[b"%d" % number for number in range(10)])
    for offset in (0, 4, 9):
        assert await read(kafka.bootstrap, topic, offset) == (offset, b"%d" % offset)


async def test_a_group_resumes_where_it_has_committed(kafka: Kafka, topic: str) -> None:
    await create(kafka.bootstrap, topic)
    await send(kafka.bootstrap, topic, *[b"%d" % number for number in range(6)])
    options = {"group_id": f"{topic}-group", "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with consumer(kafka.bootstrap, topic, **options) as first:
        assert (await asyncio.wait_for(first.getone(), 30)).value == b"0"
        await first.commit({TopicPartition(topic, 0): 4})
    async with consumer(kafka.bootstrap, topic, **options) as second:
        assert (await asyncio.wait_for(second.getone(), 30)).value == b"4"


async def test_the_partitions_of_a_killed_member_move(kafka: Kafka, topic: str, tmp_path: Path) -> None:
    await create(kafka.bootstrap, topic, 4)
    program = [sys.executable, str(Path(__file__).with_name("group_member.py")), kafka.bootstrap, f"{topic}-g", topic]
    logs = [tmp_path / "first", tmp_path / "second"]

    def last(log: Path) -> str:
        lines = log.read_text().split("\n")[:-1] if log.exists() else []
        return lines[-1] if lines else ""

    members = [Child.start(program, log=logs[0])]
    try:
        await eventually(lambda: last(logs[0]) == "assigned 4", 30)
        members.append(Child.start(program, log=logs[1]))
        await eventually(lambda: last(logs[0]) == last(logs[1]) == "assigned 2", 30)
        await members[0].kill()
        await eventually(lambda: last(logs[1]) == "assigned 4", 30)
    finally:
        for member in members:
            await member.kill()
            member.close()


async def test_a_record_is_seen_soon_whatever_the_fetch_would_wait(kafka: Kafka, topic: str) -> None:
    await create(kafka.bootstrap, topic)
    delays = []
    # Faust's figure is 1.5 s; a longer one sets "at once" further apart from "when the fetch ends".
    options = {"auto_offset_reset": "latest", "fetch_max_wait_ms": 8_000}
    async with consumer(kafka.bootstrap, topic, **options) as reader, producer(kafka.bootstrap) as writer:
        await reader.position(TopicPartition(topic, 0))
        for _ in range(11):
            waiting = asyncio.create_task(reader.getone())
            await asyncio.sleep(0)
            began = time.monotonic()
            await writer.send_and_wait(topic, b"x")
            await asyncio.wait_for(waiting, 15)
            delays.append(time.monotonic() - began)
    assert sorted(delays)[5] < 2.0, f"as a rule a record waited for the end of a fetch: {delays}"


async def test_a_message_above_the_limit_is_refused_where_limits_hold(kafka: Kafka, topic: str) -> None:
    await create(kafka.bootstrap, topic, max_message_bytes="10000")
    large = b"x" * 20_000
    if kafka.capabilities.limits:
        with pytest.raises(MessageSizeTooLargeError):
            await send(kafka.bootstrap, topic, large)
    else:
        await send(kafka.bootstrap, topic, large)
        assert await read(kafka.bootstrap, topic) == (0, large)


async def test_reading_beyond_the_end(kafka: Kafka, topic: str) -> None:
    await create(kafka.bootstrap, topic)
    await send(kafka.bootstrap, topic, b"x")
    async with consumer(kafka.bootstrap, auto_offset_reset="none") as client:
        partition = TopicPartition(topic, 0)
        client.assign([partition])
        client.seek(partition, 99)
        expected = OffsetOutOfRangeError if kafka.capabilities.offset_reset else TimeoutError
        with pytest.raises(expected):
            await asyncio.wait_for(client.getone(), 10 if kafka.capabilities.offset_reset else 1)


async def test_stop_kill_and_start_keep_the_address(own_kafka: Kafka) -> None:
    address = own_kafka.bootstrap
    await create(address, "kept")
    await send(address, "kept", b"before")
    for end in (own_kafka.kill, own_kafka.stop):
        await end()
        assert not await answers(address)
        await end()  # harmless when it does not run
        await own_kafka.start()
        assert own_kafka.bootstrap == address
        async with admin(address) as client:
            assert ("kept" in await client.list_topics()) is own_kafka.capabilities.durable
        if own_kafka.capabilities.durable:
            assert await read(address, "kept") == (0, b"before")
    await own_kafka.start()  # harmless when it runs


MOTHER = """
import asyncio, sys
from streams.sandbox.kafka import EmbeddedKafka

async def main():
    kafka = EmbeddedKafka()
    await kafka.start()
    print(kafka.bootstrap, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def mother() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", MOTHER], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_a_broker_ends_with_the_process_that_started_it(mother: subprocess.Popen[str]) -> None:
    assert mother.stdout is not None
    address = (await asyncio.to_thread(mother.stdout.readline)).strip()
    assert await answers(address)
    mother.send_signal(signal.SIGKILL)

    async def gone() -> bool:
        return not await answers(address)

    await eventually(gone)
