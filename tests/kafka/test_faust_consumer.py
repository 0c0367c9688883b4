"""`SafeConsumer` with the broker's part replaced: what it commits around a rebalance, and at an end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.errors import GroupAuthorizationFailedError
from faust.types import TP

from streams.kafka.app import SafeApp
from streams.kafka.producer import Producer
from streams.kafka.transport import SafeConsumer

IN = TP("in", 0)


class Broker:
    """The group's committed offsets; a commit waits while `open` is not set."""

    def __init__(self) -> None:
        self.committed: dict[TP, int] = {}
        self.asked = 0
        self.sought = 0
        self.fetched: asyncio.Future[list[Any]]
        self.open = asyncio.Event()
        self.open.set()

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        self.asked += 1
        await self.open.wait()
        self.committed.update(offsets)
        return True

    async def seek_to_committed(self) -> Mapping[TP, int]:
        self.sought += 1
        return dict(self.committed)

    async def getmany(self, **_wanted: Any) -> Mapping[TP, Any]:
        return {IN: await self.fetched}


@pytest.fixture
async def broker() -> Broker:
    return Broker()


@pytest.fixture
async def app() -> SafeApp:
    return SafeApp(
        "unit",
        options={"bootstrap_servers": ["127.0.0.1:1"]},
        session_seconds=10.0,
        heartbeat_seconds=3.0,
        partitions=1,
    )


