"""One row of table `cases`: how a Case and its incidents stand, by what `case-updates` has told. Pure.

    row = CaseRow("CASE-1").after(update, recorded_at)

A Case has one link for each account that it is routed to; nearly always that is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

from streams.updates import (
    Actor,
    CaseStatus,
    Change,
    Incident,
    IncidentStatus,
    Service,
    Trouble,
    Update,
    known,
)

IDS_KEPT: Final = 200
"""Ids of updates that a row remembers. A repetition is written when a worker has been killed before it could commit,
hence among what one Case has had in that last second; 200 is far more, and some 8 kB a row at most."""

COMMENTS_KEPT: Final = 50
"""Comments that a row names; all of them are counted. The texts are in `case-updates`."""

TROUBLES_KEPT: Final = 10
"""Conflicts that a link remembers after they are over, for whoever asks in the morning what happened at night."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A note of the incident that was seen. `at`: PagerDuty's time in ms since the epoch."""

    note: str | None
    author: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Link:
    """A Case at one account.

    `linked`: whether changes go both ways now. `comments` are the newest, oldest first, `comments_total` counts all.
    `synced_at`: when PagerDuty last took what the Case said. `cursor`: the newest change at PagerDuty that was found.
    `conflicts`: those that are over, oldest first. Times are ms since the epoch, None: never.
    """

    destination: str
    connector: str | None = None
    linked: bool = False
    incident: Incident | None = None
    incident_status: IncidentStatus | None = None
    service: Service | None = None
    assignees: tuple[str, ...] = ()
    priority: str | None = None
    comments: tuple[Comment, ...] = ()
    comments_total: int = 0
    synced_at: int | None = None
    cursor: int | None = None
    error: Trouble | None = None
    conflict: Trouble | None = None
    conflicts: tuple[Trouble, ...] = ()
    merged_into: str | None = None

    def after(self, update: Update) -> Self:
        """The link once this update, which is news, is part of it."""
        state, details = update.state, update.details or {}
        link = replace(
            self,
            connector=state.connector or self.connector,
            incident=update.incident or self.incident,
            incident_status=state.incident_status,
            service=state.service or self.service,
            error=state.error,
            conflict=state.conflict,
            linked=self._linked_after(update),
        )
        if self.conflict is not None and self.conflict != state.conflict:
            link = replace(link, conflicts=(*self.conflicts, self.conflict)[-TROUBLES_KEPT:])
        if update.found_by != "answer":
            link = replace(link, cursor=max(update.at, self.cursor or 0))
        match update.change:
            case "linked":
                return replace(link, merged_into=None)
            case "synced":
                return replace(link, synced_at=update.at)
            case "comment" | "resolution_note":
                return link._with_comment(details.get("note"), update)
            case "reassigned":
                return replace(link, assignees=tuple(_person(one) for one in details.get("assignees", ())))
            case "priority":
                return replace(link, priority=details.get("priority"))
            case "merged":
                return replace(link, merged_into=details.get("into"))
            case _:
                return link

    def _linked_after(self, update: Update) -> bool:
        """Whether changes go both ways: from the link on, until the incident is gone or part of another one.

        The first that is heard of an incident counts as its link: the table may be younger than the link.
        """
        match update.change:
            case "linked":
                return True
            case "merged" | "deleted":
                return False
            case _:
                return self.linked or (self.incident is None and update.incident is not None)

    def _with_comment(self, note: str | None, update: Update) -> Self:
        if note is not None and any(one.note == note for one in self.comments):
            return self  # a resolution note is a comment too, and may be told as both
        actor = update.actor
        author = None if actor is None else actor.name or actor.email or actor.id
        comment = Comment(note, author, update.at)
        return replace(
            self, comments=(*self.comments, comment)[-COMMENTS_KEPT:], comments_total=self.comments_total + 1
        )

    def to_json(self) -> dict[str, Any]:
        """For the table; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises KeyError or TypeError when `value` is not what `to_json` wrote."""
        return cls(
            **{
                **value,
                "incident": known(Incident, value["incident"]),
                "service": known(Service, value["service"]),
                "assignees": tuple(value["assignees"]),
                "comments": tuple(Comment(**one) for one in value["comments"]),
                "error": known(Trouble, value["error"]),
                "conflict": known(Trouble, value["conflict"]),
                "conflicts": tuple(Trouble(**one) for one in value["conflicts"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Last:
    """The newest update. `at`: PagerDuty's time in ms since the epoch."""

    id: str
    change: Change
    actor: Actor | None
    at: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A Case. `links` by destination; `ids` are those of the newest updates, oldest first; `at`: when the row last
    changed, in ms since the epoch."""

    case: str
    case_status: CaseStatus | None = None
    links: Mapping[str, Link] = field(default_factory=dict)
    last: Last | None = None
    updates: int = 0
    ids: tuple[str, ...] = ()
    at: int = 0

    def after(self, update: Update, recorded_at: int) -> Self:
        """The row once this update is part of it; the row itself when it was already.

        `recorded_at`: when the update was written, in ms since the epoch. Updates of a Case come in order; a repetition
        is known by its id.
        """
        if update.id in self.ids:
            return self
        destination = update.state.destination
        link = self.links.get(destination, Link(destination)).after(update)
        return replace(
            self,
            case_status=update.state.case_status or self.case_status,
            links={**self.links, destination: link},
            last=Last(update.id, update.change, update.actor, update.at),
            updates=self.updates + 1,
            ids=(*self.ids, update.id)[-IDS_KEPT:],
            at=max(self.at, recorded_at),
        )

    @property
    def linked(self) -> bool:
        """Whether any of its incidents follows it."""
        return any(link.linked for link in self.links.values())

    @property
    def in_conflict(self) -> bool:
        """Whether the sides differ somewhere and are left so."""
        return any(link.conflict is not None for link in self.links.values())

    @property
    def failing(self) -> bool:
        """Whether PagerDuty has not taken something that the Case said."""
        return any(link.error is not None for link in self.links.values())

    @property
    def over(self) -> bool:
        """Whether nothing more is expected: both sides are at their end."""
        return self.case_status in ("RESOLVED", "CLOSED") and all(
            link.incident_status in ("resolved", None) for link in self.links.values()
        )

    def to_json(self) -> dict[str, Any]:
        """For the table and for people; `from_json` reads it back."""
        return {
            "v": 1,
            "case": self.case,
            "case_status": self.case_status,
            "linked": self.linked,
            "links": {name: link.to_json() for name, link in self.links.items()},
            "last": None if self.last is None else asdict(self.last),
            "updates": self.updates,
            "ids": list(self.ids),
            "at": self.at,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises KeyError or TypeError when `value` is not what `to_json` wrote."""
        last = value["last"]
        return cls(
            case=value["case"],
            case_status=value["case_status"],
            links={name: Link.from_json(link) for name, link in value["links"].items()},
            last=None if last is None else Last(**{**last, "actor": known(Actor, last["actor"])}),
            updates=value["updates"],
            ids=tuple(value["ids"]),
            at=value["at"],
        )


def _person(value: Mapping[str, Any]) -> str:
    return str(value.get("name") or value.get("email") or value.get("id") or "?")
