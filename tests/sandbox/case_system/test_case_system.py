"""The sample Case system: what people do, what comes from PagerDuty, and what it tells of both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams import contracts
from streams.events import Event, Skip, Source, read_event
from streams.routing.case import case_of, comment_of
from streams.sandbox.case_system import CaseRefused, CaseStore, Person
from streams.updates import Actor, Change, Incident, State, Update

ADA = Person("ada@example.com")
GRACE = Actor("user", "PGRACE", "Grace", "grace@example.com")
INCIDENT = Incident("Q1", 1, "https://example.pagerduty.com/incidents/Q1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    seconds = count(1_760_000_000)
    with CaseStore(tmp_path / "cases.sqlite", clock=lambda: float(next(seconds))) as store:
        yield store


def update(change: Change, case: str = "CASE-1", name: str = "", **more: Any) -> Update:
    more = {"actor": GRACE, "incident": INCIDENT, "apply": True, **more}
    return Update(f"{change}{name}", case, change, 1, "webhook", State("account:main"), **more)


def told(store: CaseStore) -> list[dict[str, Any]]:
    """Everything that is to be told, each notice fit for the topic."""
    notices = [orjson.loads(one.value) for one in store.unsent(1_000)]
    assert [contracts.problem("cases", one) for one in notices] == [None] * len(notices)
    return notices


def last(store: CaseStore) -> dict[str, Any]:
    return told(store)[-1]


def test_the_life_of_a_case_is_told_as_routing_reads_it(store: CaseStore) -> None:
    case = store.open("Checkout is slow", ADA, priority="P1", connector="two-way")
    store.acknowledge(case, ADA)
    store.comment(case, ADA, "Looking at it")
    store.unacknowledge(case, ADA)
    store.prioritise(case, ADA, "P2")
    store.resolve(case, ADA, "Rolled back")
    store.finish(case, ADA)
    actions = []
    for number, one in enumerate(store.unsent(100)):
        read = read_event("case", one.value, Source("cases", 0, number, 1, one.case))
        event = read.event if isinstance(read, Skip) else read
        assert isinstance(event, Event), read
        actions.append(event.action)
    assert actions == ["trigger", "acknowledge", "acknowledge", "trigger", "trigger", "resolve", "resolve"]
    notices = told(store)
    assert [one["case"]["id"] for one in notices] == ["CASE-1"] * 7
    assert notices[0]["destinations"] == [{"connectorId": "two-way"}]
    assert notices[2]["caseEvent"]["eventData"] == {
        "comment": {"commentId": "CASE-1-comment-1", "text": "Looking at it"}
    }
    assert notices[5]["case"]["resolutionDetails"]["reason"] == "Rolled back"
    assert len({one["caseEvent"]["eventId"] for one in notices}) == 7


def test_what_is_done_at_pagerduty_is_done_here_and_told_as_pagerdutys(store: CaseStore) -> None:
    case = store.open("Checkout is slow", ADA)
    assert store.apply(update("linked", apply=False)) == "nothing to do"
    assert store.case(case)["incident"] == INCIDENT.url
    assert store.apply(update("acknowledged")) == "applied"
    assert (store.case(case)["status"], store.case(case)["assignee"]) == ("ACKNOWLEDGED", "Grace")
    assert last(store)["caseEvent"]["actor"] == {
        "pagerDuty": {"pagerDutyUserId": "PGRACE", "displayName": "Grace", "userEmail": "grace@example.com"}
    }
    assert store.apply(update("unacknowledged")) == "applied"
    assert store.case(case)["status"] == "OPEN"
    assert store.apply(update("comment", details={"note": "N1", "text": "On my way"})) == "applied"
    assert [(one["author"], one["text"], one["origin"]) for one in store.comments(case)] == [
        ("Grace", "On my way", "pagerduty")
    ]
    assert store.apply(update("reassigned", details={"assignees": [{"email": "b@example.com"}]})) == "applied"
    assert store.case(case)["assignee"] == "b@example.com"
    assert store.apply(update("resolved")) == "applied"
    assert store.apply(update("resolution_note", details={"note": "N2", "text": "Rolled back"})) == "applied"
    found = store.case(case)
    assert (found["status"], found["resolved_by"], found["resolution"]) == ("RESOLVED", "PAGERDUTY", "Rolled back")
    assert all("pagerDuty" in one["caseEvent"]["actor"] for one in told(store)[1:])


def events(store: CaseStore) -> list[Event]:
    """What routing makes of everything that is told."""
    read = [
        read_event("case", one.value, Source("cases", 0, number, 1, one.case))
        for number, one in enumerate(store.unsent(1_000))
    ]
    return [event for one in read if isinstance(event := one.event if isinstance(one, Skip) else one, Event)]


def test_what_people_say_here_goes_out_and_what_pagerduty_said_does_not(store: CaseStore) -> None:
    case = store.open("Checkout is slow", ADA)
    store.comment(case, ADA, "Looking at it")
    store.apply(update("comment", details={"note": "N1", "text": "On my way"}))
    store.resolve(case, ADA, "Rolled back")
    comments = [comment_of(event) for event in events(store)]
    assert [one and (one["id"], one["text"], one["author"]) for one in comments] == [
        None,
        ("CASE-1-comment-1", "Looking at it", "ada@example.com"),
        None,
        None,
    ]
    assert case_of(events(store)[-1])["resolution"] == {"by": "ada@example.com", "note": "Rolled back"}


def test_a_resolution_of_pagerdutys_is_no_news_to_it(store: CaseStore) -> None:
    store.open("Checkout is slow", ADA)
    store.apply(update("resolved"))
    store.apply(update("resolution_note", details={"note": "N2", "text": "Rolled back"}))
    store.finish("CASE-1", ADA)
    states = [case_of(event) for event in events(store)]
    assert [one["status"] for one in states] == ["OPEN", "RESOLVED", "RESOLVED", "CLOSED"]
    assert [(one["resolution"] or {}).get("note") for one in states] == [None] * 4


def test_an_update_is_applied_once_however_often_it_comes(store: CaseStore, tmp_path: Path) -> None:
    case = store.open("Checkout is slow", ADA)
    note = update("comment", details={"note": "N1", "text": "On my way"})
    assert [store.apply(note) for _ in range(3)] == ["applied", "repeated", "repeated"]
    with CaseStore(tmp_path / "cases.sqlite") as later:
        assert later.apply(note) == "repeated"
        assert len(later.comments(case)) == 1
        assert len(told(later)) == 2


def test_a_late_update_changes_no_status_back(store: CaseStore) -> None:
    case = store.open("Checkout is slow", ADA)
    store.resolve(case, ADA)
    before = len(told(store))
    for change in ("acknowledged", "unacknowledged", "resolved", "reopened"):
        assert store.apply(update(change)) == "nothing to do"  # type: ignore[arg-type]
    assert store.case(case)["status"] == "RESOLVED"
    assert len(told(store)) == before


def test_what_is_only_told_changes_nothing(store: CaseStore) -> None:
    store.open("Checkout is slow", ADA)
    assert store.apply(update("resolved", apply=False)) == "nothing to do"
    assert store.case("CASE-1")["status"] == "OPEN"


def test_a_case_of_somebody_else_is_passed_over_for_good(store: CaseStore) -> None:
    assert store.apply(update("acknowledged", case="ELSEWHERE")) == "unknown case"
    assert store.apply(update("acknowledged", case="ELSEWHERE")) == "repeated"


def test_a_failure_half_way_leaves_nothing_behind(store: CaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    case = store.open("Checkout is slow", ADA)

    def fail(*_what: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "_tell", fail)
        with pytest.raises(OSError, match="disk full"):
            store.apply(update("acknowledged"))
    assert store.case(case)["status"] == "OPEN"
    assert store.apply(update("acknowledged")) == "applied", "its id was taken back too"


def test_what_a_status_does_not_allow_is_refused_with_both(store: CaseStore) -> None:
    case = store.open("Checkout is slow", ADA)
    store.resolve(case, ADA)
    with pytest.raises(CaseRefused, match="CASE-1 is RESOLVED and cannot become ACKNOWLEDGED"):
        store.acknowledge(case, ADA)
    with pytest.raises(CaseRefused, match="there is no Case CASE-9"):
        store.comment("CASE-9", ADA, "x")
    assert len(told(store)) == 2


def test_notices_are_given_out_in_order_until_they_are_sent(store: CaseStore) -> None:
    store.open("one", ADA)
    store.open("two", ADA)
    first, second = store.unsent(10)
    assert (first.case, second.case) == ("CASE-1", "CASE-2")
    store.sent(first.number)
    assert store.unsent(10) == [second]
