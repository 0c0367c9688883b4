"""The other side of a Case: its incident at an account, and what people did to it there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.explain.findings import Record
from streams.explain.story import Known, Update
from streams.explain.words import safe

PARTS: Final = {
    "create": "the incident is to be made",
    "acknowledge": "it is to be acknowledged",
    "unacknowledge": "its acknowledgement is to be taken back",
    "resolve": "it is to be resolved",
    "fields": "title or priority are to be changed",
}


def known_of(destination: str, row: Record) -> Known:
    """How a destination stands by its row, a Case's incident included."""
    link, service = row.get("link") or {}, row.get("service") or {}
    return Known(
        destination,
        row.get("state") or "none",
        row.get("closed_at"),
        incident=link.get("id"),
        number=link.get("number"),
        url=link.get("url"),
        service=_optional(service.get("name") or service.get("id")),
        error=_trouble(row.get("error")),
        conflict=_trouble(row.get("conflict")),
    )


def in_case_row(number: int, row: Record) -> tuple[str, str] | None:
    """Why a Case's input waits, by its row; None where the row is no Case's."""
    waiting = row.get("waiting") or ()
    if number >= len(waiting):
        return None
    parts = [PARTS.get(part, "a comment is to be added") for part in waiting[number].get("parts") or ()]
    what = " and ".join(dict.fromkeys(parts)) or "PagerDuty is to be asked"
    if (error := _trouble(row.get("error"))) is not None:
        return "retrying", f"PagerDuty has not done it so far ({error}): {what}"
    if row.get("asked") or row.get("tried"):
        return "retrying", f"PagerDuty was asked and has not done it so far, it is asked again: {what}"
    return "its_turn", f"waits for its turn at the account: {what}"


def updates_of(records: Iterable[Record]) -> tuple[Update, ...]:
    """What PagerDuty said, each once (a record may come twice), in the order of its own times."""
    found = {record["id"]: _update(record) for record in records}
    return tuple(sorted(found.values(), key=lambda one: (one.at, one.recorded_at)))


def _update(record: Record) -> Update:
    return Update(
        at=record["at"],
        recorded_at=record["recorded_at"],
        change=record["change"],
        apply=bool(record.get("apply")),
        by=_actor(record.get("actor")),
        found_by=record["found_by"],
        message=_message(record),
        destination=record["state"]["destination"],
    )


def _actor(actor: Mapping[str, Any] | None) -> str | None:
    if actor is None:
        return None
    name = actor.get("name") or actor.get("email") or actor.get("id") or "somebody"
    return safe(name) if actor.get("kind") == "user" else f"{actor.get('kind')} {safe(name)}"


def _message(record: Record) -> str:
    """What the change is about, in words; empty where its name says it."""
    details, incident = record.get("details") or {}, record.get("incident") or {}
    if record["change"] == "linked" and incident:
        number = f"incident {incident['number']}" if incident.get("number") is not None else incident["id"]
        return number + (f", {incident['url']}" if incident.get("url") else "")
    for name in ("text", "message", "priority"):
        if isinstance(details.get(name), str):
            return safe(details[name])
    if assignees := details.get("assignees"):
        return "to " + ", ".join(_actor({"kind": "user", **one}) or "" for one in assignees if isinstance(one, Mapping))
    return f"into {details['into']}" if isinstance(details.get("into"), str) else ""


def _trouble(trouble: Mapping[str, Any] | None) -> str | None:
    return None if trouble is None else f"{trouble['reason']}: {safe(trouble['message'])}"


def _optional(text: str | None) -> str | None:
    return None if text is None else safe(text)
