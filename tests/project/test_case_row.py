"""The fold of `case-updates` into one row a Case."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import contracts
from streams.project.row import COMMENTS_KEPT, IDS_KEPT, TROUBLES_KEPT, CaseRow
from streams.updates import Actor, Change, Incident, Service, State, Trouble, Update

HERE = "account:main"
INCIDENT = Incident("Q1", 42, "https://example.pagerduty.com/incidents/Q1")
ADA = Actor("user", "PADA", "Ada", "ada@example.com")
OPEN = State(HERE, "two-way", "OPEN", "triggered", Service("PSVC", "Payments"))
EXAMPLES = contracts.schema("case-updates")["examples"]


def update(change: Change, number: int = 1, *, state: State = OPEN, **more: Any) -> Update:
    more = {"incident": INCIDENT, "found_by": "webhook", **more}
    return Update(f"{change}:{number}", "CASE-1", change, at=number, state=state, **more)


def folded(*updates: Update) -> CaseRow:
    row = CaseRow("CASE-1")
    for one in updates:
        row = row.after(one, one.at + 5)
    return row


def test_a_linked_case_has_its_incident_its_service_and_both_statuses() -> None:
    row = folded(update("linked", found_by="answer"))
    link = row.links[HERE]
    assert (row.case_status, row.linked, row.at) == ("OPEN", True, 6)
    assert (link.incident, link.incident_status, link.service) == (INCIDENT, "triggered", Service("PSVC", "Payments"))
    assert link.cursor is None, "what PagerDuty answered is not what was found there"


def test_what_people_do_at_pagerduty_moves_status_and_cursor() -> None:
    acknowledged = replace(OPEN, incident_status="acknowledged")
    row = folded(update("linked"), update("acknowledged", 20, state=acknowledged, actor=ADA))
    assert row.links[HERE].incident_status == "acknowledged"
    assert row.links[HERE].cursor == 20
    assert row.last is not None
    assert (row.last.change, row.last.actor) == ("acknowledged", ADA)


def test_a_repetition_changes_nothing() -> None:
    row = folded(update("linked"), update("comment", 2, details={"note": "N1", "text": "x"}, actor=ADA))
    assert row.after(update("comment", 2, details={"note": "N1", "text": "x"}, actor=ADA), 99) is row


def test_comments_are_all_counted_and_the_newest_named() -> None:
    many = [update("comment", n, details={"note": f"N{n}", "text": "x"}, actor=ADA) for n in range(COMMENTS_KEPT + 7)]
    link = folded(*many).links[HERE]
    assert link.comments_total == COMMENTS_KEPT + 7
    assert [one.note for one in link.comments] == [f"N{n}" for n in range(7, COMMENTS_KEPT + 7)]
    assert link.comments[-1].author == "Ada"


def test_a_resolution_note_that_is_told_as_a_comment_too_is_one_comment() -> None:
    note = {"note": "N1", "text": "rolled back"}
    link = folded(update("comment", 1, details=note), update("resolution_note", 2, details=note)).links[HERE]
    assert link.comments_total == 1


@pytest.mark.parametrize("change", ["merged", "deleted"])
def test_a_link_ends_with_its_incident_and_late_news_of_it_does_not_bring_it_back(change: Change) -> None:
    row = folded(update("linked"), update(change, 2, details={"into": "Q7"}), update("comment", 3))
    assert not row.linked
    assert row.links[HERE].merged_into == ("Q7" if change == "merged" else None)
    assert folded(update("linked"), update(change, 2), update("linked", 3)).linked


def test_a_row_that_begins_late_takes_the_first_news_of_an_incident_as_its_link() -> None:
    assert folded(update("acknowledged")).linked
    assert not folded(update("failed", incident=None)).linked


def test_an_error_stays_until_pagerduty_has_taken_what_the_case_said() -> None:
    trouble = Trouble("unknown_service", "no service is called Paymnets", 1)
    failed = update("failed", state=replace(OPEN, error=trouble, incident_status=None), incident=None)
    assert folded(failed).failing
    row = folded(failed, update("linked", 2), update("synced", 3, found_by="answer"))
    assert not row.failing
    assert row.links[HERE].synced_at == 3


def test_conflicts_that_are_over_are_remembered_within_a_bound() -> None:
    row = folded(update("linked"))
    for n in range(TROUBLES_KEPT + 3):
        row = row.after(
            update("reopened", n, state=replace(OPEN, conflict=Trouble("reopened_in_pagerduty", f"{n}", n))), n
        )
        assert row.in_conflict
    row = row.after(update("resolved", 99), 99)
    assert not row.in_conflict
    assert [one.message for one in row.links[HERE].conflicts] == [str(n) for n in range(3, TROUBLES_KEPT + 3)]


def test_who_has_it_and_how_urgent_it_is_there() -> None:
    people = {"assignees": [{"id": "P1", "name": "Ada"}, {"id": "P2", "name": None, "email": "g@example.com"}]}
    row = folded(update("reassigned", 1, details=people), update("priority", 2, details={"priority": "P2"}))
    assert row.links[HERE].assignees == ("Ada", "g@example.com")
    assert row.links[HERE].priority == "P2"


def test_two_accounts_are_two_links() -> None:
    other = replace(OPEN, destination="account:other", incident_status="resolved")
    row = folded(update("linked"), update("linked", 2, state=other))
    assert {name: link.incident_status for name, link in row.links.items()} == {
        HERE: "triggered",
        "account:other": "resolved",
    }


def test_a_case_is_over_when_both_sides_are() -> None:
    resolved = replace(OPEN, case_status="RESOLVED")
    assert not folded(update("linked"), update("synced", 2, state=resolved)).over
    assert folded(update("linked"), update("synced", 2, state=replace(resolved, incident_status="resolved"))).over
    assert not folded(update("linked")).over
    ahead = replace(OPEN, incident_status="resolved")  # of a Case that is worked on
    assert not folded(update("linked"), update("resolved", 2, state=ahead)).over


def test_ids_are_bounded() -> None:
    row = folded(*(update("comment", n) for n in range(IDS_KEPT + 10)))
    assert len(row.ids) == IDS_KEPT
    assert row.updates == IDS_KEPT + 10


@given(st.lists(st.sampled_from(EXAMPLES), max_size=8))
def test_any_history_is_read_back_from_the_table_as_it_was_written(examples: list[dict[str, Any]]) -> None:
    row = CaseRow("CASE-9b7e12")
    for example in examples:
        row = row.after(Update.from_json(example), example["recorded_at"])
    written = orjson.dumps(row.to_json())
    assert CaseRow.from_json(json.loads(written)) == row


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_repeating_what_has_been_told_never_changes_a_row(order: list[int]) -> None:
    row, told = CaseRow("CASE-9b7e12"), set()
    for number in order:
        after = row.after(Update.from_json(EXAMPLES[number]), EXAMPLES[number]["recorded_at"])
        assert (after is row) is (number in told)
        told.add(number)
        row = after
    assert row.updates == len(told)
