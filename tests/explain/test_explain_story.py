"""From records to a story: what ended how, what waits and why, and how it stands."""

from __future__ import annotations

import dataclasses

import orjson
import pytest

from streams.explain.assemble import assemble
from streams.explain.findings import Findings, Queued, beginning
from streams.explain.story import Story
from tests.explain.records import KEY, PINNED, T0, WHY, A, B, delivery, letter, outbox, row


def ends(story: Story) -> list[tuple[str, str, str]]:
    return [(one.source, ending.status, ending.reason) for one in story.inputs for ending in one.endings]


def test_a_life() -> None:
    records = [delivery(2, "resolve"), delivery(1)]
    pins = {"at": T0, "pins": {"payments": {"destination": A, "open": False, "routing_key": "gAAAAA-sealed"}}}
    story = assemble(Findings("alert:gk", records, pins=pins, rows={A: row("resolved", closed_at=T0 + 9)}))
    assert ends(story) == [("alerts/3/1", "delivered", "delivered"), ("alerts/3/2", "delivered", "delivered")]
    (first,) = story.inputs[0].endings
    assert first.choice is not None
    assert (first.connector, first.choice.chosen, first.choice.key) == ("payments", "fields.integrationKey", "…0d1")
    assert (first.choice.passed_over[0].template, first.latency_ms, first.rule) == ("{{ x }}", 50, None)
    assert [(one.status, one.ms) for one in first.attempts] == [(202, 31.5)]
    assert (story.now.state, story.now.message) == ("resolved", f"PagerDuty's incident is resolved at {A}")
    assert (story.dedup_key, story.pins[0].open, story.destinations[0].closed_at) == ("gk", False, T0 + 9)


def test_what_is_told_twice_after_a_crash_is_told_once() -> None:
    assert len(ends(assemble(Findings("alert:gk", [delivery(1), delivery(1)])))) == 1


def test_router_rule_preset_and_revision_are_told() -> None:
    invalid = [{"router": "r", "rule": "x", "reason": "a condition must be true or false"}]
    why = {**WHY, "router": "payments", "rule": "P1s", "preset": "p", "revision": 17, "invalid": invalid}
    ending = assemble(Findings("alert:gk", [delivery(1, why=why)])).inputs[0].endings[0]
    assert ending.rule == "P1s"
    assert ending.choice is not None
    assert (ending.choice.router, ending.choice.preset, ending.choice.revision) == ("payments", "p", 17)
    assert ending.choice.invalid == ("router r, rule x: a condition must be true or false",)


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([delivery(1)], "triggered"),
        ([delivery(1), delivery(2, "acknowledge")], "acknowledged"),
        ([delivery(1), delivery(2, "resolve")], "resolved"),
        ([delivery(1), delivery(2, "resolve"), delivery(3, "acknowledge")], "resolved"),
        ([delivery(1), delivery(2, "resolve", to=B), delivery(3, to=B)], "triggered"),
        ([delivery(1, status="superseded"), delivery(2, "resolve", "skipped")], "not_paged"),
        ([], "unknown"),
    ],
)
def test_how_it_stands_by_the_deliveries_alone(records: list[dict[str, object]], state: str) -> None:
    assert assemble(Findings("alert:gk", records)).now.state == state


def test_what_waits_in_a_row() -> None:
    waiting = [outbox(1, "resolve", why=PINNED), outbox(2)]
    story = assemble(Findings("alert:gk", rows={A: row(pending=waiting)}, workers=2))
    assert ends(story) == [("alerts/3/1", "waiting", "its_turn"), ("alerts/3/2", "waiting", "behind")]
    assert "after the resolve of alerts/3/1" in story.inputs[1].endings[0].message
    assert story.now.state == "waiting"
    assert "120 events a minute" in story.now.message
    assert "(1 more wait)" in story.now.message
    assert "no worker" not in story.now.message


def test_what_was_asked_for_in_vain_is_retried_and_without_workers_it_is_not() -> None:
    story = assemble(Findings("alert:gk", rows={A: row(pending=[outbox(1)], asked=True)}, workers=0))
    assert ends(story) == [("alerts/3/1", "waiting", "retrying")]
    assert story.now.message.endswith("no worker is running")


def test_what_waits_tells_what_was_tried() -> None:
    newest = [{"at": T0 + 9_000, "ms": 2.0, "status": 503, "error": f"down {KEY}"}]
    tried = {"alerts/3/1": {"total": 7, "newest": newest}}
    waiting = row(pending=[outbox(1), outbox(2, "resolve")], asked=True, tried=tried)
    story = assemble(Findings("alert:gk", rows={A: waiting}))
    first, second = (one.endings[0] for one in story.inputs)
    assert (first.reason, first.http_status, first.attempts_total) == ("retrying", 503, 7)
    assert [(one.at, one.status, KEY in (one.error or "")) for one in first.attempts] == [(T0 + 9_000, 503, False)]
    assert (second.attempts, second.attempts_total, second.http_status) == ((), 0, None)


def test_what_no_stage_has_finished() -> None:
    routed = Queued("route", "alerts/3/9", T0, "trigger", "alerts/3", 7)
    sent = Queued("dispatch", "alerts/3/8", T0, "trigger", "pagerduty-outbox/1", 0, outbox(8))
    story = assemble(Findings("alert:gk", queued=[routed, sent]))
    assert ends(story) == [("alerts/3/8", "waiting", "in_outbox"), ("alerts/3/9", "waiting", "not_routed")]
    assert "up to 7 records of alerts/3 come before it" in story.inputs[1].endings[0].message


