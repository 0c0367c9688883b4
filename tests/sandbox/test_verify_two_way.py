"""The judgement of Cases beside their incidents: a sound run passes, and each way to be careless is found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from verify_story import Story

from streams.sandbox.case_system import CaseStore, Person
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.verify import Verdict
from streams.sandbox.verify.sides import CaseSide, Comment, IncidentSide, Note, Sides, cases_of, incidents_of
from streams.sandbox.verify.two_way import STATUS

PAGERLINE, ROBIN = "PPAGER1", "PROBIN1"
MARK = "\n[ada@example.com via Pagerline, case CASE-1, {}]"


def update(change: str, identity: str, **more: Any) -> dict[str, Any]:
    """A record of case-updates for CASE-1."""
    return {
        "v": 1,
        "id": identity,
        "case": "CASE-1",
        "change": change,
        "apply": change in ("acknowledged", "resolved", "comment", "resolution_note"),
        "incident": {"id": "Q1", "number": 1, "url": None},
        "actor": {"kind": "user", "id": ROBIN, "name": "Robin", "email": None},
        "details": None,
        "at": 1,
        "recorded_at": 2,
        "found_by": "webhook",
        "state": {
            "case_status": "OPEN",
            "incident_status": "triggered",
            "service": None,
            "destination": "account:main",
            "connector": "two-way",
            "error": None,
            "conflict": None,
        },
        **more,
    }


class Run:
    """CASE-1: opened, acknowledged by Robin at PagerDuty, a comment on each side, resolved on the Case."""

    def __init__(self) -> None:
        self.case = CaseSide(
            "CASE-1",
            "RESOLVED",
            "Rolled back",
            True,
            (Comment("c-1", "Looking at it", "case"), Comment("note:N2", "It is the cache", "pagerduty")),
        )
        self.notes = [
            Note("N3", "Resolution Note: Rolled back" + MARK.format("resolution-1")),
            Note("N2", "It is the cache"),
            Note("N1", "Looking at it" + MARK.format("c-1")),
        ]
        self.status = "resolved"
        self.incidents = 1
        self.updates = [
            update("linked", "link:1", actor=None),
            update("acknowledged", "pagerduty:1"),
            update("comment", "note:N2", details={"note": "N2", "text": "It is the cache"}),
            update("synced", "synced:1", actor=None),
        ]

    def judge(self) -> Verdict:
        """With a Case of a service key beside it, which is not compared."""
        story = Story()
        story.done(story.alert("gk", "Triggered"))
        incident = IncidentSide("Q1", "case/CASE-1", self.status, PAGERLINE, tuple(self.notes))
        other = CaseSide("CASE-2", "OPEN", None, False)
        values = tuple(orjson.dumps(one) for one in self.updates)
        return story.verdict(sides=Sides((self.case, other), (incident,) * self.incidents, values))


def tell(run: Run, *args: Any, **more: Any) -> None:
    run.updates.append(update(*args, **more))


CARELESS: dict[str, tuple[Callable[[Run], Any], str]] = {
    "the incident is not resolved": (lambda run: setattr(run, "status", "acknowledged"), "sides_differ"),
    "the Case did not follow": (lambda run: setattr(run, "case", run.case._replace(status="OPEN")), "sides_differ"),
    "there is no incident": (lambda run: setattr(run, "incidents", 0), "incident_count"),
    "there are two": (lambda run: setattr(run, "incidents", 2), "incident_count"),
    "a comment never reached PagerDuty": (lambda run: run.notes.pop(2), "comment_lost"),
    "a comment reached it twice": (lambda run: run.notes.append(run.notes[2]._replace(id="N4")), "comment_doubled"),
    "the resolution never reached it": (lambda run: run.notes.pop(0), "comment_lost"),
    "the resolution reached it twice": (
        lambda run: run.notes.append(run.notes[0]._replace(id="N4")),
        "comment_doubled",
    ),
    "a note never reached the Case": (
        lambda run: setattr(run, "case", run.case._replace(comments=run.case.comments[:1])),
        "comment_lost",
    ),
    "a note reached the Case twice": (
        lambda run: setattr(run, "case", run.case._replace(comments=(*run.case.comments, run.case.comments[1]))),
        "comment_doubled",
    ),
    "a note of nobody's": (lambda run: run.notes.pop(1), "comment_invented"),
    "an echo became a comment": (
        lambda run: setattr(
            run,
            "case",
            run.case._replace(comments=(*run.case.comments, Comment("note:N1", run.notes[2].text, "pagerduty"))),
        ),
        "comment_invented",
    ),
    "a comment of another Case": (
        lambda run: run.notes.append(Note("N4", "Hello" + MARK.format("c-9"))),
        "comment_invented",
    ),
    "a note is told under two ids": (
        lambda run: tell(run, "comment", "note:again", details={"note": "N2", "text": "It is the cache"}),
        "note_updates",
    ),
    "a note is not told": (lambda run: run.updates.pop(2), "note_updates"),
    "our own note is told": (
        lambda run: tell(run, "comment", "note:N1", details={"note": "N1", "text": "Looking at it"}),
        "echo",
    ),
    "our own resolve is told": (
        lambda run: tell(run, "resolved", "pagerduty:9", actor={"kind": "user", "id": PAGERLINE}),
        "echo",
    ),
    "a record of another shape": (lambda run: run.updates.append({"v": 1}), "broken_record"),
}


@pytest.mark.parametrize("fault", CARELESS)
def test_whoever_is_careless_is_found_out(fault: str) -> None:
    run = Run()
    spoil, kind = CARELESS[fault]
    spoil(run)
    verdict = run.judge()
    assert kind in {str(one) for one in verdict.by_kind}, verdict.text()


def test_a_sound_run_passes_and_says_what_was_compared() -> None:
    run = Run()
    run.updates.append(run.updates[1])  # told again after a crash, under its id
    tell(run, "reassigned", "pagerduty:8", actor={"kind": "user", "id": PAGERLINE})  # whom PagerDuty calls
    verdict = run.judge()
    assert verdict.ok, verdict.text()
    assert "two-way    1 Cases beside their incidents, 3 notes, 5 updates" in verdict.text()
    assert "every comment stands once on either side" in verdict.text()
    assert verdict.counts.repeated_records == 1


def test_a_reopened_incident_is_told_and_left_alone() -> None:
    run = Run()
    run.status = "triggered"
    tell(run, "reopened", "pagerduty:7")
    assert run.judge().ok


@pytest.mark.parametrize("change", ["merged", "deleted"])
def test_of_an_incident_that_is_gone_nothing_is_compared(change: str) -> None:
    run = Run()
    run.incidents = 0
    tell(run, change, "pagerduty:7")
    assert run.judge().ok


def test_a_resolution_of_pagerduty_must_stand_on_the_case() -> None:
    run = Run()
    run.case = run.case._replace(resolved_here=False, resolution="Restarted")
    run.notes[0] = Note("N3", "Resolution Note: Restarted")
    tell(run, "resolved", "pagerduty:3")
    tell(run, "resolution_note", "note:N3", details={"note": "N3", "text": "Restarted"})
    assert run.judge().ok
    run.case = run.case._replace(resolution=None)
    assert set(run.judge().by_kind) == {"comment_lost"}


def test_a_case_of_which_pagerduty_was_told_needs_an_incident() -> None:
    story = Story()
    one = story.case("CASE-1", "OPEN")
    story.tell(one, "delivered")
    story.deliveries[0]["destination"] = {"type": "PAGERDUTY_INCIDENTS", "id": "account:main", "connector": "two-way"}
    story.deliveries[0]["id"] = f"{one.id}@account:main"
    sides = Sides((CaseSide("CASE-1", "OPEN", None, False),), (), ())
    verdict = story.verdict(sides=sides)
    assert set(verdict.by_kind) == {"incident_count"}, verdict.text()


def test_nothing_to_compare_is_no_success() -> None:
    story = Story()
    story.done(story.alert("gk", "Triggered"))
    assert set(story.verdict(sides=Sides((), (), ())).by_kind) == {"nothing_to_verify"}


@pytest.mark.parametrize("status", STATUS)
def test_statuses_that_go_together(status: str) -> None:
    run = Run()
    run.case, run.status = run.case._replace(status=status), STATUS[status]
    assert "sides_differ" not in run.judge().by_kind


async def test_both_sides_are_read_as_they_are(tmp_path: Path) -> None:
    ada, kim = Person("ada@example.com"), "kim@example.com"
    with CaseStore(tmp_path / "cases.sqlite") as store:
        case = store.open("Checkout is slow", ada)
        store.comment(case, ada, "Looking at it")
        store.resolve(case, ada, "Rolled back")
    assert cases_of(tmp_path / "cases.sqlite") == (
        CaseSide(case, "RESOLVED", "Rolled back", True, (Comment(f"{case}-comment-1", "Looking at it", "case"),)),
    )
    async with Simulator() as simulator, aiohttp.ClientSession(base_url=simulator.api_url) as session:
        service = simulator.rest.add_service("Checkout")
        simulator.people.open(service, "of a person", kim)
        incident = {
            "type": "incident",
            "title": "Checkout is slow",
            "service": {"id": service, "type": "service_reference"},
            "incident_key": f"case/{case}",
        }
        headers = {"Authorization": "Token token=t", "From": "alex@example.com"}
        async with session.post("/incidents", json={"incident": incident}, headers=headers) as answer:
            made = (await answer.json())["incident"]["id"]
        note = simulator.people.add_note(made, kim, "It is the cache")
        simulator.people.acknowledge(made, kim)
        assert await incidents_of(session) == (
            IncidentSide(made, f"case/{case}", "acknowledged", "PUSERA1", (Note(note.id, "It is the cache"),)),
        )
