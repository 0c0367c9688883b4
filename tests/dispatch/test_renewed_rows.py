"""Rows and waiting events sealed anew while everything goes on: nobody's outbox record needs the older key after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from model_world import RENEWED, Settings, World
from outbox_records import KEY_TOKEN

PLACE = ("key:a0", "i")
OTHER = ("key:a0", "j")


@pytest.fixture
def world() -> Iterator[World]:
    made = World(Settings(seed=5, prompt=True))
    made.pass_time(1.0)
    yield made
    made.close()


def tokens(world: World) -> set[str]:
    """The tokens that the rows hold."""
    return {token for row in world.rows.values() for token in (KEY_TOKEN, RENEWED) if token.encode() in row}


def sent(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that are sent from now on."""
    assert world.worker is not None
    tokens: list[str] = []
    send = world.worker.send

    async def noting(record: dict[str, str]) -> object:
        tokens.append(record["routing_key"])
        return await send(record)

    monkeypatch.setattr(world.worker.dispatcher, "sender", type("Sender", (), {"send": staticmethod(noting)}))
    return tokens


def uncommitted(world: World) -> int:
    return sum(len(log) - world.committed[partition] for partition, log in world.outbox.items())


def test_what_waits_is_sealed_anew_and_its_outbox_record_is_done_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.outages["key:a0"] = (1e9, "broken")
    world.ask(PLACE, "trigger")
    world.ask(PLACE, "acknowledge")
    world.pass_time(5.0)
    assert (tokens(world), uncommitted(world)) == ({KEY_TOKEN}, 2)
    world.renew()
    world.pass_time(5.0)
    world.renew()  # one may have been under way
    world.pass_time(8.0)
    assert (tokens(world), uncommitted(world)) == ({RENEWED}, 0)
    later = sent(world, monkeypatch)
    world.settle()
    world.check()
    assert set(later) == {RENEWED}
    assert [given.action for given in world.pagerduty.accepted[PLACE]] == ["trigger", "acknowledge"]


def test_what_waits_in_its_row_alone_is_sealed_anew() -> None:
    world = World(Settings(seed=5, limit=1, withheld=0))
    try:
        world.ask(OTHER, "trigger")
        world.pass_time(20.0)
        world.ask(PLACE, "trigger")
        world.pass_time(5.0)
        assert world.worker is not None
        dispatcher = world.worker.dispatcher
        assert (dispatcher._runners, tokens(world)) == ({}, {KEY_TOKEN})
        world.renew()
        world.pass_time(5.0)
        assert (dispatcher._runners, tokens(world)) == ({}, {RENEWED})
        assert dispatcher.backlog == 1, "it keeps its place in the line"
        world.settle()
        world.check()
    finally:
        world.close()


def test_a_request_under_way_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.outages["key:a0"] = (world.loop.time() + 5.0, "hanging")
    world.ask(PLACE, "trigger")
    world.pass_time(2.0)
    world.renew()
    world.pass_time(0.5)
    assert tokens(world) <= {KEY_TOKEN}
    world.pass_time(10.0)
    world.renew()
    world.settle()
    world.check()
    assert tokens(world) <= {RENEWED}


def test_after_a_death_nothing_is_asked_of_the_older_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledged early, so that the successor has the row alone to go on with."""
    world.outages["key:a0"] = (1e9, "unreachable")
    world.ask(PLACE, "trigger")
    world.pass_time(5.0)
    for _ in range(3):
        world.renew()
        world.pass_time(4.0)
    assert uncommitted(world) == 0
    world.crash()
    world.start()
    later = sent(world, monkeypatch)
    world.settle()
    world.check()
    assert set(later) == {RENEWED}


def test_an_outbox_record_that_comes_again_waits_for_nothing_when_its_row_has_it(world: World) -> None:
    world.outages["key:a0"] = (1e9, "broken")
    world.ask(PLACE, "trigger")
    world.pass_time(5.0)
    world.renew()
    world.pass_time(3.0)
    world.committed = dict.fromkeys(world.committed, 0)  # as if the commit had not been made
    world.crash()
    world.start()
    world.pass_time(8.0)
    assert uncommitted(world) == 0
    world.settle()
    world.check()
