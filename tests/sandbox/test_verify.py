"""The verifier passes what is right and names what is wrong: each fault below makes it say no, and why."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from verify_story import START, Story, at

from streams.sandbox.verify import Kind, Record, verify
from streams.sandbox.verify.model import SHOWN


def sound(*, sources: bool = True) -> Story:
    """A run with everything in it that may happen, and nothing that may not."""
    run = Story(sources=sources)
    first, second = run.alert("a", "Triggered"), run.alert("a", "Triggered")
    run.done(first)
    run.send(second)  # the answer was lost on the way, so it was sent again
    run.done(second)
    run.done(run.alert("a", "Resolved"))
    run.done(run.alert("a", "Triggered"))  # a new incident

    opened, acknowledged = run.case("c", "OPEN"), run.case("c", "ACKNOWLEDGED")
    for to in ("payments", "search"):
        run.done(opened, to)
        run.done(acknowledged, to)
    run.tell(opened, "delivered")  # told again after a crash
    closed = run.case("c", "CLOSED")
    run.done(closed, "payments")
    run.done(closed, "search")

    waiting = run.alert("storm", "Triggered")
    overtaken = run.alert("storm", "Resolved")
    run.superseded(waiting, by=overtaken)
    run.done(overtaken)  # dropped by PagerDuty: nothing is open

    run.tell(run.case("later", "PENDING_ACTIVATION"), "skipped", None, reason="not_yet_active")
    run.done(run.case("later", "OPEN"))
    run.dead(run.put("alerts", b"not JSON"), "not_json")
    run.dead(run.put("alerts", {"alert": {}}), "wrong_shape")
    run.dead(run.put("alerts", None), "tombstone")
    run.dead(run.alert("nowhere", "Triggered"), "no_destination")
    run.dead(run.alert("unknown", "Triggered"), "unknown_routing_key", "search")

    run.done(run.alert("moved", "Triggered", partition=0, ms=500))
    run.done(run.alert("moved", "Resolved", partition=1, ms=600))  # under a wrong key
    return run


@pytest.mark.parametrize("sources", [True, False], ids=["triggers name their input", "triggers do not"])
def test_a_sound_run_passes(sources: bool) -> None:
    verdict = sound(sources=sources).verdict()
    assert verdict.violations == []
    assert verdict.ok
    assert verdict.text().splitlines()[-1].startswith("OK: every input has its outcome")


def test_what_was_there_is_counted() -> None:
    verdict = sound().verdict()
    counts = verdict.counts
    assert (counts.inputs, counts.malformed, counts.incidents) == (18, 3, 7)
    assert (counts.delivered, counts.superseded, counts.skipped, counts.dead_lettered) == (14, 1, 1, 5)
    assert (counts.repeated_records, counts.repeated_requests, counts.lost_by_pagerduty) == (1, 1, 0)
    assert verdict.dead_letter_reasons["not_json"] == 1
    # 18 inputs and 21 outcomes are told to be no contradiction.
    assert "5 dead-lettered (one for each service that an input goes to)" in verdict.text()


# -- one fault at a time --------------------------------------------------------------------------------------------


def drop_an_outcome(run: Story) -> None:
    run.deliveries = [record for record in run.deliveries if not record["id"].startswith("alerts/0/2@")]


def drop_the_outcome_at_one_destination(run: Story) -> None:
    run.deliveries = [record for record in run.deliveries if record["id"] != f"cases/0/2@{at('search')}"]


def drop_a_superseded_outcome(run: Story) -> None:
    run.deliveries = [record for record in run.deliveries if record["outcome"]["status"] != "superseded"]


def drop_a_skipped_outcome(run: Story) -> None:
    run.deliveries = [record for record in run.deliveries if record["outcome"]["status"] != "skipped"]


def drop_a_dead_letter(run: Story) -> None:
    del run.dead_letters[0]


def tell_another_end(run: Story) -> None:
    run.deliveries.append({**run.deliveries[0], "outcome": {**run.deliveries[0]["outcome"], "status": "skipped"}})


def tell_a_delivery_as_dead(run: Story) -> None:
    run.dead(run.inputs[0], "rejected", "payments")


def tell_a_skip_without_destination_as_well(run: Story) -> None:
    run.tell(run.inputs[0], "skipped", None)


def tell_of_an_input_that_is_not(run: Story) -> None:
    run.tell(run.inputs[0]._replace(topic="rekeyed"), "delivered")


def tell_the_wrong_action(run: Story) -> None:
    run.deliveries[0]["action"] = "resolve"


def tell_the_wrong_incident(run: Story) -> None:
    run.deliveries[0]["incident"] = "alert:b"


def tell_the_wrong_dedup_key(run: Story) -> None:
    run.deliveries[0]["dedup_key"] = "b"


def tell_it_in_another_shape(run: Story) -> None:
    del run.deliveries[0]["outcome"]["at"]


def tell_an_id_that_is_not_its_source(run: Story) -> None:
    run.deliveries[0]["id"] = f"alerts/0/99@{at('payments')}"


def deliver_the_malformed(run: Story) -> None:
    bad = next(one for one in run.inputs if one.value == b"not JSON")
    run.dead_letters = [record for record in run.dead_letters if not record["id"].startswith(bad.id + "@")]
    run.tell(run.inputs[0]._replace(offset=bad.offset), "delivered")


def refuse_the_sound(run: Story) -> None:
    run.dead(run.alert("fine", "Triggered"), "wrong_shape")


def lose_the_input_of_a_dead_letter(run: Story) -> None:
    run.dead_letters[0]["raw"] = base64.b64encode(b"not JSOM").decode()


def lose_the_event_of_a_dead_letter(run: Story) -> None:
    run.dead_letters[1]["event"] = {"alert": {"status": "Triggered"}}


def lose_the_event_of_a_sound_dead_letter(run: Story) -> None:
    run.dead_letters[3]["event"] = None


def supersede_by_the_older(run: Story) -> None:
    superseded = next(record for record in run.deliveries if record["outcome"]["status"] == "superseded")
    superseded["outcome"]["by"] = run.inputs[0].id


def supersede_by_nobody(run: Story) -> None:
    superseded = next(record for record in run.deliveries if record["outcome"]["status"] == "superseded")
    superseded["outcome"]["by"] = None


def skip_a_trigger(run: Story) -> None:
    run.tell(run.alert("quiet", "Triggered"), "skipped")


def skip_a_trigger_before_it_has_a_destination(run: Story) -> None:
    run.tell(run.alert("quiet", "Triggered"), "skipped", None, reason="no_router_matched")


def skip_a_resolve(run: Story) -> None:
    run.done(run.alert("loud", "Triggered"))
    run.tell(run.alert("loud", "Resolved"), "skipped")
    run.done(run.alert("loud", "Triggered"))


def skip_an_acknowledge(run: Story) -> None:
    run.done(run.case("loud", "OPEN"))
    run.tell(run.case("loud", "ACKNOWLEDGED"), "skipped")
    run.done(run.case("loud", "CLOSED"))


def send_what_is_not_active_yet(run: Story) -> None:
    waiting = run.case("soon", "PENDING_ACTIVATION")
    run.send(waiting, action="trigger")
    run.tell(waiting, "delivered")


def tell_a_trigger_that_was_not_sent(run: Story) -> None:
    run.tell(run.alert("never", "Triggered"), "delivered")
    run.done(run.alert("never", "Resolved"))


def tell_a_resolve_that_was_not_sent(run: Story) -> None:
    run.done(run.alert("never", "Triggered"))
    run.tell(run.alert("never", "Resolved"), "delivered")


def send_and_tell_nobody(run: Story) -> None:
    opened = run.alert("silent", "Triggered")
    run.dead(opened, "no_destination")
    run.send(opened)


def send_what_nobody_put_in(run: Story) -> None:
    run.send(run.inputs[0]._replace(value=b'{"alert":{"groupingKey":"invented","status":"Triggered"}}'))


def send_a_resolve_that_nobody_put_in(run: Story) -> None:
    opened = run.alert("early", "Triggered")
    run.done(opened)
    run.send(opened, action="resolve")
    run.send(opened)


def send_the_resolve_before_its_trigger(run: Story) -> None:
    opened, closed = run.alert("swap", "Triggered"), run.alert("swap", "Resolved")
    run.done(closed)
    run.done(opened)


def repeat_a_trigger_after_its_resolve(run: Story) -> None:
    opened, closed = run.alert("late", "Triggered"), run.alert("late", "Resolved")
    run.done(opened)
    run.done(closed)
    run.send(opened)
    run.send(closed)  # the end is right again; the page in between was not


def repeat_a_resolve_after_a_newer_trigger(run: Story) -> None:
    opened, closed, again = (run.alert("late", status) for status in ("Triggered", "Resolved", "Triggered"))
    run.done(opened)
    run.done(closed)
    run.done(again)
    run.send(closed)
    run.send(again)


def repeat_an_acknowledge_in_the_next_life(run: Story) -> None:
    opened, acknowledged = run.case("again", "OPEN"), run.case("again", "ACKNOWLEDGED")
    closed, reopened = run.case("again", "CLOSED"), run.case("again", "OPEN")
    for one in (opened, acknowledged, closed, reopened):
        run.done(one)
    run.send(acknowledged)


def resolve_under_another_key(run: Story) -> None:
    run.done(run.alert("rotated", "Triggered"), "payments")
    run.done(run.alert("rotated", "Resolved"), "search")


def acknowledge_under_another_key(run: Story) -> None:
    run.done(run.case("rotated", "OPEN"), "payments")
    run.done(run.case("rotated", "ACKNOWLEDGED"), "search")
    run.done(run.case("rotated", "CLOSED"), "payments")


def page_again_without_a_page(run: Story) -> None:
    """The resolve is left out, so that the new trigger only adds to an acknowledged incident."""
    opened, acknowledged = run.case("reopen", "OPEN"), run.case("reopen", "ACKNOWLEDGED")
    closed, again = run.case("reopen", "CLOSED"), run.case("reopen", "OPEN")
    run.done(opened)
    run.done(acknowledged)
    run.superseded(closed, by=again)
    run.done(again)


def name_another_incident_as_source(run: Story) -> None:
    opened = run.alert("mine", "Triggered")
    run.send(opened._replace(offset=0))
    run.tell(opened, "delivered")


FAULTS: list[tuple[Callable[[Story], None], set[str]]] = [
    (drop_an_outcome, {"missing_outcome"}),
    (drop_the_outcome_at_one_destination, {"missing_outcome"}),
    (drop_a_superseded_outcome, {"missing_outcome"}),
    (drop_a_skipped_outcome, {"missing_outcome"}),
    (drop_a_dead_letter, {"missing_outcome"}),
    (tell_another_end, {"conflicting_outcomes"}),
    (tell_a_delivery_as_dead, {"conflicting_outcomes"}),
    (tell_a_skip_without_destination_as_well, {"conflicting_outcomes"}),
    (tell_of_an_input_that_is_not, {"stray_outcome"}),
    (tell_the_wrong_action, {"misread"}),
    (tell_the_wrong_incident, {"misread"}),
    (tell_the_wrong_dedup_key, {"misread"}),
    (tell_it_in_another_shape, {"broken_record"}),
    (tell_an_id_that_is_not_its_source, {"broken_record"}),
    (deliver_the_malformed, {"malformed_passed"}),
    (refuse_the_sound, {"sound_refused"}),
    (lose_the_input_of_a_dead_letter, {"input_not_kept"}),
    (lose_the_event_of_a_dead_letter, {"input_not_kept"}),
    (lose_the_event_of_a_sound_dead_letter, {"input_not_kept"}),
    (supersede_by_the_older, {"wrongly_superseded"}),
    (supersede_by_nobody, {"wrongly_superseded"}),
    (skip_a_trigger, {"wrongly_skipped"}),
    (skip_a_trigger_before_it_has_a_destination, {"wrongly_skipped"}),
    (skip_a_resolve, {"wrongly_skipped"}),
    (skip_an_acknowledge, {"wrongly_skipped"}),
    (send_what_is_not_active_yet, {"wrongly_skipped"}),
    (tell_a_trigger_that_was_not_sent, {"unbacked_delivery"}),
    (tell_a_resolve_that_was_not_sent, {"unbacked_delivery", "wrong_final_state"}),
    (send_and_tell_nobody, {"unreported_request"}),
    (send_what_nobody_put_in, {"unreported_request"}),
    (send_a_resolve_that_nobody_put_in, {"unexplained_request"}),
    (send_the_resolve_before_its_trigger, {"trigger_after_resolve", "wrong_final_state"}),
    (repeat_a_trigger_after_its_resolve, {"trigger_after_resolve"}),
    (repeat_a_resolve_after_a_newer_trigger, {"out_of_order"}),
    (repeat_an_acknowledge_in_the_next_life, {"out_of_order"}),
    (resolve_under_another_key, {"wrong_destination", "missing_outcome", "wrong_final_state"}),
    (acknowledge_under_another_key, {"wrong_destination", "missing_outcome"}),
    (page_again_without_a_page, {"wrong_final_state"}),
    (name_another_incident_as_source, {"unexplained_request"}),
]


@pytest.mark.parametrize(("fault", "kinds"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_named(fault: Callable[[Story], None], kinds: set[str]) -> None:
    run = sound()
    fault(run)
    verdict = run.verdict()
    assert not verdict.ok
    assert kinds <= {str(kind) for kind in verdict.by_kind}
    assert verdict.text().splitlines()[-1].startswith("- ")


ORDER_FAULTS = [fault for fault, kinds in FAULTS if kinds & {"trigger_after_resolve", "out_of_order"}]


@pytest.mark.parametrize("fault", ORDER_FAULTS, ids=[fault.__name__ for fault in ORDER_FAULTS])
def test_order_is_judged_without_sources_too(fault: Callable[[Story], None]) -> None:
    run = sound(sources=False)
    fault(run)
    assert not run.verdict().ok


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_a_request_missing_from_the_journal_is_noticed(action: str) -> None:
    run = sound().rest()
    entry = next(entry for entry in run.journal if entry["action"] == action)
    run.journal.remove(entry)
    assert "unbacked_delivery" in run.kinds()


def test_a_request_that_was_never_answered_is_no_delivery() -> None:
    run = Story()
    run.account.fail("drop_after_accept", count=1)
    run.done(run.alert("a", "Triggered"))
    assert run.kinds() == {"unbacked_delivery"}


@pytest.mark.parametrize(("last", "said"), [("Triggered", "resolved"), ("Resolved", "triggered")])
def test_a_final_state_that_is_not_the_newest_inputs_is_noticed(last: str, said: str) -> None:
    run = Story()
    run.done(run.alert("a", "Triggered"))
    if last == "Resolved":
        run.done(run.alert("a", "Resolved"))
    run.rest().incidents[-1]["status"] = said
    assert run.kinds() == {"wrong_final_state"}


def test_nothing_at_all_is_no_success() -> None:
    verdict = verify([], [], [], [], [])
    assert list(verdict.by_kind) == [Kind.NOTHING_TO_VERIFY]


def test_a_record_of_another_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="deliveries is not a topic of inputs"):
        verify([Record("deliveries", 0, 0, START, None, b"{}")], [], [], [], [])


# -- what is allowed -----------------------------------------------------------------------------------------------


def test_a_reason_to_skip_can_be_allowed() -> None:
    run = sound()
    skip_a_trigger_before_it_has_a_destination(run)
    assert run.verdict(allow_skips={"no_router_matched"}).ok


def test_what_pagerduty_loses_is_counted_and_not_held_against_the_product() -> None:
    run = sound()
    run.account.fail("lose", count=1)
    run.done(run.alert("lost", "Triggered"))
    verdict = run.verdict()
    assert verdict.ok
    assert verdict.counts.lost_by_pagerduty == 1
    assert "dropped by PagerDuty" in verdict.text()


def test_a_refused_trigger_may_have_been_sent_once_more_in_its_plainest_form() -> None:
    for plainly in (False, True):
        run = sound()
        refused = run.alert("odd", "Triggered")
        run.dead(refused, "rejected", "payments")
        if plainly:
            run.send(refused)
        run.done(run.alert("odd", "Resolved"))
        assert run.verdict().violations == []


def test_a_skipped_resolve_is_right_when_nothing_was_opened() -> None:
    run = sound()
    opened, closed = run.alert("odd", "Triggered"), run.alert("odd", "Resolved")
    run.superseded(opened, by=closed)
    run.tell(closed, "skipped", reason="nothing_open")
    assert run.verdict().violations == []


def test_a_trigger_after_an_acknowledge_leaves_it_acknowledged() -> None:
    run = sound()
    for status in ("OPEN", "ACKNOWLEDGED", "ACTIVE"):
        run.done(run.case("back", status))
    assert run.verdict().violations == []


def test_connectors_that_are_named_are_served_and_no_others() -> None:
    run = sound()
    run.done(run.alert("named", "Triggered", to=("payments",)), "payments")
    run.done(run.alert("named", "Triggered", to=("search",)), "search")
    run.done(run.alert("named", "Resolved", to=("search",)), "search")
    assert run.verdict().violations == []


def test_a_resolve_that_names_nobody_is_for_every_destination() -> None:
    run = sound()
    run.done(run.alert("named", "Triggered", to=("payments",)), "payments")
    run.done(run.alert("named", "Triggered", to=("search",)), "search")
    run.done(run.alert("named", "Resolved"), "search")
    assert run.kinds() == {"missing_outcome", "wrong_final_state"}


def test_a_partition_is_in_the_order_of_its_offsets_whatever_the_clock_says() -> None:
    run = Story()
    run.done(run.alert("a", "Triggered", ms=900))
    run.done(run.alert("a", "Resolved", ms=100))
    assert run.verdict().violations == []


@pytest.mark.parametrize(("resolved_at", "right"), [(499, "triggered"), (501, "resolved")])
def test_inputs_of_several_partitions_are_in_the_order_of_their_times(resolved_at: int, right: str) -> None:
    for last in ("triggered", "resolved"):
        run = Story()
        opened = run.alert("a", "Triggered", partition=0, ms=500)
        closed = run.alert("a", "Resolved", partition=1, ms=resolved_at)
        for one in (closed, opened) if last == "triggered" else (opened, closed):
            run.done(one)
        assert run.verdict().ok == (last == right)


@pytest.mark.parametrize("last", ["triggered", "resolved"])
def test_inputs_of_the_same_time_may_have_been_meant_either_way(last: str) -> None:
    run = Story()
    opened = run.alert("a", "Triggered", partition=0, ms=500)
    closed = run.alert("a", "Resolved", partition=1, ms=500)
    for one in (closed, opened) if last == "triggered" else (opened, closed):
        run.done(one)
    assert run.verdict().violations == []


def test_an_input_too_long_to_keep_may_be_kept_in_part() -> None:
    long = b"x" * 300_000
    for kept, ok in ((196_608, True), (1000, False)):
        run = sound()
        run.dead(run.put("alerts", long), "not_json")
        run.dead_letters[-1].update(raw=base64.b64encode(long[:kept]).decode(), truncated=True)
        assert run.verdict().ok == ok


def test_the_bound_on_inputs_is_the_workers() -> None:
    run = sound()
    large = run.alert("x" * 2000, "Triggered")
    run.dead(large, "too_large")
    assert run.kinds() == {"sound_refused"}
    assert run.verdict(max_bytes=1500).ok


# -- how it is told -------------------------------------------------------------------------------------------------


def test_many_violations_are_counted_and_some_shown_each_kind_among_them() -> None:
    run = Story()
    for number in range(100):
        run.alert(f"k{number}", "Triggered")
    run.tell(run.inputs[0]._replace(topic="rekeyed"), "delivered")
    run.tell(run.alert("quiet", "Triggered"), "skipped", None)
    verdict = run.verdict()
    assert verdict.by_kind[Kind.MISSING_OUTCOME] == 100
    assert verdict.violations_total == sum(verdict.by_kind.values())
    assert len(verdict.violations) == SHOWN
    assert {violation.kind for violation in verdict.violations} == set(verdict.by_kind)
    assert f"{verdict.violations_total} violations, {SHOWN} shown" in verdict.text()


def test_a_violation_says_whose_it_is_and_where_to_look() -> None:
    run = Story()
    run.done(run.alert("gk", "Triggered"))
    run.done(run.alert("gk", "Resolved"))
    run.send(run.inputs[0])
    run.send(run.inputs[1])
    [violation] = run.verdict().violations
    assert violation.kind == Kind.TRIGGER_AFTER_RESOLVE
    assert violation.incident == "alert:gk"
    assert "journal 3: trigger of alerts/0/0 (opened)" in violation.message
    assert "(alerts/0/1)" in violation.message
    assert at("payments") in violation.message
