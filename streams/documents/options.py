"""How a connector's destinations are served: what its document may say under `options`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, Self

DEFAULT_RATE_LIMIT: Final = 120
"""Events a minute for one integration key (PagerDuty Events API v2, rate limits)."""
MOST_RATE_LIMIT: Final = 10_000
"""Events a minute: what PagerDuty grants on request to accounts with AIOps."""
MOST_RESERVE: Final = 90
MOST_FOLD: Final = 1_000_000

Brief = Literal["skip", "send"]
Region = Literal["us", "eu"]
"""PagerDuty's service regions."""

EVENTS_URLS: Final[Mapping[Region, str]] = {
    "us": "https://events.pagerduty.com",
    "eu": "https://events.eu.pagerduty.com",
}
"""Base URLs of Events API v2 (PagerDuty, service regions)."""


@dataclass(frozen=True, slots=True)
class Options:
    """rateLimit: events a minute for each destination. reservePercent: share kept for unpaged critical triggers.
    briefIncidents: whether an incident that was over while it waited, and not critical, is sent all the same.
    foldAbove: how many triggers of low severity may wait before a digest tells of them (0: never). foldSummary: the
    digest's summary as a template, None for the built-in one. region, baseUrl: where its events go; neither: where
    PAGERLINE_EVENTS_URL says.

    The members bear their names in documents.
    """

    rateLimit: int = DEFAULT_RATE_LIMIT
    reservePercent: int = 15
    briefIncidents: Brief = "skip"
    foldAbove: int = 0
    foldSummary: str | None = None
    region: Region | None = None
    baseUrl: str | None = None

    @property
    def events_url(self) -> str | None:
        """The base URL of the events API for this connector, without a path; None: the worker's own setting."""
        return self.baseUrl or (EVENTS_URLS[self.region] if self.region else None)

    def to_json(self) -> dict[str, Any]:
        """What a document says: the rate limit, and what differs from the defaults."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        kept = {name: value for name, value in found.items() if value != getattr(DEFAULTS, name)}
        return {"rateLimit": self.rateLimit, **kept}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read it back; members of a later version are left out."""
        return cls(**{one.name: value[one.name] for one in fields(cls) if one.name in value})

    def for_outbox(self) -> dict[str, Any]:
        """What the dispatcher must know beside the limit: members of an outbox record."""
        found: dict[str, Any] = {}
        if self.reservePercent != DEFAULTS.reservePercent:
            found["reserve"] = self.reservePercent / 100
        if self.briefIncidents == "send":
            found["brief"] = "send"
        if self.events_url is not None:
            found["events_url"] = self.events_url
        if self.foldAbove:
            found["fold"] = {"above": self.foldAbove, "summary": self.foldSummary}
        return found


DEFAULTS: Final = Options()
