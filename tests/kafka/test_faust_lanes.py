"""Lanes: order within a key, no waiting between keys, a bound, and an end within a bound."""

from __future__ import annotations

import asyncio

import pytest

from streams.kafka.lanes import Lanes, Work


class Desk:
    """Makes work that waits for its gate, and notes what was done."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.crashes: list[BaseException] = []
        self.gates: dict[str, asyncio.Event] = {}

    def work(self, name: str) -> Work:
        gate = self.gates[name] = asyncio.Event()

        async def run() -> None:
            self.begun.append(name)
            await gate.wait()
            self.done.append(name)

        return run

    async def let(self, name: str) -> None:
        self.gates[name].set()
        await turns()


async def turns() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def lanes(desk: Desk) -> Lanes:
    return Lanes(desk.crashes.append, full=3)


async def test_work_of_one_key_is_done_in_order_and_of_others_beside_it(desk: Desk, lanes: Lanes) -> None:
    await lanes.put("a", desk.work("a1"))
    await lanes.put("a", desk.work("a2"))
    await lanes.put("b", desk.work("b1"))
    await turns()
    assert desk.begun == ["a1", "b1"]
    await desk.let("b1")
    await desk.let("a1")
    assert desk.begun == ["a1", "b1", "a2"]
    await desk.let("a2")
    assert desk.done == ["b1", "a1", "a2"]
    assert len(lanes) == 0


async def test_a_full_desk_makes_the_next_one_wait(desk: Desk, lanes: Lanes) -> None:
    for name in ("a", "b", "c"):
        await lanes.put(name, desk.work(name))
    fourth = asyncio.create_task(lanes.put("d", desk.work("d")))
    await turns()
    assert not fourth.done()
    await desk.let("b")
    assert fourth.done()
    assert desk.begun == ["a", "b", "c", "d"]
    for name in ("a", "c", "d"):
        await desk.let(name)


async def test_nothing_overtakes_work_that_failed(desk: Desk, lanes: Lanes) -> None:
    async def fail() -> None:
        raise RuntimeError("a bug")

    await lanes.put("a", fail)
    await lanes.put("a", desk.work("behind"))
    await turns()
    assert [str(error) for error in desk.crashes] == ["a bug"]
    assert desk.begun == []
    await lanes.put("a", desk.work("later"))
    await turns()
    assert desk.begun == []


async def test_a_drain_finishes_what_runs_and_drops_what_waits(desk: Desk, lanes: Lanes) -> None:
    await lanes.put("a", desk.work("a1"))
    await lanes.put("a", desk.work("a2"))
    await turns()
    drain = asyncio.create_task(lanes.drain(60.0))
    await turns()
    await lanes.put("b", desk.work("b1"))
    await desk.let("a1")
    await drain
    assert (desk.begun, desk.done) == (["a1"], ["a1"])
    assert len(lanes) == 0


async def test_a_drain_ends_within_its_bound(desk: Desk, lanes: Lanes) -> None:
    await lanes.put("a", desk.work("a1"))
    await turns()
    await lanes.drain(0.01)
    assert desk.done == []
    assert desk.crashes == []


async def test_one_that_waits_for_room_is_sent_away_by_a_drain(desk: Desk, lanes: Lanes) -> None:
    for name in ("a", "b", "c"):
        await lanes.put(name, desk.work(name))
    fourth = asyncio.create_task(lanes.put("d", desk.work("d")))
    await turns()
    await lanes.drain(0.01)
    await fourth
    assert "d" not in desk.begun


async def test_after_a_drain_work_is_taken_again(desk: Desk, lanes: Lanes) -> None:
    await lanes.put("a", desk.work("a1"))
    await turns()
    await lanes.drain(0.01)
    await lanes.put("a", desk.work("a2"))
    await turns()
    await desk.let("a2")
    assert desk.done == ["a2"]
