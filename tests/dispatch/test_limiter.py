"""The sliding window: its bound, the reserve, what it learns, what it is told after a restart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.dispatch.limiter import REGAIN_SECONDS, SlidingWindow


def send(window: SlidingWindow, now: float, *, urgent: bool = False) -> bool:
    """Send at `now`, if that is allowed."""
    if window.wait(now, urgent=urgent) != 0.0:
        return False
    window.begin()
    window.end(now)
    return True


def test_the_reserve_is_for_urgent_requests() -> None:
    window = SlidingWindow(120)
    assert sum(send(window, 0.0) for _ in range(200)) == 102
    assert sum(send(window, 1.0, urgent=True) for _ in range(200)) == 18
    assert window.wait(59.0, urgent=True) == 1.0
    assert sum(send(window, 60.0) for _ in range(200)) == 84  # 18 of a second later still count, 18 are kept


def test_a_limit_of_one_has_no_reserve() -> None:
    window = SlidingWindow(1)
    assert send(window, 0.0)
    assert window.wait(0.0, urgent=True) == 60.0


@given(
    limit=st.integers(1, 30),
    steps=st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.floats(0, 10)), max_size=200),
)
def test_no_minute_holds_more_than_the_limit(limit: int, steps: list[tuple[float, bool, float]]) -> None:
    window, now = SlidingWindow(limit), 0.0
    spans: list[tuple[float, float]] = []
    for pause, urgent, takes in steps:
        now += pause
        if window.wait(now, urgent=urgent) == 0.0:
            window.begin()
            spans.append((now, now + takes))
            now += takes
            window.end(now)
    for begun, _ended in spans:
        # However late a request arrived within its span, a minute never sees more than the limit.
        assert sum(begun <= end and start < begun + 60.0 and start >= begun for start, end in spans) <= limit


def test_a_429_below_the_limit_says_that_others_use_the_key() -> None:
    window = SlidingWindow(120, reserve=0.0)
    for number in range(40):
        assert send(window, number / 10)
    window.begin()
    window.overrun(5.0)
    window.end(5.0)
    assert not send(window, 5.0)
    assert sum(send(window, 70.0) for _ in range(200)) == 40 + 120 * 65 // REGAIN_SECONDS
    assert sum(send(window, 5.0 + REGAIN_SECONDS + 60.0) for _ in range(200)) == 120


def test_requests_of_others_count_after_a_restart() -> None:
    window = SlidingWindow(3, reserve=0.0)
    window.restore(50.0)
    window.restore(40.0)
    assert send(window, 60.0)
    assert window.wait(60.0) == 40.0
