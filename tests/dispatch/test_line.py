"""The order in which a destination's turns are given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.dispatch.line import OLDEST_EVERY, Line
from streams.dispatch.plan import Rank


def test_rank_comes_before_age() -> None:
    line: Line[str] = Line()
    for place, rank, since in (
        ("r", Rank.REPEAT, 0),
        ("s", Rank.STATE, 1),
        ("i", Rank.INFO, 2),
        ("c", Rank.CRITICAL, 9),
    ):
        line.put(place, rank, since)
    assert [line.next() for _ in range(4)] == ["c", "i", "s", "r"]


def test_age_breaks_ties_and_a_new_rank_keeps_the_age() -> None:
    line: Line[str] = Line()
    line.put("young", Rank.ERROR, 5)
    line.put("old", Rank.REPEAT, 1)
    line.put("old", Rank.ERROR, 7)
    assert [line.next(), line.next(), line.next()] == ["old", "young", None]


def test_only_a_critical_page_is_urgent() -> None:
    line: Line[str] = Line()
    line.put("error", Rank.ERROR, 0)
    assert not line.has_urgent()
    assert line.next(urgent_only=True) is None
    line.put("critical", Rank.CRITICAL, 1)
    assert line.has_urgent()
    assert line.next(urgent_only=True) == "critical"


def test_who_left_gets_no_turn() -> None:
    line: Line[str] = Line()
    for number in range(500):
        line.put(f"p{number}", Rank.INFO, number)
        line.put(f"p{number}", Rank.ERROR, number)
        if number:
            line.leave(f"p{number}")
    assert list(line) == ["p0"]
    assert line.next() == "p0"
    assert line.next() is None


@given(st.data())
def test_nobody_starves(data: st.DataObject) -> None:
    """Whatever pushes in, the one with N older ones has its turn after OLDEST_EVERY x (N + 1) at most."""
    line: Line[int] = Line()
    ranks = st.sampled_from(list(Rank))
    older = data.draw(st.integers(0, 5))
    for number in range(older):
        line.put(number, data.draw(ranks), number)
    line.put(-1, Rank.REPEAT, older)
    for turn in range(OLDEST_EVERY * (older + 1)):
        for _ in range(data.draw(st.integers(1, 3))):
            line.put(1_000 + turn * 10 + _, data.draw(ranks), older + 1 + turn)
        if line.next() == -1:
            return
    raise AssertionError("it starved")
