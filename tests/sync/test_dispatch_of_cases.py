"""The dispatcher's account path under virtual time: histories with faults, kills and rebalances; limits and turns."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_dispatch import World

HISTORIES = int(os.environ.get("PAGERLINE_TEST_HISTORIES", "500"))

HAPPENINGS = st.one_of(
    st.tuples(st.just("person"), st.sampled_from(("acknowledge", "unacknowledge", "resolve", "reopen", "note"))),
    st.tuples(st.just("case_does"), st.sampled_from(("acknowledge", "take back", "resolve", "comment", "rename"))),
    st.tuples(st.just("pass_time"), st.sampled_from((0.001, 0.05, 0.3, 2.0, 15.0))),
    st.tuples(st.just("pass_steps"), st.integers(1, 30)),
    st.tuples(st.sampled_from(("follow", "poll")), st.none()),
)
BREAKS = st.tuples(st.sampled_from(("crash", "start", "start", "rebalance")), st.none())


def play(world: World, history: list[tuple[str, object]]) -> World:
    try:
        for does, what in history:
            method = getattr(world, does)
            method() if what is None else method(what)
        world.settle()
        world.check()
        return world
    finally:
        world.loop.abandon()


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    history=st.lists(st.one_of(HAPPENINGS, HAPPENINGS, HAPPENINGS, BREAKS), max_size=50),
    faults=st.sampled_from((0.0, 0.0, 0.3)),
    loss=st.sampled_from((0.0, 0.3, 1.0)),
    withheld=st.sampled_from((0, 1, 1000)),
    limit=st.sampled_from((20, 960)),
)
def test_every_history_of_cases_ends_well(
    seed: int, history: list[tuple[str, object]], faults: float, loss: float, withheld: int, limit: int
) -> None:
    play(World(seed, faults=faults, loss=loss, withheld=withheld, limit=limit), history)


def arrivals_of(services: list[str], limit: int) -> list[str]:
    """The order in which incidents are made for many Cases at once, by their services."""
    world = World(7, limit=limit, in_flight=1, cases=0)
    for number, service in enumerate(services):
        world.open_case(f"CASE-{number}", service)
    world.settle()
    made = [one.key.removeprefix("case/CASE-") for one in world.account.incidents.values()]
    world.loop.abandon()
    return [services[int(number)] for number in made]


def test_services_of_an_account_take_turns() -> None:
    made = arrivals_of(["flooded"] * 30 + ["quiet"] * 3 + ["other"] * 3, limit=960)
    assert len(made) == 36
    assert max(place for place, service in enumerate(made) if service != "flooded") < 14


def test_the_limit_of_the_account_holds() -> None:
    world = World(3, limit=20, in_flight=2, cases=0)
    for number in range(40):
        world.open_case(f"CASE-{number}", "Payments")
    world.settle()
    world.loop.abandon()
    times = world.arrivals
    most = max(sum(1 for other in times if start <= other < start + 60.0) for start in times)
    assert len(world.account.incidents) == 40
    assert most <= 20 + 2 * 2, "a turn is one call; what an operation makes beside it is counted after it"
