"""The verifier and replays: what it takes for right, and what it finds."""

from __future__ import annotations

from verify_story import START, Story, at

from streams.sandbox.verify import Kind, Record


def replayed(run: Story, one: Record, to: str, letter: str, *, ms: int, status: str = "delivered") -> None:
    """An input's dead letter `letter`, replayed with success."""
    if status == "delivered":
        run.send(one, to)
    run.tell(one, status, to)
    run.deliveries[-1]["replay"] = letter
    run.deliveries[-1]["outcome"]["at"] = START + ms


def unknown_key() -> tuple[Story, Record, str]:
    """A trigger that is dead at `payments`, and the id of its dead letter."""
    run = Story()
    one = run.alert("gk", "Triggered")
    run.dead(one, "unknown_routing_key", "payments")
    return run, one, run.dead_letters[-1]["id"]


def test_a_replay_is_no_second_outcome_and_moves_the_final_state() -> None:
    run, one, letter = unknown_key()
    replayed(run, one, "search", letter, ms=10)
    verdict = run.verdict()
    assert verdict.ok, verdict.text()
    assert (verdict.counts.dead_lettered, verdict.counts.delivered, verdict.counts.replayed) == (1, 0, 1)
    assert verdict.counts.repeated_requests == 0
    assert "replayed   1 deliveries" in verdict.text()


def test_a_replay_at_the_same_destination() -> None:
    run, one, letter = unknown_key()
    replayed(run, one, "payments", letter, ms=10)
    assert run.kinds() == set()


def test_of_an_input_that_had_no_destination() -> None:
    run = Story()
    one = run.alert("gk", "Triggered")
    run.dead(one, "no_connector")
    replayed(run, one, "payments", f"{one.id}@-", ms=10)
    assert run.kinds() == set()


def test_what_comes_after_the_move_belongs_to_the_new_place_only() -> None:
    run, one, letter = unknown_key()
    repeat = run.alert("gk", "Triggered")  # it that went where the first had gone
    run.dead(repeat, "unknown_routing_key", "payments")
    replayed(run, one, "search", letter, ms=10)
    resolved = run.alert("gk", "Resolved")
    run.done(resolved, "search")
    run.deliveries[-1]["outcome"]["at"] = START + 20
    verdict = run.verdict()
    assert verdict.ok, verdict.text()


def test_a_resolve_that_did_not_follow_is_found() -> None:
    run, one, letter = unknown_key()
    replayed(run, one, "search", letter, ms=10)
    resolved = run.alert("gk", "Resolved")
    run.done(resolved, "payments")
    run.deliveries[-1]["outcome"]["at"] = START + 20
    assert str(Kind.MISSING_OUTCOME) in run.kinds()


def test_told_twice_is_fine_and_delivered_twice_is_not_unless_forced() -> None:
    run, one, letter = unknown_key()
    replayed(run, one, "payments", letter, ms=10)
    run.deliveries.append(run.deliveries[-1])
    assert run.kinds() == set()
    replayed(run, one, "payments", letter, ms=30)
    assert Story.kinds(run.rest()) == {Kind.REPLAYED_TWICE}
    assert run.kinds(forced={letter}) == set()


def test_a_forced_replay_goes_against_newer_inputs() -> None:
    run = Story()
    one, resolved = run.alert("gk", "Triggered"), run.alert("gk", "Resolved")
    run.dead(one, "unknown_routing_key", "payments")
    run.done(resolved)
    letter = run.dead_letters[-1]["id"]
    replayed(run, one, "payments", letter, ms=1_000)
    assert Kind.TRIGGER_AFTER_RESOLVE in run.kinds()
    assert run.kinds(forced={letter}) == set()


def test_a_skipped_replay_changes_nothing() -> None:
    run, one, letter = unknown_key()
    replayed(run, one, "payments", letter, ms=10, status="skipped")
    assert run.kinds() == set()


def test_a_replay_of_nothing_is_a_stray() -> None:
    run = Story()
    one = run.alert("gk", "Triggered")
    run.done(one)
    replayed(run, one, "payments", f"{one.id}@{at('search')}", ms=10)
    assert run.kinds() == {Kind.STRAY_OUTCOME}


def test_a_delivery_that_no_request_stands_behind_is_found() -> None:
    run, one, letter = unknown_key()
    replayed(run, one, "search", letter, ms=10)
    run.rest()
    run.journal = [entry for entry in run.journal if entry["action"] != "trigger"] or [
        {**run.journal[0], "effect": "refused"}
    ]
    run.incidents = []
    assert Kind.UNBACKED_DELIVERY in run.kinds()
