"""The JSON that PagerDuty shows of things: references, and the bodies of REST API v2.

Sources: the OpenAPI file of REST API v2 and PagerDuty's examples in it. What is always empty here (responders, custom
fields, alert grouping) has the shape it has there when there is none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import Any, Final

import orjson

from streams.sandbox.pagerduty.card import LogEntry, Note, StatusUpdate, card_of
from streams.sandbox.pagerduty.directory import (
    EscalationPolicy,
    Integration,
    Priority,
    Team,
    TechnicalService,
    User,
)
from streams.sandbox.pagerduty.incidents import Incident

Json = dict[str, Any]

AVATAR: Final = "https://pd-static-assets.pagerduty.com/users/blank-avatar.png"


def moment(at: int) -> str:
    """Milliseconds since the epoch as REST shows a time: ISO 8601, UTC, whole seconds."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_or_none(at: int | None) -> str | None:
    return None if at is None else moment(at)


class Shapes:
    """`api`: the base URL of the API, for `self`. `web`: that of the pages for people, for `html_url`."""

    def __init__(self, api: str = "https://api.pagerduty.com", web: str = "https://acme.pagerduty.com") -> None:
        self.api = api
        self.web = web

    @singledispatchmethod
    def reference(self, one: Any) -> Json:
        """`{id, type, summary, self, html_url}` of whatever has an id. Raises TypeError for what has none."""
        raise TypeError(f"no reference to {one!r}")

    @reference.register
    def _(self, one: User) -> Json:
        return self._reference("user", one.id, one.name, f"/users/{one.id}")

    @reference.register
    def _(self, one: TechnicalService) -> Json:
        return self._reference("service", one.id, one.name, f"/services/{one.id}", f"/service-directory/{one.id}")

    @reference.register
    def _(self, one: Integration) -> Json:
        path = f"/services/{one.service.id}/integrations/{one.id}"
        return self._reference("events_api_v2_inbound_integration", one.id, one.name, path)

    @reference.register
    def _(self, one: EscalationPolicy) -> Json:
        return self._reference("escalation_policy", one.id, one.name, f"/escalation_policies/{one.id}")

    @reference.register
    def _(self, one: Team) -> Json:
        return self._reference("team", one.id, one.name, f"/teams/{one.id}")

    @reference.register
    def _(self, one: Priority) -> Json:
        shown = self._reference("priority", one.id, one.name, f"/priorities/{one.id}", "/account/settings/incidents")
        return shown

    @reference.register
    def _(self, one: Incident) -> Json:
        return self._reference("incident", one.id, f"[#{one.number}] {one.title}", f"/incidents/{one.id}")

    def agent(self, one: User | Integration | TechnicalService | None) -> Json | None:
        """Who did something. An integration is an `inbound_integration_reference` there."""
        if one is None:
            return None
        shown: Json = self.reference(one)
        return {**shown, "type": "inbound_integration_reference"} if isinstance(one, Integration) else shown

    def _reference(self, kind: str, its_id: str, summary: str, path: str, web_path: str | None = None) -> Json:
        return {
            "id": its_id,
            "type": f"{kind}_reference",
            "summary": summary,
            "self": self.api + path,
            "html_url": self.web + (web_path or path),
        }

    def _whole(self, one: Any, kind: str) -> Json:
        return {**self.reference(one), "type": kind}

    def incident(self, one: Incident, *, body: bool = False) -> Json:
        """As GET /incidents/{id} shows it. body: with `include[]=body`."""
        card = card_of(one)
        alerts = one.alerts
        open_alerts = sum(alert.alert_open for alert in alerts)
        pending = [
            {"type": kind, "at": moment(at)}
            for kind, at in (("unacknowledge", card.unacknowledge_at), ("resolve", card.resolve_at))
            if at is not None
        ]
        reason = one.merged_into
        shown = {
            **self._whole(one, "incident"),
            "incident_number": one.number,
            "title": one.title,
            "created_at": moment(one.created_at),
            "updated_at": moment(one.updated_at),
            "status": one.status,
            "incident_key": None if alerts else card.incident_key,
            "service": self.reference(card.service),
            "assignments": [
                {"at": moment(each.at), "assignee": self.reference(each.user)} for each in card.assignments
            ],
            "assigned_via": "escalation_policy",
            "last_status_change_at": moment(card.changed_at),
            "last_status_change_by": self.agent(card.changed_by) or self.reference(card.service),
            "resolved_at": moment_or_none(one.resolved_at),
            "first_trigger_log_entry": self._log_reference(card.log[0]) if card.log else None,
            "alert_counts": {"all": len(alerts), "triggered": open_alerts, "resolved": len(alerts) - open_alerts},
            "is_mergeable": one.merged_into is None,
            "incident_type": {"name": card.incident_type},
            "escalation_policy": self.reference(card.policy),
            "teams": [self.reference(card.service.team)],
            "pending_actions": pending,
            "acknowledgements": [
                {"at": moment(each.at), "acknowledger": self.agent(each.by) or self.reference(card.service)}
                for each in card.acknowledgements
            ],
            "alert_grouping": None,
            "priority": None if card.priority is None else self.reference(card.priority),
            "resolve_reason": None
            if reason is None
            else {"type": "merge_resolve_reason", "incident": self.reference(reason)},
            "conference_bridge": card.conference_bridge,
            "incidents_responders": [],
            "responder_requests": [],
            "urgency": card.urgency,
            "custom_fields": [],
        }
        if body:
            shown["body"] = {"type": "incident_body", "details": card.body}
        return shown

    def alert(self, one: Incident) -> Json:
        """The alert of an incident that an event opened, as GET /incidents/{id}/alerts shows it."""
        card, holder = card_of(one), one.holder
        alert_id = alert_id_of(one)
        contexts = [] if card.client is None else [{"type": "link", "href": card.client.url, "text": card.client.name}]
        log = card.log
        return {
            "id": alert_id,
            "type": "alert",
            "summary": one.summary,
            "self": f"{self.api}/incidents/{holder.id}/alerts/{alert_id}",
            "html_url": f"{self.web}/alerts/{alert_id}",
            "created_at": moment(one.created_at),
            "status": "triggered" if one.alert_open else "resolved",
            "alert_key": one.dedup_key,
            "service": self.reference(card.service),
            "body": {
                "type": "alert_body",
                "contexts": contexts,
                "details": {} if card.details is None else orjson.loads(card.details),
            },
            "incident": {"id": holder.id, "type": "incident_reference"},
            "suppressed": False,
            "severity": one.severity,
            "integration": self.reference(log[0].agent),
        }

    def note(self, one: Note) -> Json:
        return {
            "id": one.id,
            "user": self.reference(one.user),
            "channel": {"summary": "The PagerDuty website or APIs"},
            "content": one.content,
            "created_at": moment(one.created_at),
            "updated_at": moment(one.updated_at),
        }

    def status_update(self, one: StatusUpdate) -> Json:
        return {
            "id": one.id,
            "message": one.message,
            "sender": self.reference(one.sender),
            "created_at": moment(one.created_at),
            "html_message": one.html_message,
            "subject": one.subject,
        }

    def _log_reference(self, one: LogEntry) -> Json:
        return {
            "id": one.id,
            "type": f"{one.type}_log_entry_reference",
            "summary": one.summary,
            "self": f"{self.api}/log_entries/{one.id}?incident_id={one.incident.id}",
            "html_url": f"{self.web}/incidents/{one.incident.id}/log_entries/{one.id}",
        }

    def log_entry(self, one: LogEntry, include: frozenset[str] = frozenset()) -> Json:
        """One line of the log. include: `incidents`, `services`, `channels`, `teams` for more than references."""
        card = card_of(one.incident)
        channel = {
            name: self.reference(value) if hasattr(value, "id") else value for name, value in one.channel.items()
        }
        if "channels" not in include:
            channel.pop("content", None)
        shown = {
            **self._log_reference(one),
            "type": f"{one.type}_log_entry",
            "created_at": moment(one.at),
            "agent": self.agent(one.agent) or self.reference(card.service),
            "channel": channel,
            "incident": self.incident(one.incident) if "incidents" in include else self.reference(one.incident),
            "service": self.service(card.service) if "services" in include else self.reference(card.service),
            "teams": [self.reference(card.service.team)],
            "contexts": [],
        }
        if "description" in one.details:
            shown["event_details"] = {"description": one.details["description"]}
        if "assignees" in one.details:
            shown["assignees"] = [self.reference(user) for user in one.details["assignees"]]
        if "message" in one.details:
            shown["message"] = one.details["message"]
        return shown

    def service(self, one: TechnicalService, include: frozenset[str] = frozenset()) -> Json:
        """A service. include: `integrations` for them whole."""
        integrations = (self.integration(each) for each in one.integrations)
        return {
            **self._whole(one, "service"),
            "name": one.name,
            "description": None,
            "auto_resolve_timeout": one.auto_resolve_timeout,
            "acknowledgement_timeout": one.acknowledgement_timeout,
            "created_at": moment(one.created_at),
            "status": "active",
            "alert_creation": "create_alerts_and_incidents",
            "alert_grouping_parameters": {"type": None},
            "integrations": list(integrations)
            if "integrations" in include
            else [self.reference(each) for each in one.integrations],
            "escalation_policy": self.reference(one.policy),
            "teams": [self.reference(one.team)],
            "incident_urgency_rule": {"type": "constant", "urgency": "severity_based"},
            "support_hours": None,
            "scheduled_actions": [],
            "auto_pause_notifications_parameters": {"enabled": False, "timeout": None},
        }

    def integration(self, one: Integration) -> Json:
        """An integration; `integration_key` is in the answers though not in the OpenAPI file."""
        return {
            **self._whole(one, "events_api_v2_inbound_integration"),
            "name": one.name,
            "service": self.reference(one.service),
            "created_at": moment(one.service.created_at),
            "integration_key": one.key,
            "vendor": None,
        }

    def user(self, one: User) -> Json:
        contact = f"PC{one.id[1:]}"
        rule = f"PR{one.id[1:]}"
        return {
            **self._whole(one, "user"),
            "name": one.name,
            "email": one.email,
            "time_zone": one.time_zone,
            "color": "green",
            "role": one.role,
            "avatar_url": AVATAR,
            "description": None,
            "invitation_sent": False,
            "created_via_sso": False,
            "job_title": one.job_title,
            "contact_methods": [
                {
                    "id": contact,
                    "type": "email_contact_method_reference",
                    "summary": "Default",
                    "self": f"{self.api}/users/{one.id}/contact_methods/{contact}",
                    "html_url": None,
                }
            ],
            "notification_rules": [
                {
                    "id": rule,
                    "type": "assignment_notification_rule_reference",
                    "summary": "Default",
                    "self": f"{self.api}/users/{one.id}/notification_rules/{rule}",
                    "html_url": None,
                }
            ],
            "teams": [],
        }

    def priority(self, one: Priority) -> Json:
        return {**self._whole(one, "priority"), "name": one.name, "description": one.description}


def alert_id_of(incident: Incident) -> str:
    """The id of the alert that the incident was opened by."""
    return f"A{incident.id[1:]}"
