"""What the demo says and shows while it runs, with a terminal to draw on and without."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from streams.sandbox.case_system import CaseStore, Person
from streams.sandbox.demo.pairs import Pair, Saying, pairs_of
from streams.sandbox.demo.screen import EVENTS_LEAST, Screen, View
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pagerduty.rest.request import Received

ADA, ROBIN = Person("ada@example.com"), "robin@example.com"


def test_lines_are_whole_and_say_that_the_stages_overlap() -> None:
    output = StringIO()
    with Screen(Console(file=output, width=40)) as screen:
        screen.show(View(produced=5, total=10, lag={"route": 3, "dispatch": 4}, services={"team alpha": (2, 1, 0)}))
    lines = output.getvalue().splitlines()
    assert lines[0].startswith('Below, "not committed" is what a stage has still to do; one event may count in both')
    assert lines[1].endswith("produced 5/10, at PagerDuty 2, not committed: route 3, dispatch 4")


def test_without_a_terminal_both_sides_come_last() -> None:
    output = StringIO()
    with Screen(Console(file=output, width=100)) as screen:
        screen.show(View(pairs=[Pair("CASE-1 Slow: OPEN", "#1 at Checkout: triggered", True)]))
    last = " ".join(output.getvalue().splitlines()[-1].split())
    assert last == "CASE-1 Slow: OPEN #1 at Checkout: triggered in step"


def test_a_small_terminal_shows_both_sides_and_the_newest_that_happened() -> None:
    services = {f"service {number}": (1, 1, 0) for number in range(7)}
    said = (Saying("a", "ada: a"), Saying("b", "robin: b"))
    pair = Pair("CASE-1 Slow: OPEN", "#1 at Checkout: triggered", True, said, said)
    console = Console(file=StringIO(), width=80, height=24, force_terminal=True)
    screen = Screen(console)
    for number in range(20):
        screen.say(f"event {number}")
    screen.show(View(produced=5, total=10, services=services, pairs=[pair]))
    rows = ["".join(piece.text for piece in line).rstrip() for line in console.render_lines(screen._draw(), pad=False)]
    assert len(rows) <= 24
    assert any("CASE-1" in row and "in step" in row for row in rows)
    assert rows[-1].endswith("event 19")
    assert sum("event" in row and " s  " in row for row in rows) >= EVENTS_LEAST


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    with CaseStore(tmp_path / "cases.sqlite") as opened:
        yield opened


def test_a_case_and_its_incident_are_in_step_when_all_that_was_said_stands_on_both(store: CaseStore) -> None:
    account = Simulator()
    service = account.rest.add_service("Checkout")
    case = store.open("Checkout is slow", ADA)
    (pair,) = pairs_of(store, account)
    assert (pair.incident, pair.in_step) == ("-", False)

    incident = (
        b'{"incident": {"type": "incident", "title": "Checkout is slow", "incident_key": "case/%s",'
        b'"service": {"id": "%s", "type": "service_reference"}}}' % (case.encode(), service.encode())
    )
    headers = {"authorization": "Token token=t", "from": "alex@example.com"}
    account.rest.handle(Received("POST", "/incidents", (), headers, incident))
    (made,) = account.rest.incidents(incident_key=f"case/{case}")
    assert pairs_of(store, account)[0].in_step
    account.people.acknowledge(made.id, ROBIN)
    assert not pairs_of(store, account)[0].in_step
    store.acknowledge(case, ADA)

    store.comment(case, ADA, "Looking at it")
    account.people.add_note(made.id, ROBIN, "It is the cache")
    (pair,) = pairs_of(store, account)
    assert not pair.in_step
    assert list(pair.lines()) == [
        ("Looking at it (ada@example.com)", "-"),
        ("-", "It is the cache (Robin Example)"),
    ]
    account.people.add_note(made.id, "alex@example.com", f"Looking at it\n[Ada via Pagerline, case {case}, c-1]")
    (pair,) = pairs_of(store, account)
    assert next(pair.lines())[1] == "Looking at it (Ada via Alex Example)"
    assert not pair.in_step  # Robin's note is not on the Case
