"""The operations on webhook subscriptions."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.directory import Directory
from streams.sandbox.pagerduty.rest.answers import ACCEPTED, NO_CONTENT, NOT_FOUND, Refused, invalid, ok, problem
from streams.sandbox.pagerduty.rest.request import Request
from streams.sandbox.pagerduty.shapes import Json
from streams.sandbox.pagerduty.webhooks.events import EVENT_TYPES
from streams.sandbox.pagerduty.webhooks.subscriptions import LimitReached, Subscription
from streams.sandbox.pagerduty.webhooks.webhooks import Webhooks

REDACTED: Final = "-- redacted --"


class SubscriptionCalls:
    def __init__(self, webhooks: Webhooks, directory: Directory) -> None:
        self._webhooks = webhooks
        self._directory = directory

    def list(self, request: Request) -> Answer:
        """filter_type: account, service or team; filter_id: of the service or team."""
        found = list(self._webhooks.subscriptions)
        if kind := request.text("filter_type"):
            found = [one for one in found if one.filter_type == f"{kind}_reference"]
        if filter_id := request.text("filter_id"):
            found = [one for one in found if one.filter_id == filter_id]
        return request.page("webhook_subscriptions", found, lambda one: _shown(one, request.at))

    def create(self, request: Request) -> Answer:
        """The answer is the only one that has the secret. `active` is ignored, as has been reported."""
        given = request.body("webhook_subscription")
        if given.get("type") != "webhook_subscription":
            raise invalid("Type must be webhook_subscription")
        method, scope = given.get("delivery_method"), given.get("filter")
        if not isinstance(method, dict) or method.get("type") != "http_delivery_method":
            raise invalid("Delivery method must be an http_delivery_method")
        url = method.get("url")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise invalid("Url must be an http or https URL")
        try:
            subscription = self._webhooks.subscriptions.add(
                url,
                _events(given.get("events")),
                description=str(given.get("description") or ""),
                headers=_headers(method.get("custom_headers") or []),
                **self._scope(scope),
            )
        except LimitReached as reached:
            raise Refused(problem(400, "Product limit reached", 2019, [str(reached)])) from None
        return ok(
            {"webhook_subscription": _shown(subscription, request.at, secret=subscription.secret)}
        )  # 200 by the OpenAPI file; 201 has not been seen

    def get(self, request: Request) -> Answer:
        return ok({"webhook_subscription": _shown(self._subscription(request), request.at)})

    def update(self, request: Request) -> Answer:
        """Description, events, filter and active; the delivery method cannot be changed and is ignored."""
        subscription, given = self._subscription(request), request.body("webhook_subscription")
        events = _events(given["events"]) if "events" in given else subscription.events
        scope = self._scope(given["filter"]) if "filter" in given else None
        if "active" in given and not isinstance(given["active"], bool):
            raise invalid("Active must be true or false")
        subscription.events = events
        if scope is not None:
            subscription.filter_type, subscription.filter_id = scope["filter_type"], scope["filter_id"]
        if "description" in given:
            subscription.description = str(given["description"] or "")
        subscription.active = given.get("active", subscription.active)
        return ok({"webhook_subscription": _shown(subscription, request.at)})

    def delete(self, request: Request) -> Answer:
        self._webhooks.subscriptions.remove(self._subscription(request).id)
        self._webhooks.changed()
        return NO_CONTENT

    def enable(self, request: Request) -> Answer:
        subscription = self._subscription(request)
        self._webhooks.enable(subscription.id)
        return ok({"webhook_subscription": _shown(subscription, request.at)})

    def ping(self, request: Request) -> Answer:
        self._webhooks.ping(self._subscription(request).id, request.user)
        return ACCEPTED

    def _scope(self, given: object) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise invalid("Filter must be an object")
        kind, its_id = given.get("type"), given.get("id")
        known = {
            "service_reference": set(self._directory.services),
            "team_reference": {self._directory.team.id},
        }
        if kind == "account_reference":
            return {"filter_type": kind, "filter_id": None}
        if not isinstance(kind, str) or kind not in known:
            raise invalid("Filter type must be account_reference, service_reference or team_reference")
        if its_id not in known[kind]:
            raise invalid("Filter id does not exist")
        return {"filter_type": kind, "filter_id": its_id}

    def _subscription(self, request: Request) -> Subscription:
        found = self._webhooks.subscriptions.get(request.ids[0])
        if found is None:
            raise Refused(NOT_FOUND)
        return found


def _events(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not given:
        raise invalid("Events must be a list")
    if unknown := [event for event in given if event not in EVENT_TYPES]:
        raise invalid(f"Events has unknown types: {', '.join(map(str, unknown))}")
    return tuple(given)


def _headers(given: object) -> list[tuple[str, str]]:
    if not isinstance(given, list):
        raise invalid("Custom headers must be a list")
    headers = []
    for one in given:
        name, value = (one.get("name"), one.get("value")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str):
            raise invalid("Custom headers must have a name and a value")
        headers.append((name, value))
    return headers


def _shown(one: Subscription, now: int, *, secret: str | None = None) -> Json:
    scope = {"type": one.filter_type} if one.filter_id is None else {"id": one.filter_id, "type": one.filter_type}
    return {
        "delivery_method": {
            "id": one.delivery_id,
            "secret": secret,
            "temporarily_disabled": one.disabled(now),
            "type": "http_delivery_method",
            "url": one.url,
            "custom_headers": [{"name": name, "value": REDACTED} for name, _ in one.headers],
        },
        "description": one.description,
        "events": list(one.events),
        "filter": scope,
        "oauth_client": None,
        "id": one.id,
        "type": "webhook_subscription",
        "active": one.active,
    }
