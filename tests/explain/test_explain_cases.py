"""Stories of Cases at an account: the incident there, what people did to it, what waits for it."""

from __future__ import annotations

from typing import Any

import orjson
from records import KEY, T0, outbox

from streams import contracts
from streams.dispatch.outcome import Attempt, Tried
from streams.explain.assemble import assemble
from streams.explain.findings import Findings
from streams.explain.screen import screen
from streams.sync.row import CaseIncident, Waiting
from streams.sync.status import Status
from streams.updates import Incident, Service, Trouble

ACCOUNT = "account:main"
UPDATES = contracts.schema("case-updates")["examples"]


def record(offset: int, action: str = "trigger") -> dict[str, Any]:
    return outbox(offset, action, destination=ACCOUNT, incident="case:CASE-9b7e12", dedup_key="CASE-9b7e12", limit=960)


def row(**more: Any) -> dict[str, Any]:
    """A row as dispatch writes it."""
    return dict(orjson.loads(CaseIncident(case="CASE-9b7e12", **more).to_row()))


def text(found: Findings) -> str:
    return "\n".join(line.text for line in screen(assemble(found)))


def test_the_incident_of_a_case_is_told() -> None:
    linked = row(
        link=Incident("Q1", 42, "https://example.pagerduty.com/incidents/Q1"),
        service=Service("PSVC001", "Payments"),
        status=Status.ACKNOWLEDGED,
    )
    found = Findings("case:CASE-9b7e12", rows={ACCOUNT: linked})
    (known,) = assemble(found).destinations
    assert (known.state, known.incident, known.number, known.service) == ("acknowledged", "Q1", 42, "Payments")
    assert (
        "PagerDuty   account:main: acknowledged; incident 42 at service Payments, "
        "https://example.pagerduty.com/incidents/Q1"
    ) in text(found)
    assert assemble(found).now.message == "PagerDuty's incident is open and acknowledged at account:main"


def test_what_keeps_the_sides_apart_is_told_and_no_key_with_it() -> None:
    trouble = row(
        error=Trouble("unauthorized", f"the token {KEY} is refused", T0), conflict=Trouble("reopened", "open", T0)
    )
    shown = text(Findings("case:CASE-9b7e12", rows={ACCOUNT: trouble}))
    assert "error       unauthorized: the token " in shown
    assert "conflict    reopened: open" in shown
    assert KEY not in shown


def test_what_waits_says_what_for() -> None:
    waiting = (
        Waiting(record(1), ("create", "note:c-1", "note:c-2")),
        Waiting(record(2, "acknowledge"), ("acknowledge",)),
    )
    tried = {"alerts/3/1": Tried(4, (Attempt(T0, 9.0, 500, "oops"),))}
    story = assemble(Findings("case:CASE-9b7e12", rows={ACCOUNT: row(waiting=waiting, tried=tried)}))
    first, second = (one.endings[0] for one in story.inputs)
    assert first.message.endswith("asked again: the incident is to be made and a comment is to be added")
    assert (first.reason, first.attempts_total, first.http_status) == ("retrying", 4, 500)
    assert second.message.endswith("it is to be acknowledged")
    story = assemble(Findings("case:CASE-9b7e12", rows={ACCOUNT: row(waiting=waiting)}))
    assert {one.endings[0].reason for one in story.inputs} == {"its_turn"}


def test_what_people_did_is_told_once_and_in_the_order_of_their_doing() -> None:
    story = assemble(Findings("case:CASE-9b7e12", updates=[UPDATES[1], UPDATES[2], UPDATES[1], UPDATES[0]]))
    assert [one.change for one in story.updates] == ["linked", "acknowledged", "comment"]
    assert [(one.by, one.message) for one in story.updates[1:]] == [("Ada", ""), ("Ada", "Looking at it")]
    shown = text(Findings("case:CASE-9b7e12", updates=UPDATES))
    assert "PagerDuty: linked: incident 42, https://example.pagerduty.com/incidents/Q1A2B3C4D5E6F7 (answer" in shown
    assert "PagerDuty: acknowledged by Ada (webhook)" in shown
    assert "PagerDuty: comment by Ada: Looking at it (webhook)" in shown


def test_every_change_of_the_contract_can_be_told() -> None:
    changes = contracts.schema("case-updates")["properties"]["change"]["enum"]
    details = {"assignees": [{"id": "P1", "name": "Ada"}], "into": "Q2", "near": [], "unknown": 1}
    updates = [
        {**UPDATES[0], "id": change, "change": change, "details": details, "actor": None, "incident": None}
        for change in changes
    ]
    assert len(assemble(Findings("case:CASE-9b7e12", updates=updates)).updates) == len(changes)


def test_very_many_changes_do_not_fill_the_screen() -> None:
    many = [{**UPDATES[2], "id": f"note:{number}", "at": T0 + number} for number in range(500)]
    lines = [line.text for line in screen(assemble(Findings("case:CASE-9b7e12", updates=many)))]
    assert "… 480 earlier changes at PagerDuty (-o json has all)" in lines
    assert len(lines) < 40
