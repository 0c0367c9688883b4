"""Replays from the dead letters: which are done, and how often."""

from __future__ import annotations

from typing import Any

from outbox_records import outbox

from streams.dispatch.incident import Incident
from streams.dispatch.outcome import Outcome, source_of


def replay(offset: int, action: str = "trigger", *, force: bool = False) -> dict[str, Any]:
    return outbox(action, offset, timestamp=offset, replay={"id": f"alerts/0/{offset}@x", "force": force})


def told(incident: Incident, record: dict[str, Any], status: Any) -> Incident:
    """The incident once a record has been asked for and ended so."""
    outcome = Outcome(source=source_of(record), status=status, reason="r", message="m", at=1)
    return incident.ask(record, 0).settle(record, outcome).reported(outcome.source)


def first(status: str, offset: int = 1, action: str = "trigger") -> Incident:
    return told(Incident(), outbox(action, offset, timestamp=offset), status)


def test_what_died_is_done_again_and_once() -> None:
    incident = first("dead")
    assert incident.stale(replay(1)) is None
    assert told(incident, replay(1), "delivered").stale(replay(1)) == "already_replayed"
    assert told(incident, replay(1), "delivered").stale(replay(1, force=True)) is None


def test_what_died_again_may_be_tried_again() -> None:
    assert told(first("dead"), replay(1), "dead").stale(replay(1)) is None


def test_a_newer_input_that_pagerduty_took_has_moved_the_incident_on() -> None:
    incident = told(first("dead"), outbox("resolve", 2, timestamp=2), "delivered")
    assert incident.stale(replay(1)) == "moved_on"
    assert incident.stale(replay(1, force=True)) is None


def test_a_newer_input_that_died_as_well_has_not() -> None:
    incident = told(first("dead"), outbox("acknowledge", 2, timestamp=2), "dead")
    assert incident.stale(replay(1)) is None


def test_a_newer_input_that_waits_has_and_an_older_one_has_not() -> None:
    waiting = Incident().ask(outbox("trigger", 5, timestamp=5), 0)
    assert waiting.stale(replay(4)) == "moved_on"
    assert waiting.stale(replay(6, "resolve")) is None


def test_an_incident_that_was_over_before_anybody_was_paged_is_over() -> None:
    incident = first("dead").ask(outbox("trigger", 2, timestamp=2), 0).ask(outbox("resolve", 3, timestamp=3), 0)
    assert incident.pending == ()
    assert incident.stale(replay(1)) == "moved_on"


def test_the_row_keeps_it_all() -> None:
    incident = told(first("dead"), replay(1), "delivered")
    assert Incident.from_row(incident.to_row("e"), "e") == incident
