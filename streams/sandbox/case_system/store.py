"""Cases in one SQLite file: each change, by a person or from PagerDuty, is one transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

import orjson

from streams.errors import PagerlineError
from streams.sandbox.case_system.notice import Outside, Person, Who, notice
from streams.updates import Update

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS cases (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT, status TEXT NOT NULL, priority TEXT, assignee TEXT,
    connector TEXT, resolution TEXT, resolved_by TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    acknowledged_at INTEGER, resolved_at INTEGER, incident TEXT);
CREATE TABLE IF NOT EXISTS comments (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases, author TEXT NOT NULL, text TEXT NOT NULL,
    origin TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS applied (update_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS notices (
    number INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL, value BLOB NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS unsent ON notices (number) WHERE sent = 0;
"""

NEXT: Final[Mapping[str, frozenset[str]]] = {
    "OPEN": frozenset({"ACKNOWLEDGED", "RESOLVED", "CLOSED"}),
    "ACKNOWLEDGED": frozenset({"OPEN", "RESOLVED", "CLOSED"}),
    "RESOLVED": frozenset({"CLOSED"}),
    "CLOSED": frozenset(),
}
"""The statuses that each may be followed by. A resolved Case is not opened again: a new one is."""

BUSY_SECONDS: Final = 10.0
"""For another process's transaction: a command's is over in milliseconds."""

Applied = Literal["applied", "nothing to do", "repeated", "unknown case"]


class CaseRefused(PagerlineError):
    """The Case is not there, or not in a status that allows it."""


class Unsent(NamedTuple):
    """A notice that is to be sent under its Case's id."""

    number: int
    case: str
    value: bytes


