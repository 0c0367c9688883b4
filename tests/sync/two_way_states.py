"""The nine pairs of statuses that both sides may have said last, and all that may happen then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_records import a_comment, case_record

from streams.sync.done import Took, done
from streams.sync.heard import heard
from streams.sync.plan import Operation, begin, plan
from streams.sync.row import CaseIncident
from streams.sync.said import Facts, Note, Said, gone
from streams.sync.status import Status
from streams.sync.told import told
from streams.updates import Actor, Incident

NOW = 1_700_000_000_000
LINK = Incident("Q1", 1, "https://acme.pagerduty.com/incidents/Q1")
PERSON = Actor("user", "PADA", "Ada")
CASES = ("open", "acknowledged", "resolved")
INCIDENTS = ("triggered", "acknowledged", "resolved")
STATUSES = {
    "open": Status.OPEN,
    "triggered": Status.OPEN,
    "acknowledged": Status.ACKNOWLEDGED,
    "resolved": Status.RESOLVED,
}


class Clock:
    """Later each time."""

    def __init__(self) -> None:
        self.now = NOW + 1

    def tick(self) -> int:
        self.now += 5_001
        return self.now


class Sides:
    """A row in one of the nine states: what the Case said last, what PagerDuty said last."""

    def __init__(self, case: str, incident: str) -> None:
        self.clock, self.offset = Clock(), 0
        self.row = CaseIncident()
        self.case_says("OPEN")
        self.answer(facts=self.facts("triggered"), wrote=True)
        if case != "open" and incident == "acknowledged":
            self.pagerduty_says("acknowledged")
            self.case_says("ACKNOWLEDGED")
        elif incident == "acknowledged":
            self.pagerduty_says("acknowledged")
        elif case == "acknowledged":
            self.case_says("ACKNOWLEDGED")
        if case == "resolved" and incident == "resolved":
            self.case_says("RESOLVED")
            self.answer(facts=self.facts("resolved"), before=self.facts("triggered"), wrote=True)
        elif case == "resolved":
            self.case_says("RESOLVED")
        elif incident == "resolved":
            self.pagerduty_says("resolved")
        self.row = replace(self.row, updates=(), outcomes={})

    def facts(self, status: str, **more: Any) -> Facts:
        return Facts(LINK, STATUSES[status], self.clock.tick(), key="case/CASE-1", title="Checkout is slow", **more)

    def case_says(self, status: str, **more: Any) -> None:
        record = case_record(status, self.offset, timestamp=self.offset, **{"priority": None, **more})
        self.offset += 1
        self.row = heard(self.row, record, self.clock.now)

    def answer(self, **result: Any) -> None:
        operation = plan(self.row)
        assert operation is not None
        self.row = done(begin(self.row, operation), operation, Took(**result), self.clock.now)

    def pagerduty_says(self, event: str) -> Said:
        said = self._said(event)
        self.take(said)
        return said

    def take(self, said: Said) -> None:
        self.row = told(self.row, said, self.clock.now)

    def _said(self, event: str) -> Said:
        at = self.clock.tick()
        name = f"01E{at}"
        if event == "deleted":
            return gone("Q1", at)
        if event in ("note", "resolution note"):
            content = "Looking at it" if event == "note" else "Resolution Note: it was the disk"
            return Said("note", name, "Q1", at, "webhook", PERSON, note=Note(f"PN{at}", content, at, PERSON))
        statuses = {"unacknowledged": "triggered", "reopened": "triggered", "merged": "resolved"}
        status = statuses.get(event, event if event in INCIDENTS else self.there)
        into = Incident("Q9") if event == "merged" else None
        facts = replace(
            self.facts(status, merged_into=into), status_at=at, priority="P1" if event == "priority" else None
        )
        kind: Any = "resolved" if event == "merged" else event
        people = ({"id": "PADA", "name": "Ada"},) if event == "reassigned" else ()
        return Said(kind, name, "Q1", at, "webhook", PERSON, facts=facts, assignees=people)

    def case_does(self, event: str) -> None:
        now = {"open": "OPEN", "acknowledged": "ACKNOWLEDGED", "resolved": "RESOLVED"}[self.here]
        if event == "comment":
            self.case_says(now, comment=a_comment("c-1"))
        elif event == "title":
            self.case_says(now, title="Checkout is very slow")
        elif event == "resolution note":
            self.case_says("RESOLVED", resolution={"by": "USER", "note": "fixed"})
        else:
            self.case_says({"open": "OPEN", "acknowledged": "ACKNOWLEDGED", "resolved": "RESOLVED"}[event])

    @property
    def here(self) -> str:
        assert self.row.case_status is not None
        return CASES[self.row.case_status]

    @property
    def there(self) -> str:
        return "none" if self.row.status is None else INCIDENTS[self.row.status]

    @property
    def updates(self) -> list[str]:
        """What the Case is told, with `to follow` or `to know`."""
        return [
            f"{update['change']}, to {'follow' if update['apply'] else 'know'}"
            for update in self.row.updates
            if update["change"] != "synced"
        ]

    @property
    def asked(self) -> str:
        """What PagerDuty is asked next."""
        operation: Operation | None = plan(self.row)
        return "–" if operation is None else type(operation).__name__


PAGERDUTY_EVENTS = (
    "acknowledged",
    "unacknowledged",
    "resolved",
    "reopened",
    "merged",
    "deleted",
    "note",
    "resolution note",
    "reassigned",
    "priority",
)
CASE_EVENTS = ("open", "acknowledged", "resolved", "comment", "resolution note", "title")
