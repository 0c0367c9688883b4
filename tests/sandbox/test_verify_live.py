"""The command against a live broker and simulator: what it reads is what is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import orjson
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from click.testing import CliRunner, Result
from verify_story import KEYS, Story

from streams.sandbox.kafka.embedded import EmbeddedKafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.process import free_port
from streams.sandbox.verify import Record, collect
from streams.sandbox.verify.__main__ import verify

PREFIX = "live."
TOPICS = ["alerts", "cases", "deliveries", "dead-letters", "pagerduty-outbox"]


@pytest_asyncio.fixture
async def kafka() -> AsyncIterator[EmbeddedKafka]:
    async with EmbeddedKafka() as broker:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        try:
            await admin.create_topics(
                [NewTopic(PREFIX + name, num_partitions=3, replication_factor=1) for name in TOPICS]
            )
        finally:
            await admin.close()
        yield broker


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(limit=None) as simulator:
        yield simulator


async def write(kafka: EmbeddedKafka, run: Story, more: Iterable[tuple[str, bytes | None]] = ()) -> None:
    """Put a story into the topics as it is."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    try:
        for one in run.inputs:
            sent = await producer.send_and_wait(
                one.topic, one.value, key=one.key, partition=one.partition, timestamp_ms=one.timestamp
            )
            assert sent.offset == one.offset
        for name, records in (("deliveries", run.deliveries), ("dead-letters", run.dead_letters)):
            for number, record in enumerate(records):
                await producer.send_and_wait(PREFIX + name, orjson.dumps(record), partition=number % 3)
        for name, value in more:
            await producer.send_and_wait(PREFIX + name, value)
    finally:
        await producer.stop()


async def command(kafka: EmbeddedKafka, sim: Simulator, *more: str) -> Result:
    arguments = ["--brokers", kafka.bootstrap, "--prefix", PREFIX, "--simulator", sim.events_url, *more]
    return await asyncio.to_thread(CliRunner().invoke, verify, arguments)


def story(sim: Simulator) -> Story:
    run = Story(prefix=PREFIX, account=sim)
    for partition in range(3):
        run.done(run.alert(f"gk-{partition}", "Triggered", partition=partition))
        run.done(run.alert(f"gk-{partition}", "Resolved", partition=partition))
    run.done(run.case("c", "OPEN", partition=1), "search")
    run.dead(run.put("cases", None, partition=2), "tombstone")
    return run


async def test_everything_is_read_as_it_was_written(kafka: EmbeddedKafka, sim: Simulator) -> None:
    run = story(sim)
    await write(kafka, run)
    found = await collect(kafka.bootstrap, PREFIX, sim.events_url)
    assert sorted(found.inputs) == sorted(run.inputs)
    assert sorted(found.deliveries, key=str) == sorted((orjson.dumps(one) for one in run.deliveries), key=str)
    assert found.dead_letters == [orjson.dumps(one) for one in run.dead_letters]
    run.rest()
    assert found.journal == run.journal
    assert found.incidents == run.incidents
    assert isinstance(found.inputs[0], Record)


async def test_a_sound_run_ends_with_0_and_a_faulty_one_with_1(kafka: EmbeddedKafka, sim: Simulator) -> None:
    run = story(sim)
    await write(kafka, run)
    result = await command(kafka, sim)
    assert result.exit_code == 0, result.output
    assert "inputs     8 (1 malformed) of 4 incidents" in result.output
    assert "OK: every input has its outcome" in result.output

    lost = Story(prefix=PREFIX, account=sim)
    lost.inputs = [run.alert("lost", "Triggered")]
    await write(kafka, lost)
    result = await command(kafka, sim)
    assert result.exit_code == 1
    assert f"missing_outcome        alert:lost: {PREFIX}alerts/0/2 ended in nothing" in result.output


async def test_a_secret_in_any_topic_or_log_ends_it_with_1(
    kafka: EmbeddedKafka, sim: Simulator, tmp_path: Path
) -> None:
    secrets, log = tmp_path / "secrets", tmp_path / "worker.log"
    secrets.write_text("\n".join(KEYS.values()))
    log.write_text("nothing to see\n")
    await write(kafka, story(sim))
    result = await command(kafka, sim, "--secrets", str(secrets), "--log", str(log))
    assert result.exit_code == 0, result.output

    await write(kafka, Story(), [("pagerduty-outbox", b'{"routing_key":"' + KEYS["search"].encode() + b'"}')])
    log.write_text(f"using {KEYS['payments']}\n")
    result = await command(kafka, sim, "--secrets", str(secrets), "--log", str(log))
    assert result.exit_code == 1
    assert f"LEAK: secret 1 stands in {log} (in clear)" in result.output
    assert f"LEAK: secret 2 stands in {PREFIX}pagerduty-outbox/" in result.output
    assert not any(key in result.output for key in KEYS.values())


async def test_a_prefix_without_topics_is_no_verdict(kafka: EmbeddedKafka, sim: Simulator) -> None:
    result = await command(kafka, sim, "--prefix", "other.")
    assert result.exit_code == 2
    assert "there is no topic other.alerts, other.cases" in result.output


async def test_a_simulator_that_is_not_there_is_no_verdict(kafka: EmbeddedKafka, sim: Simulator) -> None:
    result = await command(kafka, sim, "--simulator", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 2
    assert "the simulator at http://127.0.0.1:" in result.output


async def test_topics_without_inputs_are_no_success(kafka: EmbeddedKafka, sim: Simulator) -> None:
    result = await command(kafka, sim)
    assert result.exit_code == 1
    assert "nothing_to_verify" in result.output


def test_a_broker_that_is_not_there_is_no_verdict() -> None:
    arguments = ["--brokers", f"127.0.0.1:{free_port()}", "--simulator", "http://127.0.0.1:1"]
    result = CliRunner().invoke(verify, arguments)
    assert result.exit_code == 2
    assert "no Kafka broker answers at 127.0.0.1:" in result.output


def test_logs_without_secrets_are_wrong_usage(tmp_path: Path) -> None:
    arguments = ["--brokers", "127.0.0.1:1", "--simulator", "http://127.0.0.1:1", "--log", str(tmp_path)]
    result = CliRunner().invoke(verify, arguments)
    assert result.exit_code == 2
    assert "--log needs --secrets" in result.output
