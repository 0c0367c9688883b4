"""Any history of two sides, a channel that loses, doubles and reorders, faults and crashes: both agree in the end."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_two_sides import World, wrong

HISTORIES = int(os.environ.get("PAGERLINE_TEST_HISTORIES", "1200"))

WORKER = ("hear", "hear", "hear", "webhook", "webhook", "act", "act", "act", "act", "store", "follow", "follow", "poll")
BREAKS = ("crash", "crash before telling")
PEOPLE = ("acknowledge", "unacknowledge", "resolve", "resolve with a note", "reopen", "note", "reassign")
ENDS = ("merge", "delete")
CASE = ("acknowledge", "take back", "resolve", "close", "comment", "rename")
AGAIN = ("open again",)


def happen(world: World, what: tuple[str, str]) -> None:
    who, does = what
    world.account.passes(world.random.choice((1, 40, 300, 700, 2500)))
    if who == "person":
        world.person(does)
    elif who == "case":
        world.case_does(does)
    elif does.startswith("crash"):
        world.crash(told=does == "crash")
    else:
        getattr(world, does)()


def steps(
    people: tuple[str, ...], case: tuple[str, ...], breaks: tuple[str, ...]
) -> st.SearchStrategy[tuple[str, str]]:
    kinds = [
        st.tuples(st.just("worker"), st.sampled_from(WORKER)),
        st.tuples(st.just("worker"), st.sampled_from(WORKER)),
        st.tuples(st.just("person"), st.sampled_from(people)),
        st.tuples(st.just("case"), st.sampled_from(case)),
    ]
    if breaks:
        kinds.append(st.tuples(st.just("worker"), st.sampled_from(breaks)))
    return st.one_of(kinds)


def play(world: World, history: list[tuple[str, str]]) -> list[str]:
    for what in history:
        happen(world, what)
    world.settle()
    return wrong(world)


SEEDS = st.integers(0, 2**32)


def histories(
    people: tuple[str, ...], case: tuple[str, ...], breaks: tuple[str, ...] = ()
) -> st.SearchStrategy[list[tuple[str, str]]]:
    one = steps(people, case, breaks)
    return st.sampled_from((0, 15, 40)).flatmap(lambda least: st.lists(one, min_size=least, max_size=70))


QUIETLY = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=HISTORIES)


@QUIETLY
@given(SEEDS, histories(PEOPLE, CASE))
def test_both_sides_agree_over_a_sound_channel(seed: int, history: list[tuple[str, str]]) -> None:
    assert play(World(seed), history) == []


@QUIETLY
@given(SEEDS, histories(PEOPLE, CASE, BREAKS), st.sampled_from((0.0, 0.2)), st.sampled_from((0.0, 0.3, 1.0)))
def test_both_sides_agree_whatever_is_lost_doubled_and_killed(
    seed: int, history: list[tuple[str, str]], faults: float, loss: float
) -> None:
    assert play(World(seed, faults=faults, loss=loss, doubling=0.3), history) == []


@QUIETLY
@given(SEEDS, histories(PEOPLE + ENDS, CASE + AGAIN, BREAKS), st.sampled_from((0.0, 0.3)))
def test_merges_deletions_and_cases_that_open_again_come_to_rest(
    seed: int, history: list[tuple[str, str]], loss: float
) -> None:
    assert play(World(seed, loss=loss, doubling=0.3), history) == []
