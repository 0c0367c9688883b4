"""The sample Case system on Kafka, and by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.testing import CliRunner

from streams.cli.main import main
from streams.kafka.topics import ensure_topics
from streams.sandbox.case_system import CaseLink, CaseStore, Person
from streams.topology import Topology
from streams.updates import Actor, State, Update

ADA = Person("ada@example.com")


async def until(link: CaseLink, true: Callable[[], bool]) -> None:
    """Wait, unless the link has failed."""
    running = asyncio.ensure_future(link.run())
    async with asyncio.timeout(60):
        while not true():
            assert not running.done(), running.exception()
            await asyncio.sleep(0.05)
    running.cancel()


def comment(number: int) -> bytes:
    update = Update(
        f"note:N{number}", "CASE-1", "comment", number, "webhook", State("account:main"),
        actor=Actor("user", "P1", "Grace"), details={"note": f"N{number}", "text": str(number)},
    )  # fmt: skip
    return orjson.dumps(update.to_json(number))


async def test_both_directions_and_what_comes_again_after_a_kill(
    pagerline_kafka: Any, pagerline_prefix: str, tmp_path: Path
) -> None:
    bootstrap, prefix = pagerline_kafka.bootstrap, pagerline_prefix
    topology = Topology.of(SimpleNamespace(prefix=prefix, app_id="pagerline", partitions=2))
    await ensure_topics(topology.specs(), replication=1, options={"bootstrap_servers": bootstrap})
    with CaseStore(tmp_path / "cases.sqlite") as store:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            async with CaseLink(store, bootstrap, prefix=prefix) as link:
                case = store.open("Checkout is slow", ADA)
                for number in range(3):
                    await producer.send_and_wait(topology.case_updates, comment(number), case.encode())
                await until(link, lambda: len(store.comments(case)) == 3 and not store.unsent(1))
            # The same records for a group that has committed nothing: as after a kill before the commit.
            await producer.send_and_wait(topology.case_updates, comment(3), case.encode())
            async with CaseLink(store, bootstrap, prefix=prefix, group="again") as link:
                await until(link, lambda: len(store.comments(case)) == 4 and not store.unsent(1))
        assert [one["text"] for one in store.comments(case)] == ["0", "1", "2", "3"]
    consumer = AIOKafkaConsumer(topology.cases, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    events: list[str] = []
    async with asyncio.timeout(60), consumer:
        while len(events) < 5:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                assert {one.key for one in batch} == {b"CASE-1"}
                events += [orjson.loads(one.value)["caseEvent"]["eventId"] for one in batch]
    assert events == [f"CASE-1-{number}" for number in range(1, 6)]


def test_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["sandbox", "cases", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    assert run("open", "Checkout is slow", "--priority", "P1") == "CASE-1\n"
    run("acknowledge", "CASE-1", "--as", "grace@example.com")
    assert run("comment", "CASE-1", "Looking at it") == "CASE-1-comment-1\n"
    run("unacknowledge", "CASE-1")
    run("prioritise", "CASE-1", "P2")
    run("resolve", "CASE-1", "--reason", "Rolled back")
    assert run("list").splitlines()[1].split() == [
        "CASE-1",
        "RESOLVED",
        "P2",
        "grace@example.com",
        "Checkout",
        "is",
        "slow",
    ]
    shown = run("show", "CASE-1")
    assert "resolution: Rolled back" in shown
    assert "[case] ada@example.com: Looking at it" in shown
    run("close", "CASE-1")
    assert "cannot become ACKNOWLEDGED" in run("acknowledge", "CASE-1", code=1)
