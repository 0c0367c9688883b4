"""Services of one account take turns, however many Cases one of them has waiting."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streams.dispatch.line import Line
from streams.dispatch.plan import Rank
from streams.dispatch.rounds import Rounds


def served(services: list[str]) -> list[str]:
    """The services in the order of their turns, all of one rank, all in line before the first turn."""
    rounds: Rounds[int] = Rounds()
    line: Line[int] = Line()
    for place, service in enumerate(services):
        line.put(place, Rank.WARNING, rounds.join(place, service))
    order = []
    while (place := line.next()) is not None:
        rounds.served(place)
        order.append(services[place])
    return order


@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_nobody_is_a_turn_ahead_of_somebody_who_waits(services: list[str]) -> None:
    left, had = Counter(services), Counter[str]()
    for service in served(services):
        had[service] += 1
        left[service] -= 1
        waiting = [one for one in left if left[one]]
        assert all(had[service] - had[one] <= 1 for one in waiting)
    assert not +left


def test_a_late_service_does_not_wait_behind_the_flood() -> None:
    rounds: Rounds[str] = Rounds()
    flood = [rounds.join(f"flood-{number}", "flood") for number in range(100)]
    for number in range(50):
        rounds.served(f"flood-{number}")
    assert rounds.join("late", "late") <= flood[50]


def test_a_place_keeps_its_round() -> None:
    rounds: Rounds[str] = Rounds()
    first = rounds.join("a", "s")
    rounds.join("b", "s")
    assert rounds.join("a", "s") == first
    rounds.left("a")
    assert rounds.join("a", "s") > first


def test_an_empty_line_forgets_everybody() -> None:
    rounds: Rounds[str] = Rounds()
    for number in range(10):
        rounds.join(str(number), "s")
    rounds.clear()
    assert rounds.join("a", "s") == rounds.join("b", "t") == 1
