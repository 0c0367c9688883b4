"""`PositionRecovery` with the broker's part replaced: what it makes of interruptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
)
from faust.tables.recovery import RebalanceAgain, ServiceStopped

from streams.kafka.app import SafeApp
from streams.kafka.tables import PositionRecovery


class Story:
    """A recovery whose reading and resuming do what the test says, in that order; no more said: they succeed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("streams.kafka.tables.RETRY_SECONDS", 0.0)
        self.app = SafeApp(
            "unit",
            options={"bootstrap_servers": ["127.0.0.1:1"]},
            session_seconds=10.0,
            heartbeat_seconds=3.0,
            partitions=1,
        )
        self.app.owning = True
        self.recovery: Any = self.app.tables.recovery
        self.reading: list[BaseException] = []
        self.resuming: list[BaseException] = []
        self.seen: list[str] = []
        self.changed = asyncio.Event()
        monkeypatch.setattr(self.recovery, "_restore_once", self._read)
        monkeypatch.setattr(self.recovery, "_resume_streams", self._resume)
        self.app.on_drain.append(self._drain)

    def _note(self, what: str) -> None:
        self.seen.append(what)
        self.changed.set()

    async def _read(self, _generation: int) -> bool:
        self._note("read")
        if self.reading:
            raise self.reading.pop(0)
        return True

    async def _resume(self, generation_id: int = 0) -> None:
        self._note("resume")
        if self.resuming:
            raise self.resuming.pop(0)
        self._note("at work")

    async def _drain(self) -> None:
        self._note("drain")

    def begin(self) -> None:
        """What Faust does at the end of a rebalance."""
        self.recovery.signal_recovery_start.set()

    async def until(self, *seen: str) -> None:
        async with asyncio.timeout(5.0):
            while self.seen != list(seen):
                assert not self.task.done(), self.task
                self.changed.clear()
                await self.changed.wait()

    async def __aenter__(self) -> Story:
        self.task = asyncio.ensure_future(PositionRecovery._restart_recovery(self.recovery))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture
async def story(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Story]:
    async with Story(monkeypatch) as story:
        yield story


@pytest.mark.parametrize("error", [RebalanceAgain(), IllegalStateError("not assigned")])
async def test_a_rebalance_during_recovery_leads_to_the_next_one(story: Story, error: Exception) -> None:
    story.resuming = [error]
    story.begin()
    await story.until("read", "resume")
    story.begin()
    await story.until("read", "resume", "read", "resume", "at work")


@pytest.mark.parametrize("error", [ServiceStopped(), KafkaConnectionError("away"), KafkaTimeoutError()])
async def test_a_seek_that_fails_is_made_again_after_a_drain(story: Story, error: Exception) -> None:
    """Faust's `_wait` tells a time-out as a stop; its own recovery then ends for good, in a worker that lives on."""
    story.resuming = [error]
    story.begin()
    await story.until("read", "resume", "drain", "read", "resume", "at work")


async def test_a_stop_during_recovery_ends_it(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopped(generation_id: int = 0) -> None:
        story.recovery._stopped_set()
        raise ServiceStopped

    monkeypatch.setattr(story.recovery, "_resume_streams", stopped)
    story.begin()
    await asyncio.wait_for(story.task, 5.0)
    assert story.seen == ["read"]


@pytest.mark.parametrize("error", [KafkaConnectionError("away"), KafkaTimeoutError()])
async def test_a_broker_that_is_away_during_recovery_is_waited_for(story: Story, error: Exception) -> None:
    story.reading = [error, error]
    story.begin()
    await story.until("read", "read", "read", "resume", "at work")


async def test_waiting_for_the_broker_ends_when_the_partitions_go(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = story.recovery._restore_once

    async def taken_away(generation: int) -> bool:
        story.app.owning = False
        return bool(await read(generation))

    monkeypatch.setattr(story.recovery, "_restore_once", taken_away)
    story.reading = [KafkaConnectionError("away")]
    story.begin()
    await story.until("read")
    for _ in range(10):
        await asyncio.sleep(0)
    assert story.seen == ["read"]


async def test_an_error_that_no_retry_cures_ends_the_worker(story: Story) -> None:
    story.reading = [TopicAuthorizationFailedError("changelog")]
    story.begin()
    with pytest.raises(TopicAuthorizationFailedError):
        await asyncio.wait_for(story.task, 5.0)
