"""Both sides of Cases as they are: the Case system's own file, and the incidents of the simulator's account."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

KEYS: Final = "case/"
"""What incident keys of Cases begin with (docs/two-way.md)."""

PAGE: Final = 100
HEADERS: Final = {"Authorization": "Token token=of-the-verifier"}
"""The simulator knows every token unless it is told which; this one has a rate limit of its own."""


class Comment(NamedTuple):
    """A comment of a Case. origin: `case`, or `pagerduty` for one that came from there."""

    id: str
    text: str
    origin: str


class Note(NamedTuple):
    """A note of an incident."""

    id: str
    text: str


class CaseSide(NamedTuple):
    """A Case as the Case system has it. resolution: its note; resolved_here: whether a person resolved it there."""

    id: str
    status: str
    resolution: str | None
    resolved_here: bool
    comments: tuple[Comment, ...] = ()


class IncidentSide(NamedTuple):
    """An incident as PagerDuty has it. opened_by: the id of the user who opened it."""

    id: str
    key: str
    status: str
    opened_by: str | None
    notes: tuple[Note, ...] = ()


class Sides(NamedTuple):
    """What the two-way part is judged by. updates: the values of topic `case-updates`, in their order for each Case."""

    cases: tuple[CaseSide, ...]
    incidents: tuple[IncidentSide, ...]
    updates: tuple[bytes | None, ...]


def cases_of(path: Path) -> tuple[CaseSide, ...]:
    """The Cases in a file of the sample Case system. Raises sqlite3.Error when there is no such file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        comments: dict[str, list[Comment]] = {}
        for case, *fields in file.execute("SELECT case_id, id, text, origin FROM comments ORDER BY at, rowid"):
            comments.setdefault(case, []).append(Comment(*fields))
        rows = file.execute("SELECT id, status, resolution, resolved_by FROM cases ORDER BY rowid")
        return tuple(
            CaseSide(case, status, resolution, by == "USER", tuple(comments.get(case, ())))
            for case, status, resolution, by in rows
        )


async def incidents_of(session: aiohttp.ClientSession) -> tuple[IncidentSide, ...]:
    """The account's incidents that have a Case's key, oldest first. `session` has the simulator's base URL."""
    found = []
    async for one in _all(session, "/incidents?date_range=all", "incidents"):
        if not str(one.get("incident_key") or "").startswith(KEYS):
            continue
        path = f"/incidents/{one['id']}"
        opened = [
            entry["agent"]["id"]
            async for entry in _all(session, f"{path}/log_entries?", "log_entries")
            if entry["type"] == "trigger_log_entry"
        ]
        notes = (await _get(session, f"{path}/notes"))["notes"]
        found.append(
            IncidentSide(
                one["id"],
                one["incident_key"],
                one["status"],
                opened[-1] if opened else None,
                tuple(Note(note["id"], note["content"]) for note in notes),
            )
        )
    return tuple(found)


async def _all(session: aiohttp.ClientSession, path: str, member: str) -> AsyncIterator[dict[str, Any]]:
    """All pages of a list. `path` ends where a parameter may follow."""
    offset, more = 0, True
    while more:
        page = await _get(session, f"{path}&limit={PAGE}&offset={offset}")
        for one in page[member]:
            yield one
        offset, more = offset + PAGE, page["more"]


async def _get(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(path, headers=HEADERS) as answer:
        answer.raise_for_status()
        return orjson.loads(await answer.read())
