"""The lease, and what renews it: answers, counted from when they were asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

from streams.kafka.lease import MARGIN_SECONDS, Lease
from streams.kafka.transport import renew_by

SESSION_SECONDS = 10.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Coordinator:
    """Answers requests; `stops` are the seconds that the process is stopped before it sees the answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.stops = 0.0
        self.known = True

    async def _send_req(self, _request: Any) -> bool:
        self._clock.now += self.stops
        return self.known

    async def _do_heartbeat(self) -> bool:
        return await self._send_req(None)

    async def _do_rejoin_group(self, _subscription: Any) -> bool:
        self._clock.now += 25.0  # what the group waits for its slowest member
        await self._send_req(JoinGroupRequest("g", 10_000, 30_000, "", None, "consumer", []))
        return await self._send_req(SyncGroupRequest("g", 1, "m", None, []))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(clock: Clock) -> Lease:
    return Lease(SESSION_SECONDS, clock)


@pytest.fixture
def coordinator(clock: Clock, lease: Lease) -> Coordinator:
    coordinator = Coordinator(clock)
    renew_by(coordinator, lease, clock)
    return coordinator


def test_there_is_none_at_first(lease: Lease) -> None:
    assert not lease.valid


def test_it_runs_out_before_the_session_does(lease: Lease, clock: Clock) -> None:
    lease.renew(clock.now)
    clock.now += SESSION_SECONDS - MARGIN_SECONDS - 0.1
    assert lease.valid
    clock.now += 0.1
    assert not lease.valid


def test_an_answer_that_comes_late_takes_nothing_away(lease: Lease, clock: Clock) -> None:
    lease.renew(clock.now)
    lease.renew(clock.now - 5.0)
    clock.now += SESSION_SECONDS - MARGIN_SECONDS - 0.1
    assert lease.valid


async def test_holding_ends_with_the_next_renewal(lease: Lease, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.lease.POLL_SECONDS", 0.0)
    held = asyncio.create_task(lease.hold())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not held.done()
    lease.renew(clock.now)
    await asyncio.wait_for(held, 5.0)


async def test_a_heartbeat_renews_it(coordinator: Coordinator, lease: Lease) -> None:
    assert await coordinator._do_heartbeat()
    assert lease.valid


async def test_a_heartbeat_that_is_refused_does_not(coordinator: Coordinator, lease: Lease) -> None:
    coordinator.known = False
    assert not await coordinator._do_heartbeat()
    assert not lease.valid


async def test_a_rejoin_renews_it_however_long_the_group_took(coordinator: Coordinator, lease: Lease) -> None:
    assert await coordinator._do_rejoin_group(None)
    assert lease.valid


async def test_a_rejoin_that_fails_does_not(coordinator: Coordinator, lease: Lease) -> None:
    coordinator.known = False
    assert not await coordinator._do_rejoin_group(None)
    assert not lease.valid


@pytest.mark.parametrize("ask", [lambda c: c._do_heartbeat(), lambda c: c._do_rejoin_group(None)])
async def test_a_process_that_was_stopped_before_the_answer_wakes_without_a_lease(
    coordinator: Coordinator, lease: Lease, ask: Any
) -> None:
    coordinator.stops = SESSION_SECONDS
    assert await ask(coordinator)
    assert not lease.valid