class CaseStore:
    """The Case system's file. `clock` gives seconds since the epoch. Several processes may have it open."""

    def __init__(self, path: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- what people do -----------------------------------------------------------------------------------------

    def open(
        self,
        title: str,
        who: Person,
        *,
        case: str | None = None,
        description: str = "",
        priority: str = "P3",
        connector: str | None = None,
    ) -> str:
        """Open a Case; returns its id. `connector`: the one its notices name; None: routing decides."""
        with self._transaction() as now:
            count: int = self._db.execute("SELECT count(*) FROM cases").fetchone()[0]
            identity = case or f"CASE-{count + 1}"
            self._db.execute(
                "INSERT INTO cases (id, title, description, status, priority, connector, created_at, updated_at) "
                "VALUES (?, ?, ?, 'OPEN', ?, ?, ?, ?)",
                (identity, title, description, priority, connector, now, now),
            )
            self._tell(identity, "caseCreated", {"created": {}}, who, now)
        return identity

    def acknowledge(self, case: str, who: Person) -> None:
        """Take a Case. This and what follows raise CaseRefused when the Case's status does not allow it."""
        with self._transaction() as now:
            self._move(case, "ACKNOWLEDGED", who, now)

    def unacknowledge(self, case: str, who: Person) -> None:
        """Give it back."""
        with self._transaction() as now:
            self._move(case, "OPEN", who, now)

    def resolve(self, case: str, who: Person, reason: str | None = None) -> None:
        """Resolve it; `reason`: the resolution note."""
        with self._transaction() as now:
            self._move(case, "RESOLVED", who, now, **({"resolution": reason} if reason else {}))

    def finish(self, case: str, who: Person) -> None:
        """Close it."""
        with self._transaction() as now:
            self._move(case, "CLOSED", who, now)

    def comment(self, case: str, who: Person, text: str) -> str:
        """Comment on it; returns the comment's id."""
        with self._transaction() as now:
            count: int = self._db.execute("SELECT count(*) FROM comments WHERE case_id = ?", (case,)).fetchone()[0]
            identity = f"{case}-comment-{count + 1}"
            self._comment(case, identity, text, who, now)
        return identity

    def prioritise(self, case: str, who: Person, priority: str) -> None:
        """Give it another priority, P1 to P5."""
        with self._transaction() as now:
            before = self.case(case)["priority"]
            self._change(case, now, priority=priority)
            changed = {"from": {"system": before}, "to": {"system": before, "override": priority}}
            self._tell(case, "casePriorityChanged", {"priorityDetailsChanged": changed}, who, now)

    # -- what comes from PagerDuty ------------------------------------------------------------------------------

    def apply(self, update: Update) -> Applied:
        """Apply an update of topic `case-updates`, once: what it changes and its id are written together."""
        with self._transaction() as now:
            new = self._db.execute("INSERT OR IGNORE INTO applied VALUES (?)", (update.id,)).rowcount
            if not new:
                return "repeated"
            if not self._knows(update.case):
                return "unknown case"
            if update.incident is not None and update.change == "linked":
                self._change(update.case, now, incident=update.incident.url or update.incident.id)
            if not update.apply:
                return "nothing to do"
            return "applied" if self._follow(update, Outside(update.actor), now) else "nothing to do"

    def _follow(self, update: Update, who: Outside, now: int) -> bool:
        """Do to the Case what was done to its incident; whether that changed anything."""
        case, details = update.case, update.details or {}
        status, text = self.case(case)["status"], str(details.get("text") or "")
        match update.change:
            case "acknowledged" if status == "OPEN":
                self._move(case, "ACKNOWLEDGED", who, now)
            case "unacknowledged" if status == "ACKNOWLEDGED":
                self._move(case, "OPEN", who, now)
            case "resolved" if "RESOLVED" in NEXT[status]:
                self._move(case, "RESOLVED", who, now)
            case "comment":
                self._comment(case, f"note:{details.get('note') or update.id}", text, who, now)
            case "resolution_note":
                self._resolution(case, text, who, now)
            case "reassigned":
                people = details.get("assignees") or [{}]
                self._change(case, now, assignee=people[0].get("email") or people[0].get("name"))
                self._tell(case, "caseAssigned", {"assigned": {}}, who, now)
            case _:
                return False
        return True

    # -- looking ------------------------------------------------------------------------------------------------

    def case(self, case: str) -> dict[str, Any]:
        """A Case as it is. Raises CaseRefused when there is none."""
        row = self._db.execute("SELECT * FROM cases WHERE id = ?", (case,)).fetchone()
        if row is None:
            raise CaseRefused(f"there is no Case {case}")
        return dict(row)

    def cases(self) -> list[dict[str, Any]]:
        """All of them, the oldest first."""
        return [dict(row) for row in self._db.execute("SELECT * FROM cases ORDER BY created_at, rowid")]

    def comments(self, case: str) -> list[dict[str, Any]]:
        """A Case's comments in their order; `origin`: `case` or `pagerduty`."""
        found = self._db.execute("SELECT * FROM comments WHERE case_id = ? ORDER BY at, rowid", (case,))
        return [dict(row) for row in found]

    def unsent(self, most: int) -> list[Unsent]:
        """The oldest notices that are not sent yet."""
        found = self._db.execute(
            "SELECT number, case_id, value FROM notices WHERE sent = 0 ORDER BY number LIMIT ?", (most,)
        )
        return [Unsent(*row) for row in found]

    def sent(self, number: int) -> None:
        """A notice is on its topic."""
        self._db.execute("UPDATE notices SET sent = 1 WHERE number = ?", (number,))

    # -- one transaction ----------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[int]:
        """Gives the time in ms since the epoch; what is done inside is done whole or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield round(self._clock() * 1000)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _knows(self, case: str) -> bool:
        return self._db.execute("SELECT 1 FROM cases WHERE id = ?", (case,)).fetchone() is not None

    def _change(self, case: str, now: int, **columns: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in (*columns, "updated_at"))
        self._db.execute(f"UPDATE cases SET {names} WHERE id = ?", (*columns.values(), now, case))

    def _move(self, case: str, status: str, who: Who, now: int, **more: Any) -> None:
        before = self.case(case)["status"]
        if status not in NEXT[before]:
            raise CaseRefused(f"{case} is {before} and cannot become {status}")
        subtype = "caseActivated"
        changes: dict[str, Any] = {"status": status, **more}
        match status:
            case "ACKNOWLEDGED":
                subtype = "caseAcknowledged"
                changes |= {"acknowledged_at": now, "assignee": who.name}
            case "RESOLVED":
                subtype = "caseResolved"
                by = "USER" if isinstance(who, Person) else "PAGERDUTY"
                changes |= {"resolved_at": now, "resolved_by": by}
            case "CLOSED":
                subtype = "caseClosed"
        self._change(case, now, **changes)
        self._tell(case, subtype, {"statusChanged": {"oldStatus": before, "newStatus": status}}, who, now)

    def _comment(self, case: str, identity: str, text: str, who: Who, now: int) -> None:
        self.case(case)
        origin = "case" if isinstance(who, Person) else "pagerduty"
        self._db.execute(
            "INSERT OR IGNORE INTO comments VALUES (?, ?, ?, ?, ?, ?)", (identity, case, who.name, text, origin, now)
        )
        self._change(case, now)
        self._tell(case, "caseCommented", {"comment": {"commentId": identity, "text": text}}, who, now)

    def _resolution(self, case: str, reason: str, who: Who, now: int) -> None:
        before = self.case(case)["resolution"]
        self._change(case, now, resolution=reason)
        self._tell(case, "caseUpdated", {"resolutionReasonChangedEvent": {"from": before, "to": reason}}, who, now)

    def _tell(self, case: str, subtype: str, data: Mapping[str, Any], who: Who, now: int) -> None:
        count: int = self._db.execute("SELECT count(*) FROM notices WHERE case_id = ?", (case,)).fetchone()[0]
        value = notice(self.case(case), f"{case}-{count + 1}", subtype, data, who, now)
        self._db.execute("INSERT INTO notices (case_id, value) VALUES (?, ?)", (case, orjson.dumps(value)))
