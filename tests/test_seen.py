"""What has been seen: re-deliveries are known, whatever happens to the log, and a new log's inputs are not."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.seen import Mark, Position, Seen

P = "alerts/0"


def at(offset: int, timestamp: int) -> Position:
    return Position(P, offset, timestamp)


def seen(*positions: Position) -> Seen:
    found = Seen()
    for position in positions:
        found = found.and_also(position)
    return found


def test_what_was_never_seen_is_new() -> None:
    assert not Seen().has(at(0, 0))
    assert not Seen().goes_beyond(at(0, 0))
    assert not seen(at(5, 100)).has(at(6, 100))
    assert not seen(at(5, 100)).has(Position("alerts/1", 5, 100))


def test_a_redelivery_is_known_though_the_producers_clocks_differ() -> None:
    both = seen(at(5, 100), at(6, 90))
    assert both.marks[P] == (Mark(6, 100),), "one mark a log, however the clocks differ"
    assert both.has(at(5, 100))
    assert both.has(at(6, 90))
    assert both.ends_with(at(6, 90))
    assert both.goes_beyond(at(5, 100))
    assert not both.goes_beyond(at(6, 90))


def test_a_seen_offset_with_a_newer_timestamp_is_of_a_new_log() -> None:
    old = seen(at(100, 1_000))
    assert not old.has(at(100, 1_001))
    assert not old.goes_beyond(at(3, 1_001))
    anew = old.and_also(at(3, 1_001))
    assert anew.ends_with(at(3, 1_001))
    assert not anew.ends_with(at(100, 1_000))
    assert anew.goes_beyond(at(100, 1_000)), "what the old log had is over"
    assert anew.has(at(100, 1_000))
    assert not anew.has(at(4, 1_002))


def test_the_mark_of_an_old_log_goes_when_the_new_one_has_passed_it() -> None:
    anew = seen(at(100, 1_000), at(3, 1_001), at(99, 1_002))
    assert len(anew.marks[P]) == 2
    assert anew.and_also(at(100, 1_003)).marks[P] == (Mark(100, 1_003),)


def test_it_survives_its_row() -> None:
    anew = seen(at(100, 1_000), at(3, 1_001), Position("cases/1", 7, 7))
    assert Seen.from_json(orjson.loads(orjson.dumps(anew.to_json()))) == anew


LOGS = st.lists(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=6), min_size=1, max_size=4
)


@given(logs=LOGS)
def test_over_any_number_of_logs_only_what_was_taken_in_is_known(logs: list[list[tuple[int, int]]]) -> None:
    """Each log begins anew; within one, timestamps are in any order, but all above those of the log before."""
    found, taken = Seen(), list[Position]()
    for number, log in enumerate(logs):
        offset = -1
        for step, timestamp in log:
            offset += step
            position = at(offset, 10 * number + timestamp)
            assert not found.has(position)
            assert not found.goes_beyond(position)
            assert found.and_also(position).ends_with(position)
            found = found.and_also(position)
            taken.append(position)
            assert all(found.has(earlier) for earlier in taken)
            assert found == found.and_also(taken[0])
    assert Seen.from_json(orjson.loads(orjson.dumps(found.to_json()))) == found
