"""The screen: what a person reads at night."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from streams.explain import story as shapes
from streams.explain.assemble import assemble
from streams.explain.findings import Findings
from streams.explain.screen import FIRST, LAST, duration, screen
from streams.explain.story import Update
from tests.explain.records import KEY, PINNED, T0, WHY, A, delivery, letter, outbox, row

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"


def text(found: Findings) -> str:
    return "\n".join(line.text for line in screen(assemble(found)))


def test_a_screen() -> None:
    retried = [
        {"at": T0 + 1_020, "ms": 31.5, "status": 503, "error": "try\nlater"},
        {"at": T0 + 3_000, "ms": 2_400.0, "status": None, "error": "TimeoutError"},
        {"at": T0 + 3_040, "ms": 20.0, "status": 202, "error": None},
    ]
    first = delivery(1, attempts=retried, attempts_total=12, render_errors={"severity": "no P1 to P5"}, folded=True)
    waiting = row("triggered", pending=[outbox(2, "resolve")], asked=True)
    assert text(Findings("alert:gk", [first], rows={A: waiting}, workers=0)).splitlines() == [
        "alert:gk",
        "dedup key   gk",
        "now         the resolve of alerts/3/2 waits: PagerDuty was asked and has not accepted it so far (an outage, a "
        "time-out or its rate limit): it is asked again for as long as it takes; no worker is running",
        f"PagerDuty   {A}: triggered",
        "",
        "2023-11-14 22:13:21.000Z  trigger  alerts/3/1",
        f"  connector payments → {A}, by fields.integrationKey (key …0d1)",
        "    passed over fields.dynamicintegrationKey: gives nothing",
        "      │ {{ x }}",
        "  field severity fell back to the built-in text: no P1 to P5",
        "    … 9 earlier attempts",
        "    2023-11-14 22:13:21.020Z  503  32 ms  try later",
        "    2023-11-14 22:13:23.000Z  no answer  2.4 s  TimeoutError",
        "    2023-11-14 22:13:23.040Z  202  20 ms",
        "  delivered at 2023-11-14 22:13:21.050Z, 50 ms after it was written: Event processed",
        "    a digest told of it while it waited",
        "",
        "2023-11-14 22:13:22.000Z  resolve  alerts/3/2",
        f"  connector payments → {A}, by fields.integrationKey (key …0d1)",
        "    passed over fields.dynamicintegrationKey: gives nothing",
        "      │ {{ x }}",
        "  waiting: PagerDuty was asked and has not accepted it so far (an outage, a time-out or its rate limit): it "
        "is asked again for as long as it takes",
    ]


def test_who_chose_the_connector() -> None:
    by_rule = {**WHY, "router": "payments", "rule": "P1s", "preset": "p", "revision": 17}
    by_fallback = {**WHY, "router": "payments", "revision": 18}
    service = {"chosen": "fields.service", "passed_over": [], "pinned": False, "service": "Payments", "revision": 18}
    shown = text(Findings("alert:gk", [delivery(1, why=by_rule), delivery(2, why=by_fallback)]))
    assert f"connector payments, by router payments, rule P1s (revision 17) → {A}, by fields.integrationKey" in shown
    assert "    message by preset p\n" in shown
    assert f"connector payments, by router payments's fallback (revision 18) → {A}" in shown
    assert "by fields.service (service Payments)" in text(Findings("alert:gk", [delivery(1, why=service)]))


def test_superseded_dead_replayed_and_incomplete() -> None:
    gone = delivery(1, status="superseded", by="alerts/3/2", why=PINNED)
    shown = text(Findings("alert:gk", [gone], [letter(2, replay="alerts/3/2@-")], complete=False, asked="alerts/3/2"))
    assert "    by alerts/3/2" in shown
    assert "trigger  alerts/3/2  ← asked for" in shown
    assert "  replay of dead letter alerts/3/2@-" in shown
    assert f"    dead letter alerts/3/2@{A} (unknown_routing_key)" in shown
    assert "--since 7d, or --all" in shown
    assert KEY not in shown


def test_attempts_at_an_account_say_what_was_asked() -> None:
    calls = [{"at": T0 + 1_020, "ms": 4, "status": 200, "error": None, "call": call} for call in ("read", "resolve")]
    lines = text(Findings("alert:gk", [delivery(1, attempts=calls, attempts_total=2)])).splitlines()
    assert "    2023-11-14 22:13:21.020Z  read  200  4 ms" in lines
    assert "    2023-11-14 22:13:21.020Z  resolve  200  4 ms" in lines


def test_what_people_did_stands_between_the_inputs_by_its_time() -> None:
    def update(change: str, at: int) -> Update:
        return Update(at, at, change, True, "Ada", "webhook", "", A)

    story = assemble(Findings("case:gk", [delivery(1), delivery(3, "acknowledge"), delivery(9, "resolve")]))
    # Linked within the second of the input that asked for it; PagerDuty tells whole seconds.
    first = dataclasses.replace(story.inputs[0], written_at=T0 + 1_400)
    updates = (update("linked", T0 + 1_000), update("comment", T0 + 2_500), update("acknowledged", T0 + 4_000))
    lines = screen(dataclasses.replace(story, inputs=(first, *story.inputs[1:]), updates=updates))
    told = [line.text for line in lines if re.match("2023-.*  (PagerDuty|trigger|acknowledge|resolve)", line.text)]
    assert [line.split("  ")[1].removesuffix(" by Ada (webhook)") for line in told] == [
        "trigger",
        "PagerDuty: linked",
        "PagerDuty: comment",
        "acknowledge",
        "PagerDuty: acknowledged",
        "resolve",
    ]


def test_very_many_inputs_leave_the_beginning_and_the_end() -> None:
    shown = text(Findings("alert:gk", [delivery(number) for number in range(200)]))
    assert f"… {200 - FIRST - LAST} inputs between (-o json has all)" in shown
    assert shown.count("  trigger  ") == FIRST + LAST


def test_a_terminal_is_not_steered_by_a_producer() -> None:
    assert "\x1b" not in text(Findings("alert:\x1b[2Jgk", [delivery(1, message="\x1b[2J")]))


def test_durations() -> None:
    assert [duration(ms) for ms in (0, 999, 2_400, 180_000, 9_000_000)] == ["0 ms", "999 ms", "2.4 s", "3 min", "2.5 h"]


def test_the_page_names_every_field_of_the_json() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE.read_text()))
    for shape in (shapes.Story, shapes.Input, shapes.Ending, shapes.Choice, shapes.Tried, shapes.Attempt, shapes.Now,
                  shapes.Pinned, shapes.Known, shapes.Update):  # fmt: skip
        assert {field.name for field in dataclasses.fields(shape)} <= named, shape
