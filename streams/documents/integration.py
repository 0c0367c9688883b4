"""An integration: an account of PagerDuty that the bi-directional path speaks to, over REST and by webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from streams.documents.options import Region
from streams.documents.secrets import Secret

__all__ = ["API_URLS", "DEFAULT_RATE_LIMIT", "Integration", "Region", "api_url_of"]

API_URLS: Final[Mapping[Region, str]] = {"us": "https://api.pagerduty.com", "eu": "https://api.eu.pagerduty.com"}
"""Base URLs of REST API v2 (PagerDuty, service regions)."""

DEFAULT_RATE_LIMIT: Final = 960
"""Requests a minute for one REST token (PagerDuty REST API v2, rate limits)."""


@dataclass(frozen=True, slots=True)
class Integration:
    """One account-level integration.

    token: the REST API token. from_email: a user of the account, for the `From` header. base_url: None for the
    region's own. webhook_secrets: those that a webhook's signature may be made with, any of them. services: known
    services, name to id; a name that is not there is asked for over REST. rate_limit: requests a minute.
    subscription: the id of the webhook subscription, where it is known. `version` counts the changes written.
    """

    id: str
    name: str
    token: Secret
    from_email: str
    region: Region = "us"
    base_url: str | None = None
    webhook_secrets: tuple[Secret, ...] = ()
    services: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rate_limit: int = DEFAULT_RATE_LIMIT
    subscription: str | None = None
    version: int = 0

    @property
    def api_url(self) -> str:
        """The base URL of its REST API, without a path."""
        return self.base_url or API_URLS[self.region]

    @property
    def destination(self) -> str:
        """Its id as a destination: `account:<id>`, never a secret."""
        return f"account:{self.id}"

    def keeping(self, before: Integration) -> Integration:
        """This one with the subscription and secrets of the one before it, where it names none: `pagerline doctor` has
        stored them there, and PagerDuty does not show them again."""
        return replace(
            self,
            subscription=self.subscription or before.subscription,
            webhook_secrets=self.webhook_secrets or before.webhook_secrets,
        )

    def same_content(self, other: Integration) -> bool:
        """Whether they differ in nothing but the version."""
        return replace(self, version=0) == replace(other, version=0)


def api_url_of(integration: Integration, setting: str) -> str:
    """The base URL of an integration's REST API: what its document says, then PAGERLINE_API_URL, then its region's."""
    if integration.base_url is None and setting != API_URLS["us"]:
        return setting
    return integration.api_url