def test_what_has_ended_does_not_wait_although_its_offset_is_not_committed() -> None:
    routed = Queued("route", "alerts/3/1", T0, "trigger", "alerts/3", 0)
    sent = Queued("dispatch", "alerts/3/1", T0, "trigger", "pagerduty-outbox/1", 0, outbox(1))
    story = assemble(Findings("alert:gk", [delivery(1)], rows={A: row(pending=[outbox(1)])}, queued=[routed, sent]))
    assert ends(story) == [("alerts/3/1", "delivered", "delivered")]


def test_what_a_row_has_decided_and_nobody_has_told() -> None:
    told = {
        "source": "alerts/3/1",
        "status": "dead",
        "reason": "invalid_event",
        "message": KEY,
        "at": T0,
        "attempts": [],
    }
    story = assemble(Findings("alert:gk", rows={A: row(outcomes=[told], released={"alerts/3/1": outbox(1)})}))
    assert ends(story) == [("alerts/3/1", "dead", "invalid_event")]
    assert story.inputs[0].endings[0].connector == "payments"


def test_dead_until_a_replay_goes_better() -> None:
    dead = letter(1)
    story = assemble(Findings("alert:gk", letters=[dead]))
    assert story.now.state == "dead"
    assert f"dead-letters replay {dead['id']}" in story.now.message
    again = letter(1, replay=dead["id"], at=T0 + 90_000)
    assert assemble(Findings("alert:gk", letters=[dead, again])).now.state == "dead"
    story = assemble(Findings("alert:gk", [delivery(1, to=B, replay=dead["id"])], [dead, again]))
    assert sorted(ending.status for ending in story.inputs[0].endings) == ["dead", "dead", "delivered"]
    assert story.now.state == "triggered"


def test_refused_and_taken_in_its_plainest_form_is_a_page() -> None:
    words = "summary too long; sent in its plainest form instead"
    dead = letter(1, "invalid_event", words=words)
    assert assemble(Findings("alert:gk", letters=[dead])).now.state == "triggered"


def test_an_input_without_a_destination_tells_each_field() -> None:
    why = {**WHY, "chosen": None}
    (ending,) = (
        assemble(
            Findings("alert:gk", letters=[letter(1, "no_destination", outbox=None, why=why, connector="payments")])
        )
        .inputs[0]
        .endings
    )
    assert ending.choice is not None
    assert (ending.stage, ending.connector, ending.choice.passed_over[0].reason) == (
        "route",
        "payments",
        "gives nothing",
    )


def test_an_input_of_which_nothing_is_known_is_told_all_the_same() -> None:
    story = assemble(Findings("alert:gk", [delivery(1)], asked="alerts/3/7"))
    assert [(one.source, one.asked, len(one.endings)) for one in story.inputs] == [
        ("alerts/3/7", True, 0),
        ("alerts/3/1", False, 1),
    ]


def test_a_digest_is_no_input() -> None:
    digest = outbox(1, source={"topic": "pagerline-digest", "partition": 0, "offset": 1, "timestamp": T0})
    assert assemble(Findings("alert:gk", rows={A: row(pending=[digest])})).inputs == ()


def test_no_key_and_no_sealed_key_is_told() -> None:
    spoken = delivery(
        1,
        message=f"bad {KEY}!",
        attempts=[{"at": T0, "ms": 1.0, "status": 400, "error": KEY}],
        render_errors={"summary": f"x {KEY[:24]}"},
        why={**WHY, "passed_over": [{"candidate": "f", "reason": KEY, "template": "{{ '" + KEY + "' }}"}]},
    )
    waiting = row(pending=[outbox(3)], outcomes=[])
    text = orjson.dumps(assemble(Findings("alert:gk", [spoken], [letter(2)], rows={A: waiting}))).decode()
    assert all(KEY[start : start + 8] not in text for start in range(25))
    assert "gAAAAA" not in text
    assert "…0d1" in text


def test_where_a_life_begins() -> None:
    lives = [delivery(1), delivery(2, "resolve"), delivery(5), delivery(6, why=PINNED), delivery(7, "resolve")]
    assert beginning(lives) == T0 + 5_000
    assert beginning(lives, before_ms=T0 + 2_000) == T0 + 1_000
    assert beginning(lives[3:]) is None
    assert beginning([delivery(9, replay="alerts/3/1@-"), *lives]) == T0 + 5_000


@pytest.mark.parametrize(
    "found",
    [
        Findings("alert:gk", letters=[letter(1)]),
        Findings("alert:gk", letters=[letter(1, outbox=None)]),
        Findings("alert:gk", [delivery(2)], [letter(1)]),
        Findings("alert:gk", rows={A: row(pending=[outbox(1)])}),
        Findings("alert:gk", queued=[Queued("dispatch", "alerts/3/1", T0, "trigger", "outbox/0", 0, outbox(1))]),
        Findings("alert:gk", queued=[Queued("route", "alerts/3/1", T0, "trigger", "alerts/3", 0)]),
    ],
)
def test_a_life_whose_first_trigger_was_found_is_complete(found: Findings) -> None:
    assert assemble(dataclasses.replace(found, complete=False)).complete


@pytest.mark.parametrize(
    "found",
    [
        Findings("alert:gk", [delivery(1, "resolve")], [letter(2)]),
        Findings("alert:gk", letters=[letter(1, outbox=outbox(1, why=PINNED))]),
        Findings("alert:gk", [delivery(1, replay="alerts/3/1@-")]),
        Findings("alert:gk", pins={"pins": {}}, queued=[Queued("route", "alerts/3/1", T0, "trigger", "alerts/3", 0)]),
        Findings("alert:gk", pins={"pins": {}}),
    ],
)
def test_what_begins_with_something_else_began_before(found: Findings) -> None:
    assert not assemble(dataclasses.replace(found, complete=False)).complete
