"""The table of operations: method and path, what it is called, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.rest.directory import Entries
from streams.sandbox.pagerduty.rest.incidents import Incidents
from streams.sandbox.pagerduty.rest.request import Request
from streams.sandbox.pagerduty.rest.subscriptions import SubscriptionCalls


class Operation(NamedTuple):
    """name: what faults and the journal call it. needs_from: it wants to know who acts."""

    name: str
    scope: str
    needs_from: bool
    do: Callable[[Request], Answer]


class Match(NamedTuple):
    operation: Operation
    ids: tuple[str, ...]


class Operations:
    """Finds the operation of a method and path."""

    def __init__(self, incidents: Incidents, entries: Entries, subscriptions: SubscriptionCalls) -> None:
        self._table: dict[str, list[tuple[tuple[str, ...], Operation]]] = {}
        for method, path, name, needs_from, do in _rows(incidents, entries, subscriptions):
            parts = tuple(path.strip("/").split("/"))
            resource = "incidents" if parts[0] == "log_entries" else parts[0]
            scope = f"{resource}.{'read' if method == 'GET' else 'write'}"
            self._table.setdefault(method, []).append((parts, Operation(name, scope, needs_from, do)))

    def find(self, method: str, path: str) -> Match | None:
        """None for a method or path that there is not. A trailing slash does not matter."""
        parts = tuple(path.strip("/").split("/"))
        for pattern, operation in self._table.get(method, ()):
            if len(pattern) == len(parts) and all(
                want in ("*", part) for want, part in zip(pattern, parts, strict=True)
            ):
                ids = tuple(part for want, part in zip(pattern, parts, strict=True) if want == "*")
                return Match(operation, ids)
        return None


Row = tuple[str, str, str, bool, Callable[[Request], Answer]]


def _rows(incidents: Incidents, entries: Entries, subscriptions: SubscriptionCalls) -> Iterator[Row]:
    """Method, path with `*` for an id, name, whether `From` is needed (OpenAPI), and what does it."""
    yield "GET", "/incidents", "list_incidents", False, incidents.list
    yield "POST", "/incidents", "create_incident", True, incidents.create
    yield "PUT", "/incidents", "update_incidents", True, incidents.update_many
    yield "GET", "/incidents/*", "get_incident", False, incidents.get
    yield "PUT", "/incidents/*", "update_incident", True, incidents.update
    yield "GET", "/incidents/*/notes", "list_notes", False, incidents.notes
    yield "POST", "/incidents/*/notes", "create_note", True, incidents.add_note
    yield "PUT", "/incidents/*/notes/*", "update_note", True, incidents.edit_note
    yield "DELETE", "/incidents/*/notes/*", "delete_note", False, incidents.delete_note
    yield "POST", "/incidents/*/status_updates", "create_status_update", True, incidents.publish
    yield "PUT", "/incidents/*/merge", "merge_incidents", True, incidents.merge
    yield "POST", "/incidents/*/snooze", "snooze_incident", True, incidents.snooze
    yield "GET", "/incidents/*/alerts", "list_alerts", False, incidents.alerts
    yield "PUT", "/incidents/*/alerts", "update_alerts", True, incidents.update_alerts
    yield "GET", "/incidents/*/alerts/*", "get_alert", False, incidents.alert
    yield "PUT", "/incidents/*/alerts/*", "update_alert", True, incidents.update_alert
    yield "GET", "/incidents/*/log_entries", "list_incident_log_entries", False, incidents.log_of
    yield "GET", "/log_entries", "list_log_entries", False, incidents.log
    yield "GET", "/log_entries/*", "get_log_entry", False, incidents.log_entry
    yield "GET", "/services", "list_services", False, entries.services
    yield "POST", "/services", "create_service", False, entries.create_service
    yield "GET", "/services/*", "get_service", False, entries.service
    yield "PUT", "/services/*", "update_service", False, entries.update_service
    yield "POST", "/services/*/integrations", "create_integration", False, entries.create_integration
    yield "GET", "/services/*/integrations/*", "get_integration", False, entries.integration
    yield "GET", "/users", "list_users", False, entries.users
    yield "GET", "/users/me", "get_me", False, entries.me
    yield "GET", "/users/*", "get_user", False, entries.user
    yield "GET", "/priorities", "list_priorities", False, entries.priorities
    yield "GET", "/abilities", "list_abilities", False, entries.list_abilities
    yield "GET", "/abilities/*", "get_ability", False, entries.ability
    yield "GET", "/escalation_policies", "list_escalation_policies", False, entries.policies
    yield "GET", "/escalation_policies/*", "get_escalation_policy", False, entries.policy
    yield "GET", "/teams", "list_teams", False, entries.teams
    yield "GET", "/webhook_subscriptions", "list_subscriptions", False, subscriptions.list
    yield "POST", "/webhook_subscriptions", "create_subscription", False, subscriptions.create
    yield "GET", "/webhook_subscriptions/*", "get_subscription", False, subscriptions.get
    yield "PUT", "/webhook_subscriptions/*", "update_subscription", False, subscriptions.update
    yield "DELETE", "/webhook_subscriptions/*", "delete_subscription", False, subscriptions.delete
    yield "POST", "/webhook_subscriptions/*/enable", "enable_subscription", False, subscriptions.enable
    yield "POST", "/webhook_subscriptions/*/ping", "ping_subscription", False, subscriptions.ping
