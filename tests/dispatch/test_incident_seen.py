"""Re-deliveries and topics that begin anew, as an incident's row knows them."""

from __future__ import annotations

import pytest
from outbox_records import outbox

from streams.dispatch.incident import Incident

ID = "alerts/0/5@key:0123456789abcdef"


def replayed(offset: int, timestamp: int) -> dict[str, object]:
    return outbox(offset=offset, timestamp=timestamp, replay={"id": ID, "force": False})


@pytest.fixture
def anew() -> Incident:
    """Resolved at offset 100 of a topic that was made anew since, and triggered at offset 3 of the new one."""
    old = Incident().ask(outbox(offset=99, timestamp=1_000), 0).ask(outbox("resolve", 100, timestamp=1_001), 0)
    trigger = outbox(offset=3, timestamp=2_000)
    assert not old.knows(trigger), "it would be swallowed, and nobody paged"
    return Incident.from_row(old.ask(trigger, 0).to_row())


def test_inputs_of_a_topic_that_was_made_anew_are_taken_in(anew: Incident) -> None:
    assert anew.knows(outbox(offset=3, timestamp=2_000))
    assert not anew.knows(outbox("resolve", 4, timestamp=2_001))
    assert not anew.knows(outbox("resolve", 100, timestamp=2_001))


def test_what_the_old_topic_had_stays_known(anew: Incident) -> None:
    assert anew.knows(outbox(offset=99, timestamp=1_000))
    assert anew.knows(outbox("resolve", 100, timestamp=1_001))


def test_only_the_newest_input_is_worth_a_replay_across_topics(anew: Incident) -> None:
    delivered = Incident(seen=anew.seen, taken=anew.seen)
    assert delivered.stale(replayed(99, 1_000)) == "moved_on"
    assert delivered.stale(replayed(100, 1_001)) == "moved_on"
    assert delivered.stale(replayed(3, 2_000)) is None
    assert delivered.stale(replayed(4, 2_001)) is None, "it never came here"
    assert Incident().stale(replayed(5, 1)) is None


def test_a_replay_is_done_once_and_not_mistaken_for_one_of_the_old_topic() -> None:
    once = Incident.from_row(Incident().ask(replayed(5, 1_000), 0).to_row())
    assert once.stale(replayed(5, 1_000)) == "already_replayed"
    assert Incident(seen=once.seen, replayed=once.replayed).stale(replayed(5, 2_000)) is None
