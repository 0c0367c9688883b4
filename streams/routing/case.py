"""What an account destination hears of a Case: its state, its resolution, and the comment that the input brings.

Shapes: Coralogix, Cases schema and timeline events. What came from PagerDuty is not told to PagerDuty again: a comment
or resolution whose actor is `pagerDuty` is left out (promise 6 of the architecture: our own changes do not come back).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from streams.events import Event
from streams.routing.links import http_url
from streams.routing.plain import blank, cut, one_line
from streams.routing.reading import mapping
from streams.routing.severity import priority_of
from streams.routing.times import iso_8601

COMMENT_LIMIT: Final = 10_000
"""Characters (Coralogix, Cases API: comments)."""

NOTE_LIMIT: Final = 2_000
"""Characters of a resolution's reason; Coralogix takes 500, other Case systems may take more."""

TITLE_LIMIT: Final = 1_024
AUTHOR_LIMIT: Final = 255

STATUSES: Final[Mapping[str, str]] = {"ACTIVE": "OPEN"}
"""Words of the Case API for statuses that notifications name otherwise."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def case_of(event: Event) -> dict[str, Any]:
    """The Case's state, as the outbox record's `case`."""
    case = mapping(event.context.get("case"))
    status = str(case.get("status"))
    if case.get("state") == "RESOLVED" and status != "CLOSED":
        status = "RESOLVED"  # the state counts, whatever the status says (schemas/cases.json)
    priority, _ = priority_of(event)
    return {
        "id": case.get("id"),
        "status": STATUSES.get(status, status),
        "title": one_line(case.get("title"), TITLE_LIMIT) or None,
        "priority": priority,
        "url": http_url(case.get("caseDetailUrl")),
        "updated_at": iso_8601(case.get("updatedAt")),
        "resolution": _resolution(case, mapping(event.context.get("caseEvent"))),
    }


def comment_of(event: Event) -> dict[str, Any] | None:
    """The comment that the input brings, as the outbox record's `comment`; None without one, or for PagerDuty's own."""
    happened = mapping(event.context.get("caseEvent"))
    comment = mapping(happened.get("eventData")).get("comment")
    if comment is None or _from_pagerduty(happened):
        return None
    said = mapping(comment)
    text = comment if isinstance(comment, str) else _first(said, "text", "comment", "content")
    text = _clean(text, COMMENT_LIMIT)
    if blank(text):
        return None
    identity = one_line(_first(said, "commentId", "id") or happened.get("eventId"), 255)
    return {
        "id": identity or event.source.id,
        "text": text,
        "author": author_of(mapping(happened.get("actor"))),
        "at": iso_8601(happened.get("eventTime")),
    }


def author_of(actor: Mapping[str, Any]) -> str | None:
    """The name of who did something, by an `actor` of a timeline event: one member, named after the kind of actor."""
    for kind, who in actor.items():
        known = mapping(who)
        for name in ("displayName", "name", "userName", "userEmail", "email", "userId", "id"):
            if shown := one_line(known.get(name), AUTHOR_LIMIT):
                return shown
        if not known and (shown := one_line(who, AUTHOR_LIMIT)):
            return shown
        return kind if who is not None else None
    return None


def _resolution(case: Mapping[str, Any], happened: Mapping[str, Any]) -> dict[str, Any] | None:
    details = mapping(case.get("resolutionDetails"))
    changed = mapping(mapping(happened.get("eventData")).get("resolutionReasonChangedEvent"))
    by = _resolver(details.get("resolvedBy"))
    if by == "USER" and not _from_pagerduty(happened):
        by = author_of(mapping(happened.get("actor"))) or by  # the event says which one
    note = _clean(changed.get("to") or details.get("reason"), NOTE_LIMIT)
    # The reason that PagerDuty's people gave is theirs already; one that somebody changed here since is news.
    theirs = _from_pagerduty(happened) or (not changed and _is_pagerduty(by))
    if blank(note) or theirs:
        note = ""
    return {"by": by, "note": note or None} if by or note else None


def _resolver(given: object) -> str | None:
    """`USER`, `SYSTEM`…, or an object with one member named after the kind of resolver."""
    if isinstance(given, Mapping):
        return author_of(given) if not _is_pagerduty(next(iter(given), None)) else "PAGERDUTY"
    return one_line(given, AUTHOR_LIMIT) or None


def _from_pagerduty(happened: Mapping[str, Any]) -> bool:
    return mapping(happened.get("actor")).get("pagerDuty") is not None


def _is_pagerduty(word: object) -> bool:
    return isinstance(word, str) and word.replace("_", "").lower() == "pagerduty"


def _first(known: Mapping[str, Any], *names: str) -> Any:
    return next((known[name] for name in names if known.get(name) is not None), None)


def _clean(given: object, limit: int) -> str:
    """A text of several lines without what is not text."""
    if not isinstance(given, str):
        return one_line(given, limit)
    text = _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", given[: limit * 4].replace("\r\n", "\n")))
    return cut(text.strip(), limit)
