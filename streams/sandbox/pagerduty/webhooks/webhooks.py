"""Webhooks v3 of the account: from what happened to webhooks on their way, and the trouble that may be ordered."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from streams.sandbox.pagerduty.card import Happening, card_of
from streams.sandbox.pagerduty.clock import Clock
from streams.sandbox.pagerduty.directory import TechnicalService, User
from streams.sandbox.pagerduty.ids import base36
from streams.sandbox.pagerduty.incidents import Incident
from streams.sandbox.pagerduty.shapes import Json, Shapes
from streams.sandbox.pagerduty.webhooks.deliveries import TIMEOUT_S, Attempt, Attempts, Outcome, Retries, Webhook
from streams.sandbox.pagerduty.webhooks.events import EVENT_TYPES, PING, EventBodies
from streams.sandbox.pagerduty.webhooks.subscriptions import (
    DISABLED_MS,
    DROPS_TO_DISABLE,
    FilterType,
    Subscription,
    Subscriptions,
)

TRIM_AT = 10_000
"""Characters of a note in a webhook. That PagerDuty cuts them is documented, where is not."""


@dataclass(slots=True)
class Switches:
    """Trouble of the network between PagerDuty and a receiver."""

    double: float = 0.0
    """The share of webhooks that come twice, 0 to 1."""
    delay_s: float = 0.0
    """How late every webhook is sent."""
    reorder_s: float = 0.0
    """Up to so much later still, at random: webhooks of different incidents overtake each other."""
    lose: int | None = 0
    """So many more webhooks get lost; None: all."""
    hold: bool = False
    """Nothing is sent until it is False again."""


class Webhooks:
    """Subscriptions, the webhooks that they are told by, and switches. `send` is where webhooks go."""

    def __init__(self, shapes: Shapes, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._ids = count(1)
        self.subscriptions = Subscriptions(rng)
        self.bodies = EventBodies(shapes, TRIM_AT)
        self.attempts = Attempts()
        self.switches = Switches()
        self.retries = Retries()
        self.timeout_s = TIMEOUT_S
        self.send: Callable[[Webhook], None] = lambda webhook: None
        self.changed: Callable[[], None] = lambda: None
        """Called when a switch or a subscription has changed."""

    def subscribe(
        self,
        url: str,
        events: Sequence[str] = EVENT_TYPES,
        *,
        filter_type: FilterType = "account_reference",
        filter_id: str | None = None,
        secret: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Subscription:
        """Subscribe as over REST, to everything of the account unless told. Its `secret` signs."""
        return self.subscriptions.add(
            url, events, filter_type=filter_type, filter_id=filter_id, secret=secret, headers=headers
        )

    def rotate(self, subscription_id: str, *, keep_old: bool = True) -> str:
        """Give a subscription another secret; until `keep_old` is False, both sign. Returns the new secret."""
        subscription = self._subscription(subscription_id)
        secret = self.subscriptions.new_secret()
        subscription.secrets = [*(subscription.secrets if keep_old else ()), secret]
        return secret

    def double(self, share: float = 1.0) -> None:
        """Deliver this share of the webhooks twice, under the same id."""
        self.set(double=share)

    def delay(self, seconds: float) -> None:
        """Send every webhook so late."""
        self.set(delay_s=seconds)

    def reorder(self, seconds: float) -> None:
        """Let webhooks of different incidents overtake each other by up to so much."""
        self.set(reorder_s=seconds)

    def drop(self, count: int | None = None) -> None:
        """Lose the next so many webhooks, or all from now on; 0 ends it."""
        self.set(lose=count)

    def hold(self) -> None:
        """Send nothing until `release`."""
        self.set(hold=True)

    def release(self) -> None:
        self.set(hold=False)

    def calm(self) -> None:
        """All switches back to none."""
        self.switches = Switches()
        self.changed()

    def disable(self, subscription_id: str) -> None:
        """Disable a subscription for 24 hours, as after three drops; what waits for it is discarded."""
        self._subscription(subscription_id).disabled_until = self._clock.time_ms() + DISABLED_MS
        self.changed()

    def enable(self, subscription_id: str) -> None:
        """What POST /webhook_subscriptions/{id}/enable does."""
        subscription = self._subscription(subscription_id)
        subscription.disabled_until, subscription.dropped_in_a_row = None, 0
        self.changed()

    def ping(self, subscription_id: str, user: User | None = None) -> None:
        """Send `pagey.ping` to a subscription."""
        at, event_id = self._clock.time_ms(), self._event_id()
        self._post(
            self._subscription(subscription_id), event_id, PING, "pagey", self.bodies.ping(event_id, at, user), at
        )

    def inject(self, event_type: str, data: Json, *, resource: str = "", agent: Json | None = None) -> str:
        """Tell every active subscription of an event of any type, known or not. Returns the event's id."""
        at, event_id = self._clock.time_ms(), self._event_id()
        body = self.bodies.envelope(event_id, event_type, at, agent, None, data)
        for subscription in self.subscriptions:
            if subscription.active:
                self._post(subscription, event_id, event_type, resource or event_id, body, at)
        return event_id

    def heard(self, happening: Happening) -> None:
        """Tell the subscriptions that want to know."""
        if not len(self.subscriptions):
            return
        service = _service(happening)
        wanting = [one for one in self.subscriptions if one.wants(happening.type, service.id, service.team.id)]
        if not wanting:
            return
        event_id = self._event_id()
        body = self.bodies.body(event_id, happening)
        resource = service.id if happening.incident is None else happening.incident.id
        for subscription in wanting:
            self._post(subscription, event_id, happening.type, resource, body, happening.at)

    def note(
        self, webhook: Webhook, number: int, answer: int | str | None, outcome: Outcome, *, repeated: bool = False
    ) -> None:
        """Write an attempt down, and disable the subscription when it was the third drop in a row."""
        now = self._clock.time_ms()
        subscription = self.subscriptions.get(webhook.subscription)
        if subscription is not None and not repeated:
            if outcome is Outcome.DELIVERED:
                subscription.dropped_in_a_row = 0
            elif outcome is Outcome.DROPPED:
                subscription.dropped_in_a_row += 1
                if subscription.dropped_in_a_row >= DROPS_TO_DISABLE:
                    subscription.disabled_until = now + DISABLED_MS
        self.attempts.add(
            Attempt(
                at=now,
                webhook=webhook.id,
                subscription=webhook.subscription,
                event=webhook.event,
                type=webhook.type,
                resource=webhook.resource,
                number=number,
                answer=answer,
                outcome=outcome,
                repeated=repeated,
            )
        )

    def receiver(self, webhook: Webhook) -> Subscription | None:
        """Where a webhook goes; None when its subscription is gone or disabled."""
        subscription = self.subscriptions.get(webhook.subscription)
        if subscription is None or subscription.disabled(self._clock.time_ms()):
            return None
        return subscription

    def lateness(self) -> float:
        """Seconds to hold a webhook back, by the switches."""
        return self.switches.delay_s + self._rng.random() * self.switches.reorder_s

    def comes_twice(self) -> bool:
        """Whether a webhook is to be sent once more, by the switches."""
        return self._rng.random() < self.switches.double

    def _post(
        self, subscription: Subscription, event_id: str, event_type: str, resource: str, body: bytes, at: int
    ) -> None:
        webhook_id = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        webhook = Webhook(webhook_id, subscription.id, event_id, event_type, resource, body, at)
        if self.receiver(webhook) is None:
            self.note(webhook, 0, None, Outcome.DISCARDED)
        elif self._loses():
            self.note(webhook, 0, None, Outcome.LOST)
        else:
            self.send(webhook)

    def _loses(self) -> bool:
        if self.switches.lose:
            self.switches.lose -= 1
            return True
        return self.switches.lose is None

    def set(self, **values: float | int | bool | None) -> None:
        """Set switches by the names of `Switches`."""
        for name, value in values.items():
            setattr(self.switches, name, value)
        self.changed()

    def _event_id(self) -> str:
        return f"01{base36(self._clock.time_ms(), 9)}{base36(next(self._ids), 15)}"

    def _subscription(self, subscription_id: str) -> Subscription:
        found = self.subscriptions.get(subscription_id)
        if found is None:
            raise ValueError(f"no webhook subscription {subscription_id!r}")
        return found


def _service(happening: Happening) -> TechnicalService:
    """The service that something happened to, or at."""
    incident: Incident | None = happening.incident
    if incident is not None:
        return card_of(incident).service
    if isinstance(happening.data, TechnicalService):
        return happening.data
    raise ValueError(f"{happening.type} is about no service")
