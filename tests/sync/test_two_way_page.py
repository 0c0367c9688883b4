"""docs/two-way.md says what follows from what: the code does as its tables say, for every combination, once each."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from model_two_sides import World, wrong
from two_way_states import CASE_EVENTS, CASES, INCIDENTS, PAGERDUTY_EVENTS, Sides

PAGE = Path(__file__).parents[2] / "docs" / "two-way.md"


def table(first: str) -> list[list[str]]:
    """The cells of the table whose first head is this."""
    lines = PAGE.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def holds(cell: str, value: str) -> bool:
    return cell == "any" or value in [one.strip() for one in cell.split(",")]


def rule(rows: list[list[str]], event: str, case: str, incident: str) -> list[str]:
    """The one row that speaks of this."""
    found = [row for row in rows if row[0] == event and holds(row[1], case) and holds(row[2], incident)]
    assert len(found) == 1, f"{len(found)} rows speak of {event}, {case}, {incident}"
    return found[0]


STATES = list(product(CASES, INCIDENTS))


@pytest.mark.parametrize(("case", "incident"), STATES)
@pytest.mark.parametrize("event", PAGERDUTY_EVENTS)
def test_what_pagerduty_says(event: str, case: str, incident: str) -> None:
    sides = Sides(case, incident)
    assert (sides.here, sides.there) == (case, incident)
    _event, _case, _incident, told, asked = rule(table("PagerDuty says"), event, case, incident)
    before = sides.asked
    sides.pagerduty_says(event)
    assert sides.updates == ([] if told == "–" else [told])
    assert sides.asked == (before if asked == "as before" else asked)


@pytest.mark.parametrize(("case", "incident"), STATES)
@pytest.mark.parametrize("event", PAGERDUTY_EVENTS)
def test_what_pagerduty_says_twice_is_told_once(event: str, case: str, incident: str) -> None:
    sides = Sides(case, incident)
    said = sides.pagerduty_says(event)
    once = sides.row
    sides.take(said)
    assert sides.row == once


@pytest.mark.parametrize(("case", "incident"), STATES)
@pytest.mark.parametrize("event", CASE_EVENTS)
def test_what_the_case_says(event: str, case: str, incident: str) -> None:
    sides = Sides(case, incident)
    _event, _case, _incident, told, asked = rule(table("The Case says"), event, case, incident)
    sides.case_does(event)
    assert sides.updates == ([] if told == "–" else [told])
    assert sides.asked == asked


@pytest.mark.parametrize("first", ["case", "pagerduty"])
@pytest.mark.parametrize("row", table("Both were"), ids=" ".join)
def test_both_at_once(row: list[str], first: str) -> None:
    start, case_does, person_does, case_ends, incident_ends = row
    world = World(seed=1)
    world.settle()
    if start != "open":
        world.person({"acknowledged": "acknowledge", "resolved": "resolve"}[start])
        world.settle()
    world.account.passes(5_000)
    world.person(person_does)
    world.case_does(case_does)
    if first == "case":
        world.hear()
    world.channel()
    while world.pending:
        world.webhook(in_order=True)
    world.settle()
    assert world.incident is not None
    assert (world.case.status, world.incident.status) == (case_ends, incident_ends)
    assert (world.row.conflict is not None) == (case_ends in ("RESOLVED", "CLOSED") and incident_ends == "triggered")
    assert wrong(world) == []


def test_no_row_is_idle() -> None:
    for first, events in (("PagerDuty says", PAGERDUTY_EVENTS), ("The Case says", CASE_EVENTS)):
        for row in table(first):
            assert any(row[0] == e and holds(row[1], c) and holds(row[2], i) for e in events for c, i in STATES), row
