"""Webhook subscriptions: who is told of what, and whether PagerDuty has given up on them.

Sources: OpenAPI of /webhook_subscriptions, developer docs "Webhooks, Behavior", support page "Webhooks".
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from streams.sandbox.pagerduty.ids import base36

FilterType = Literal["account_reference", "service_reference", "team_reference"]

PER_SCOPE: Final = 10
"""Subscriptions of one service, team or account (support page "Webhooks")."""
DROPS_TO_DISABLE: Final = 3
"""Dropped webhooks in a row after which a subscription is disabled (developer docs "Webhooks, Behavior")."""
DISABLED_MS: Final = 24 * 3600 * 1000


class LimitReached(ValueError):
    """The scope has all the subscriptions it may have."""


@dataclass(slots=True)
class Subscription:
    """events: the types it is told of. filter_id: of the service or team; None for the account."""

    id: str
    delivery_id: str
    url: str
    events: tuple[str, ...]
    filter_type: FilterType
    filter_id: str | None
    description: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: list[str] = field(default_factory=list, repr=False)
    """Newest last; a webhook is signed with each."""
    active: bool = True
    disabled_until: int | None = None
    """Milliseconds since the epoch; None: PagerDuty has not disabled it."""
    dropped_in_a_row: int = 0

    @property
    def secret(self) -> str:
        """The newest one."""
        return self.secrets[-1]

    def disabled(self, now: int) -> bool:
        """`temporarily_disabled`."""
        return self.disabled_until is not None and now < self.disabled_until

    def wants(self, event_type: str, service_id: str | None, team_id: str | None) -> bool:
        """Whether it is told of an event of this type, service and team. An unknown type is told to everybody."""
        if not self.active:
            return False
        if self.filter_type == "service_reference":
            return event_type in self.events and self.filter_id == service_id
        if self.filter_type == "team_reference":
            return event_type in self.events and self.filter_id == team_id
        return event_type in self.events


class Subscriptions:
    """The subscriptions of the account. They outlive a reset, as the set-up does."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._made = 0
        self._all: dict[str, Subscription] = {}

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def get(self, subscription_id: str) -> Subscription | None:
        return self._all.get(subscription_id)

    def add(
        self,
        url: str,
        events: Sequence[str],
        *,
        filter_type: FilterType = "account_reference",
        filter_id: str | None = None,
        description: str = "",
        headers: Sequence[tuple[str, str]] = (),
        secret: str | None = None,
    ) -> Subscription:
        """Subscribe. Raises LimitReached when the scope has ten, ValueError for a filter that there is not."""
        if filter_type not in get_args(FilterType):
            raise ValueError(f"filter type is {filter_type!r}; it must be one of {', '.join(get_args(FilterType))}")
        scope = (filter_type, filter_id)
        if sum((one.filter_type, one.filter_id) == scope for one in self) >= PER_SCOPE:
            raise LimitReached(f"there are {PER_SCOPE} subscriptions of this scope already")
        self._made += 1
        subscription = Subscription(
            id=f"PW{base36(self._made, 5)}",
            delivery_id=f"PD{base36(self._made, 5)}",
            url=url,
            events=tuple(events),
            filter_type=filter_type,
            filter_id=filter_id,
            description=description,
            headers=tuple(headers),
            secrets=[secret or self.new_secret()],
        )
        self._all[subscription.id] = subscription
        return subscription

    def remove(self, subscription_id: str) -> bool:
        return self._all.pop(subscription_id, None) is not None

    def clear(self) -> None:
        self._all.clear()

    def new_secret(self) -> str:
        """64 characters that look like base64, as PagerDuty's do."""
        return base64.b64encode(self._rng.randbytes(48)).decode()
