"""Requests that were made in vain: in the row of what waits, at a pace, within a bound, over the death of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from model_world import Settings, Worker, World
from outbox_records import outbox

from streams.dispatch.incident import Incident
from streams.dispatch.lookout import TRIED_SECONDS
from streams.dispatch.outcome import ATTEMPTS_KEPT, ROW_ATTEMPTS, ROW_ERROR, Attempt, Outcome, source_of

PLACE = ("key:a0", "i")
SAVED_SECONDS = TRIED_SECONDS + 2.0
"""Until a row is written that lacks requests: a look a second, and the broker."""


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """What becomes of inputs, as the meter hears it."""
    heard: list[Outcome] = []
    monkeypatch.setattr(Worker, "outcome", lambda self, record, outcome: heard.append(outcome))
    return heard


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All rows that are written."""
    written: list[bytes] = []
    write = Worker.write

    async def noting(self: Worker, partition: int, key: bytes, value: bytes | None) -> None:
        written.append(value or b"")
        await write(self, partition, key, value)

    monkeypatch.setattr(Worker, "write", noting)
    return written


@pytest.fixture
def world() -> Iterator[World]:
    made = World(Settings(seed=3, prompt=True))
    made.pass_time(1.0)
    yield made
    made.close()


def row(world: World) -> dict[str, Any]:
    ((_, value),) = world.rows.items()
    return dict(orjson.loads(value))


def requests(world: World) -> int:
    return len(world.arrivals[PLACE[0]])


def test_a_row_tells_what_was_tried_for_what_waits(world: World) -> None:
    world.outages[PLACE[0]] = (1e9, "broken")
    world.ask(PLACE, "trigger")
    world.pass_time(60.0)
    ((source, tried),) = row(world)["tried"].items()
    assert source == world.by_place[PLACE][0].source
    assert requests(world) - SAVED_SECONDS <= tried["total"] <= requests(world)
    assert tried["total"] > ROW_ATTEMPTS == len(tried["newest"])
    assert [one["status"] for one in tried["newest"]] == [500] * ROW_ATTEMPTS
    assert tried["newest"][-1]["at"] > 1000 * (world.loop.time() - 2 * SAVED_SECONDS)


def test_a_row_is_written_at_a_pace_however_often_it_is_tried(world: World, writes: list[bytes]) -> None:
    world.outages[PLACE[0]] = (1e9, "broken")
    world.ask(PLACE, "trigger")
    world.pass_time(2.0)
    before, tried = len(writes), requests(world)
    world.pass_time(100.0)
    assert requests(world) - tried > 50
    assert len(writes) - before <= 100.0 / TRIED_SECONDS


def test_the_total_goes_on_under_a_successor(world: World, outcomes: list[Outcome]) -> None:
    world.outages[PLACE[0]] = (1e9, "broken")
    world.ask(PLACE, "trigger")
    world.pass_time(40.0)
    saved = row(world)["tried"][world.by_place[PLACE][0].source]["total"]
    world.crash()
    made = requests(world)
    world.start()
    world.pass_time(10.0)
    later = requests(world) - made
    assert (saved > 10, later > 3) == (True, True)
    made = requests(world)
    world.settle()
    world.check()
    (outcome,) = outcomes
    assert outcome.attempts_total == saved + later + requests(world) - made
    assert len(outcome.attempts) == ROW_ATTEMPTS + outcome.attempts_total - saved
    assert (outcome.attempts[-1].status, row(world)["tried"]) == (202, {})


def test_what_was_tried_survives_being_forgotten(world: World, outcomes: list[Outcome]) -> None:
    """An incident whose row holds all of it waits in its row alone, also after requests."""
    world.settings = Settings(seed=3, prompt=True, withheld=0)
    world.crash()
    world.start()
    world.pass_time(1.0)
    world.outages[PLACE[0]] = (1e9, "throttled_for")
    world.ask(PLACE, "trigger")
    world.pass_time(SAVED_SECONDS + 10.0)
    assert world.worker is not None
    assert world.worker.dispatcher._runners == {}
    world.settle()
    world.check()
    (outcome,) = outcomes
    assert outcome.attempts_total == requests(world) > 1
    assert [one.status for one in outcome.attempts] == [429] * (outcome.attempts_total - 1) + [202]


def test_what_gave_way_takes_its_attempts_with_it(world: World, outcomes: list[Outcome]) -> None:
    world.outages[PLACE[0]] = (1e9, "broken")
    world.ask(PLACE, "trigger")
    world.pass_time(30.0)
    made = requests(world)
    world.ask(PLACE, "trigger")
    world.settle()
    world.check()
    first, second = outcomes
    assert (first.status, second.status) == ("superseded", "delivered")
    assert first.attempts_total == made
    assert second.attempts_total == requests(world) - made
    assert len(first.attempts) == ATTEMPTS_KEPT < made


def test_the_bound_of_what_a_row_keeps() -> None:
    record = outbox()
    incident = Incident().ask(record, 0)
    bare = len(incident.to_row())
    for number in range(1_000):
        incident = incident.attempted(
            source_of(record), Attempt(1_767_225_600_000 + number, 10_000.1, 503, "x" * 1_000)
        )
    assert len(incident.to_row()) - bare < ROW_ATTEMPTS * (ROW_ERROR + 80) + 60
    again = Incident.from_row(incident.to_row())
    (tried,) = again.tried.values()
    assert (tried.total, [one.at % 1_000 for one in tried.newest]) == (1_000, [997, 998, 999])


def test_a_row_of_a_version_without_attempts_is_read() -> None:
    value = orjson.loads(Incident().ask(outbox(), 0).to_row())
    del value["tried"]
    assert Incident.from_row(orjson.dumps(value)).tried == {}
