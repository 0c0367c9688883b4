"""The brake for dead letters, under a clock of its own."""

from __future__ import annotations

import asyncio
import logging

import pytest

from streams.kafka.lanes import Lanes
from streams.stages.brake import Brake, TokenBucket


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def test_a_burst_and_then_the_pace() -> None:
    clock = Clock()
    bucket = TokenBucket(3, 60, clock)
    assert [bucket.take() for _ in range(3)] == [0.0] * 3
    assert bucket.take() == 1.0
    clock.now += 0.25
    assert bucket.take() == pytest.approx(0.75)
    clock.now += 0.75
    assert bucket.take() == 0.0
    assert bucket.take() == 1.0


def test_what_is_saved_up_is_at_most_the_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(2, 600, clock)
    clock.now += 3_600
    assert [bucket.take() == 0.0 for _ in range(3)] == [True, True, False]


async def test_the_waiting_pass_in_order_and_at_the_pace() -> None:
    clock = Clock()
    brake = Brake(TokenBucket(1, 60, clock), clock=clock, sleep=clock.sleep)
    passed: list[tuple[int, float]] = []

    async def letter(number: int) -> None:
        await brake.passed()
        passed.append((number, clock.now))

    await asyncio.gather(*(letter(number) for number in range(4)))
    assert passed == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0)]
    assert brake.waiting == 0


async def test_a_warning_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    brake = Brake(TokenBucket(1, 60, clock), clock=clock, sleep=clock.sleep)
    with caplog.at_level(logging.WARNING, "pagerline.brake"):
        await asyncio.gather(*(brake.passed() for _ in range(122)))
    assert clock.now == pytest.approx(121)
    assert [record.getMessage().partition(" dead letters wait")[0] for record in caplog.records] == ["1", "61", "1"]


async def test_lanes_whose_work_waits_can_be_drained() -> None:
    clock = Clock()
    forever = asyncio.Event()

    async def never(seconds: float) -> None:
        await forever.wait()

    brake = Brake(TokenBucket(1, 60, clock), clock=clock, sleep=never)
    crashes: list[BaseException] = []
    lanes = Lanes(crashes.append, 10)
    for key in "abc":
        await lanes.put(key, brake.passed)
    await asyncio.sleep(0)
    assert brake.waiting == 2
    await lanes.drain(0.01)
    assert (brake.waiting, len(lanes), crashes) == (0, 0, [])
    await lanes.put("d", brake.passed)
    await asyncio.sleep(0)
    assert brake.waiting == 1  # the lock was let go: it is the first in line now
    await lanes.drain(0.01)