@pytest.fixture
async def consumer(app: SafeApp, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> SafeConsumer:
    """The app's consumer, owner of one partition, at work."""
    consumer: SafeConsumer = app.consumer
    app.owning = app.serving = True
    app.consumer_generation_id = 1
    consumer.resume_flow()
    consumer._set_active_tps({IN})
    monkeypatch.setattr(app.topics, "acks_enabled_for", lambda _topic: True)
    monkeypatch.setattr(consumer, "assignment", lambda: {IN})
    monkeypatch.setattr(consumer, "_commit", broker.commit)
    monkeypatch.setattr(consumer, "_getmany", broker.getmany)
    monkeypatch.setattr(consumer, "seek_to_committed", broker.seek_to_committed)

    async def faust_lets_go(_revoked: set[TP]) -> None:
        consumer.stop_flow()

    monkeypatch.setattr(consumer, "_on_partitions_revoked", faust_lets_go)
    return consumer


def record(offset: int) -> Any:
    """A record as aiokafka fetches it."""
    return SimpleNamespace(
        topic=IN.topic,
        partition=IN.partition,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        headers=(),
        key=b"k",
        value=b"v",
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=1,
    )


def deliver(consumer: SafeConsumer, offset: int) -> Any:
    """Hand out one record and return the message."""
    return consumer._to_message(IN, record(offset))


async def delivered(consumer: SafeConsumer) -> list[Any]:
    """The messages of one fetch."""
    return [message async for _tp, message in consumer.getmany(1.0)]


async def test_commits_up_to_the_first_record_without_an_acknowledgement(
    consumer: SafeConsumer, broker: Broker
) -> None:
    messages = [deliver(consumer, offset) for offset in (3, 4, 7, 8)]
    for message in (messages[3], messages[0], messages[1]):
        assert consumer.ack(message)
    await consumer.commit()
    assert broker.committed == {IN: 5}
    assert consumer.withheld(IN) == 2
    consumer.ack(messages[2])
    await consumer.commit()
    assert broker.committed == {IN: 9}


async def test_a_commit_that_failed_is_tried_again(
    consumer: SafeConsumer, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_offsets: Mapping[TP, int]) -> bool:
        return False

    monkeypatch.setattr(consumer, "_commit", refuse)
    consumer.ack(deliver(consumer, 0))
    assert not await consumer.commit()
    monkeypatch.setattr(consumer, "_commit", broker.commit)
    assert await consumer.commit()
    assert broker.committed == {IN: 1}


async def test_an_acknowledgement_from_before_a_rebalance_is_refused(consumer: SafeConsumer, app: SafeApp) -> None:
    old = deliver(consumer, 0)
    app.consumer_generation_id = 2
    deliver(consumer, 0)
    assert not consumer.ack(old)
    assert not await consumer.commit()


async def test_work_that_the_drain_finished_is_committed(consumer: SafeConsumer, app: SafeApp, broker: Broker) -> None:
    running = deliver(consumer, 0)

    async def finish() -> None:
        consumer.ack(running)

    app.on_drain.append(finish)
    await consumer.on_partitions_revoked({IN})
    assert broker.committed == {IN: 1}


async def test_a_commit_under_way_does_not_swallow_the_final_one(
    consumer: SafeConsumer, app: SafeApp, broker: Broker
) -> None:
    """Faust's `commit` waits for the one under way and then does nothing, but that one knows only older acks."""
    first, second = deliver(consumer, 0), deliver(consumer, 1)
    consumer.ack(first)
    broker.open.clear()
    periodic = asyncio.create_task(consumer.commit())
    while not broker.asked:
        await asyncio.sleep(0)

    async def finish() -> None:
        consumer.ack(second)

    app.on_drain.append(finish)
    revoked = asyncio.create_task(consumer.on_partitions_revoked({IN}))
    while consumer.withheld(IN):
        await asyncio.sleep(0)
    broker.open.set()
    await asyncio.gather(periodic, revoked)
    assert broker.committed == {IN: 2}


async def test_a_fetch_that_ends_while_partitions_are_given_away_forgets_no_acknowledgement(
    consumer: SafeConsumer, app: SafeApp, broker: Broker
) -> None:
    """Faust's `getmany` seeks back when a fetch returns while the flow is stopped: in the middle of a drain."""
    running = deliver(consumer, 0)

    async def finish() -> None:
        broker.fetched.set_result([record(1)])
        assert await delivery == []
        consumer.ack(running)

    broker.fetched = asyncio.get_running_loop().create_future()
    delivery = asyncio.create_task(delivered(consumer))
    await asyncio.sleep(0)
    app.on_drain.append(finish)
    await consumer.on_partitions_revoked({IN})
    assert broker.committed == {IN: 1}


async def test_a_seek_waits_for_the_fetch_under_way(consumer: SafeConsumer, broker: Broker) -> None:
    """Its records lie behind the position that the seek sets; delivered after it, they would hide those between."""
    broker.fetched = asyncio.get_running_loop().create_future()
    delivery = asyncio.create_task(delivered(consumer))
    await asyncio.sleep(0)
    consumer.stop_flow()
    seek = asyncio.create_task(consumer.perform_seek())
    await asyncio.sleep(0)
    assert broker.sought == 0
    broker.fetched.set_result([record(5)])
    await seek
    assert await delivery == []


async def test_what_was_fetched_before_a_seek_is_not_delivered_after_it(consumer: SafeConsumer, broker: Broker) -> None:
    broker.fetched = asyncio.get_running_loop().create_future()
    broker.fetched.set_result([record(5), record(6)])
    records = consumer.getmany(1.0)
    _tp, first = await anext(records)
    await consumer.perform_seek()
    assert first.offset == 5
    assert [message async for message in records] == []


async def test_nothing_is_served_when_partitions_are_taken_away_during_recovery(
    consumer: SafeConsumer, app: SafeApp
) -> None:
    await consumer.on_partitions_revoked({IN})
    await app._ready()
    assert not app.serving


async def test_after_a_rebalance_all_that_is_uncommitted_comes_again(
    consumer: SafeConsumer, app: SafeApp, broker: Broker
) -> None:
    deliver(consumer, 0)
    await consumer.on_partitions_revoked({IN})
    app.consumer_generation_id = 2
    app.serving = True
    await consumer.perform_seek()
    assert consumer.withheld(IN) == 0
    consumer.ack(deliver(consumer, 0))
    await consumer.commit()
    assert broker.committed == {IN: 1}


async def test_a_commit_under_way_does_not_swallow_the_one_of_a_shutdown(
    consumer: SafeConsumer, broker: Broker
) -> None:
    first, second = deliver(consumer, 0), deliver(consumer, 1)
    consumer.ack(first)
    broker.open.clear()
    periodic = asyncio.create_task(consumer.commit())
    while not broker.asked:
        await asyncio.sleep(0)
    consumer.ack(second)
    stopping = asyncio.create_task(consumer.on_stop())
    await asyncio.sleep(0)
    broker.open.set()
    await asyncio.gather(periodic, stopping)
    assert broker.committed == {IN: 2}


async def test_a_commit_that_is_refused_for_good_does_not_keep_faust_from_letting_go(
    consumer: SafeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_offsets: Mapping[TP, int]) -> bool:
        raise GroupAuthorizationFailedError("unit")

    monkeypatch.setattr(consumer, "_commit", refuse)
    consumer._read_offset[IN] = 1
    consumer.ack(deliver(consumer, 0))
    with pytest.raises(GroupAuthorizationFailedError):
        await consumer.on_partitions_revoked({IN})
    assert IN not in consumer._read_offset
    assert consumer.withheld(IN) == 0


async def test_a_recovery_that_ends_during_a_shutdown_opens_nothing(
    consumer: SafeConsumer, app: SafeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faust_stops(_app: faust.App) -> None:
        await app._ready()

    monkeypatch.setattr(faust.App, "on_stop", faust_stops)
    app.on_drain.append(app._ready)
    app._stopped_set()
    await app.on_stop()
    assert not app.serving
    assert not app.owning


async def test_a_crash_while_getting_ready_opens_nothing(app: SafeApp) -> None:
    async def crash() -> None:
        app._crashed.set()

    app.owning = True
    app.on_ready.append(crash)
    await app._ready()
    assert not app.serving


async def test_an_assignment_during_a_shutdown_is_not_taken_over(
    consumer: SafeConsumer, app: SafeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faust_takes_over(_assigned: set[TP], _generation: int) -> None:
        await app._ready()

    monkeypatch.setattr(consumer, "_on_partitions_assigned", faust_takes_over)
    app.owning = app.serving = False
    app._stopped_set()
    await consumer.on_partitions_assigned({IN}, 2)
    assert not app.owning
    assert not app.serving


class Stuck(Producer):
    """A producer whose broker confirms nothing."""

    async def flush(self) -> None:
        await asyncio.Event().wait()


async def test_partitions_are_not_given_away_while_records_may_still_arrive(
    consumer: SafeConsumer, app: SafeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(reason: str) -> None:
        raise SystemExit(reason)

    monkeypatch.setattr("streams.kafka.app.FLUSH_SECONDS", 0.01)
    monkeypatch.setattr("streams.kafka.app.end_process", end)
    app._producers = [Stuck({})]
    with pytest.raises(SystemExit, match="still not confirmed"):
        await app.drain()
    app._stopped_set()
    await app.drain()  # at a shutdown nothing is given away before the process has ended
