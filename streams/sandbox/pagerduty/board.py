"""The account at a glance, for the page at /sim/ and for whoever asks under /sim/board."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.card import card_of
from streams.sandbox.pagerduty.incidents import Incident
from streams.sandbox.pagerduty.webhooks.subscriptions import Subscription

SHOWN: Final = 200
"""Incidents on the board, the newest ones: a page of more is no use to a person."""


def board(account: Account) -> dict[str, Any]:
    """Incidents, newest first, with what may be chosen to act on them."""
    account.desk.pass_time(account.clock.time_ms())
    newest = list(islice(reversed(account.book), SHOWN))
    directory, now = account.directory, account.clock.time_ms()
    return {
        "total": len(account.book),
        "incidents": [_incident(one) for one in newest],
        "users": [{"id": user.id, "name": user.name, "email": user.email} for user in directory.users.values()],
        "priorities": [priority.name for priority in directory.priorities],
        "services": [{"id": service.id, "name": service.name} for service in directory.services.values()],
        "subscriptions": [subscription_json(one, now) for one in account.webhooks.subscriptions],
    }


def _incident(one: Incident) -> dict[str, Any]:
    card = card_of(one)
    return {
        "id": one.id,
        "number": one.number,
        "title": one.title,
        "status": one.status,
        "urgency": card.urgency,
        "priority": None if card.priority is None else card.priority.name,
        "service": card.service.name,
        "assignees": [each.user.name for each in card.assignments],
        "incident_key": card.incident_key,
        "alerts": [
            {"key": alert.dedup_key, "severity": alert.severity, "open": alert.alert_open} for alert in one.alerts
        ],
        "merged_into": None if one.merged_into is None else one.merged_into.id,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "body": card.body,
        "notes": [{"by": note.user.name, "at": note.created_at, "text": note.content} for note in card.notes],
        "log": [{"at": entry.at, "text": entry.summary} for entry in card.log],
    }


def subscription_json(one: Subscription, now: int) -> dict[str, Any]:
    """A subscription without its secrets and headers."""
    return {
        "id": one.id,
        "url": one.url,
        "filter": {"type": one.filter_type, "id": one.filter_id},
        "events": len(one.events),
        "active": one.active,
        "temporarily_disabled": one.disabled(now),
        "dropped_in_a_row": one.dropped_in_a_row,
    }
