"""Single stories of a dispatcher's world, each with its end told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from model_world import Settings, World

from streams.dispatch.incident import Incident

PLACE = ("key:a0", "i")
OTHER = ("key:a0", "j")


@pytest.fixture
def worlds() -> Iterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        world.close()


def world_of(worlds: list[World], **settings: int) -> World:
    worlds.append(World(Settings(seed=1, **settings)))
    return worlds[-1]


def status(world: World, place: tuple[str, str]) -> list[set[str]]:
    return [world.told.get(f"{given.source}@{place[0]}", set()) for given in world.by_place[place]]


def fill(world: World) -> None:
    """Use up the window of `key:a0` and the limit of 1 with it."""
    world.ask(OTHER, "trigger")
    world.pass_time(20.0)


def test_what_was_over_while_it_waited_is_not_sent(worlds: list[World]) -> None:
    world = world_of(worlds, limit=1)
    fill(world)
    world.ask(PLACE, "trigger")  # of severity "error"
    world.pass_time(5.0)
    world.ask(PLACE, "resolve")
    world.settle()
    world.check()
    assert status(world, PLACE) == [{"superseded"}, {"skipped"}]
    assert world.pagerduty.accepted[PLACE] == []


def test_what_comes_while_nobody_waits_is_sent_as_it_comes(worlds: list[World]) -> None:
    world = world_of(worlds)
    world.pass_time(1.0)
    world.ask(PLACE, "trigger")
    world.ask(PLACE, "resolve")
    world.settle()
    world.check()
    assert status(world, PLACE) == [{"delivered"}, {"delivered"}]


def test_after_a_takeover_nobody_knows_what_was_sent(worlds: list[World]) -> None:
    """A trigger waited in its row, acknowledged; it was sent, and the worker died before it could say so. Its
    successor has another page to send first, and sees the resolve before it has sent anything of that incident."""
    world = world_of(worlds, limit=1, withheld=0)
    fill(world)
    world.ask(PLACE, "trigger")  # an error
    world.ask(("key:b1", "x"), "trigger")
    world.pass_time(5.0)
    world.outages["key:a0"] = (1e9, "hanging_but_taken")
    while not world.pagerduty.accepted[PLACE]:
        world.pass_time(0.5)
    world.ask(("key:a0", "k"), "trigger")  # critical
    world.pass_time(3.0)
    world.crash()
    world.outages.clear()
    world.start()
    world.pass_time(3.0)
    assert [given.action for given in world.pagerduty.accepted[PLACE]] == ["trigger"]
    world.ask(PLACE, "resolve")
    world.settle()
    world.check()
    assert world.pagerduty.state[PLACE] == "closed"


def test_what_was_made_pointless_does_not_come_back(worlds: list[World]) -> None:
    """A resolve overtakes a critical trigger that waits, and is sent; the worker dies at once, both come again."""
    world = world_of(worlds, limit=1)
    fill(world)
    world.ask(("key:b1", "x"), "trigger")
    world.ask(("key:b1", "y"), "trigger")
    while not world.arrivals["key:a0"] or world.loop.time() < world.arrivals["key:a0"][0] + 59.5:
        world.pass_time(0.1)
    world.ask(PLACE, "trigger")  # critical
    world.ask(PLACE, "resolve")
    while not world.pagerduty.accepted[PLACE]:
        world.pass_steps(1)
        world.pass_time(0.001)
    world.crash()
    world.settle()
    world.check()
    assert status(world, PLACE)[0] == {"superseded"}


def test_an_incident_that_waits_in_its_row_alone(worlds: list[World]) -> None:
    world = world_of(worlds, limit=1, withheld=0)
    fill(world)
    world.ask(PLACE, "trigger")
    world.pass_time(5.0)
    assert world.worker is not None
    dispatcher = world.worker.dispatcher
    assert dispatcher._runners == {}, "nothing of it is in memory"
    assert dispatcher.backlog == 1
    world.ask(PLACE, "trigger")
    world.settle()
    world.check()
    assert status(world, PLACE) == [{"superseded"}, {"delivered"}]


def test_the_window_is_kept_over_restarts(worlds: list[World]) -> None:
    world = world_of(worlds, limit=5, in_flight=2, share=2)
    for number in range(40):
        world.ask(("key:a0", f"i{number}"), "trigger")
    deaths = 4
    for _ in range(deaths):
        world.pass_time(8.0)
        world.crash()
        world.start()
    world.settle()
    world.check()
    arrivals = world.arrivals["key:a0"]
    most = max(sum(at <= other < at + 60.0 for other in arrivals) for at in arrivals)
    assert most <= 5 + 2 * deaths  # what was in flight at each death is in no row
    assert most < 5 * deaths


def test_a_refused_event_is_sent_in_its_plainest_form(worlds: list[World]) -> None:
    world = world_of(worlds)
    world.ask(PLACE, "trigger")
    world.ask(PLACE, "resolve")
    world.settle()
    world.ask(PLACE, "trigger", refused=True)  # index 2: refused in any form
    world.ask(OTHER, "trigger")
    world.ask(OTHER, "trigger", refused=True)  # index 1: its plainest form is taken
    world.settle()
    world.check()
    assert status(world, PLACE)[2] == status(world, OTHER)[1] == {"dead"}
    assert world.pagerduty.state[PLACE] == "closed"
    assert world.pagerduty.state[OTHER] == "triggered"


def test_a_purge_deletes_what_is_closed_and_nothing_else(worlds: list[World]) -> None:
    world = world_of(worlds)
    for action in ("trigger", "resolve"):
        world.ask(PLACE, action)
        world.ask(OTHER, action)
    world.settle()
    assert world.worker is not None
    rows = [(place[0], place[1], row) for place, row in world.rows.items()]
    world.ask(OTHER, "trigger")  # open again, though the snapshot says that it is closed
    world.settle()
    before = round(world.loop.time() * 1000) + 1
    assert world.loop.complete(world.worker.dispatcher.purge(rows, before)) == 1
    (left,) = world.rows.values()
    assert Incident.from_row(left).state == "triggered"


def test_a_purge_ends_when_partitions_are_given_away(worlds: list[World]) -> None:
    world = world_of(worlds)
    for action in ("trigger", "resolve"):
        world.ask(PLACE, action)
    world.settle()
    assert world.worker is not None
    rows = [(place[0], place[1], row) for place, row in world.rows.items()]
    dispatcher = world.worker.dispatcher
    world.loop.complete(dispatcher.drain(1.0))
    assert world.loop.complete(dispatcher.purge(rows, 2**53)) == 0
    assert world.rows


def test_a_storm_is_told_of_by_one_digest(worlds: list[World]) -> None:
    world = world_of(worlds, limit=3, fold=5)
    world.pass_time(1.0)
    for number in range(30):
        world.ask(("key:a0", f"i{number}"), "trigger")  # a third critical, a third error, a third info
    world.pass_time(240.0)
    ((action, said),) = world.digests["key:a0"]
    assert action == "trigger"
    assert said["count"] == 10
    assert said["examples"][0] == "Disk is full"
    world.settle()
    world.check()
    assert [action for action, _said in world.digests["key:a0"]][-1] == "resolve"
    assert len(world.digests["key:a0"]) < 8, "updated at a decent pace"


def test_a_digest_is_ended_by_a_successor(worlds: list[World]) -> None:
    world = world_of(worlds, limit=1, fold=2, withheld=0)
    for number in range(12):
        world.ask(("key:a0", f"i{number}"), "trigger")
    while not world.digests["key:a0"]:
        world.pass_time(1.0)
    world.crash()
    world.settle()
    world.check()
    assert world.digests["key:a0"][-1][0] == "resolve"
