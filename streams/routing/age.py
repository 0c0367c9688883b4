"""Backfill safety: what is too old to page anybody for.

A new consumer group, a topic that is read again, or one that was loaded from a dump holds the alerts of yesterday. An
event's time is what its record and its document say; a clock that is wrong must not silence a page, so by default an
event is too old only when both say so. A topic that is produced again has fresh records around old documents: where
that is about to happen, `document` lets the document's time alone decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from streams.events import Event
from streams.moments import moment_of
from streams.routing.reading import groups_of, mapping
from streams.routing.times import milliseconds

EventTime = Literal["newest", "document"]

AHEAD_MS: Final = 3_600_000
"""A time this far in the future is not believed: no clock that anybody looks after is an hour ahead, and an event dated
next year would stay fresh until then."""

EARLIEST_MS: Final = 946_684_800_000
"""2000-01-01: a time before is a clock that was never set, or no time at all."""

GROUPS_READ: Final = 100
"""Groups whose times are read; an alert of more is not younger for it."""


@dataclass(frozen=True, slots=True)
class TooOld:
    """What is too old at this moment: `now_ms` since the epoch, and the age in ms that is still sent."""

    now_ms: int
    limit_ms: int
    by: EventTime = "newest"

    def why(self, event: Event) -> str | None:
        """Why the event is too old, for a person; None when it is not, or nothing tells."""
        if self.by == "newest" and 0 <= self.now_ms - event.source.timestamp <= self.limit_ms:
            return None  # as nearly all are: spares them the reading of the document
        times = dict(self._believed(event))
        if self.by == "document" and any(name != RECORD for name in times):
            times.pop(RECORD, None)
        if not times:
            return None
        name = max(times, key=lambda one: times[one])
        age = self.now_ms - times[name]
        if age <= self.limit_ms:
            return None
        return f"{name} says {_shown(times[name])}, {_long(age)} ago; the limit is {_long(self.limit_ms)}"

    def _believed(self, event: Event) -> Iterator[tuple[str, int]]:
        for name, at in event_times(event):
            if EARLIEST_MS <= at <= self.now_ms + AHEAD_MS:
                yield name, at


RECORD: Final = "the record's timestamp"


def event_times(event: Event) -> Iterator[tuple[str, int]]:
    """What tells when an event happened: names for a person, and ms since the epoch."""
    yield RECORD, event.source.timestamp
    for path, given in _document(event.kind, event.context):
        if given is not None and (at := milliseconds(given)) is not None:
            yield path, at


def _document(kind: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if kind == "alert":
        alert = mapping(document.get("alert"))
        yield "alert.timestamp", alert.get("timestamp")
        for group in groups_of(alert)[:GROUPS_READ]:
            details = mapping(group.get("details"))
            figures = mapping(details.get(str(details.get("$type"))))
            # The end of the time window that met the condition; it moves on while an alert goes on.
            yield "alert.groups[].details.toTimestamp", figures.get("toTimestamp")
        return
    case, happened = mapping(document.get("case")), mapping(document.get("caseEvent"))
    yield "caseEvent.eventTime", happened.get("eventTime")
    for name in ("updatedAt", "acknowledgedAt", "createdAt"):
        yield f"case.{name}", case.get(name)
    yield "case.resolutionDetails.resolvedAt", mapping(case.get("resolutionDetails")).get("resolvedAt")


def _shown(at: int) -> str:
    return moment_of(at).strftime("%Y-%m-%d %H:%M:%S UTC")


def _long(ms: int) -> str:
    for unit, size in (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:,.3g} {unit}" if ms < 1000 * size else f"{ms // size:,} {unit}"
    return f"{ms / 1000:,.3g} seconds"
