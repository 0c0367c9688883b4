"""Material for the routing tests: events and connectors in one line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from streams.documents.connector import Connector, ConnectorType, Entity, frozen_fields, frozen_overrides
from streams.documents.integration import Integration
from streams.documents.options import Options
from streams.documents.preset import Preset
from streams.documents.router import Router, Rule, Target
from streams.documents.secrets import Secret
from streams.documents.snapshot import Snapshot
from streams.events import Action, Event, Source
from streams.routing import Decision, Pin, Reject, Send, Skip, decide
from streams.routing.age import TooOld
from streams.seen import Mark, Seen

BY_TEAM = (Path(__file__).parent / "fixtures" / "service_key_by_team.tera").read_text()
"""The published example of a dynamic service key, character by character."""

ALPHA = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
BETA = "930bbbbbbbbbbbbbbbbbbbbbbbbbb0d1"
OTHERS = "930xxxxxxxxxxxxxxxxxxxxxxxxxx0d1"
FALLBACK = "930ffffffffffffffffffffffffff0d1"
CASES = "931cccccccccccccccccccccccccc0d1"

TOPIC = "alerts"

WRITTEN = 1_638_403_601_234
"""The timestamp of events that are given none."""


def seen(offsets: Mapping[str, int], timestamp: int = WRITTEN) -> Seen:
    """These newest offsets by source partition, all written at one time."""
    return Seen({partition: (Mark(offset, timestamp),) for partition, offset in offsets.items()})


def connector(
    name: str = "payments",
    *,
    key: str | None = FALLBACK,
    dynamic: str | None = None,
    alerts: Mapping[str, str] | None = None,
    cases: Mapping[str, str] | None = None,
    kind: ConnectorType = "PAGERDUTY",
    rate_limit: int = 120,
) -> Connector:
    """A connector; `alerts` and `cases` are overrides by field name."""
    fields = {"integrationKey": key, "dynamicintegrationKey": dynamic}
    overrides: dict[Entity, dict[str, Secret]] = {"alerts": _secrets(alerts), "cases": _secrets(cases)}
    return Connector(
        id=name,
        name=name.title(),
        type=kind,
        fields=frozen_fields(_secrets({field: text for field, text in fields.items() if text is not None})),
        overrides=frozen_overrides(overrides),
        options=Options(rateLimit=rate_limit),
        version=1,
    )


def _secrets(fields: Mapping[str, str] | None) -> dict[str, Secret]:
    return {name: Secret(text) for name, text in (fields or {}).items()}


def directory(*connectors: Connector) -> dict[str, Connector]:
    return {one.id: one for one in connectors}


def documents(
    connectors: Mapping[str, Connector] | Iterable[Connector] = (),
    *,
    routers: Iterable[Router] = (),
    presets: Iterable[Preset] = (),
    integrations: Iterable[Integration] = (),
    revision: int = 0,
) -> Snapshot:
    """A snapshot of these documents."""
    return Snapshot(
        connectors=connectors if isinstance(connectors, Mapping) else {one.id: one for one in connectors},
        problems={},
        routers={one.id: one for one in routers},
        presets={one.id: one for one in presets},
        integrations={one.id: one for one in integrations},
        revision=revision,
    )


def router(
    name: str = "payments",
    *rules: Rule,
    labels: Mapping[str, str] | None = None,
    fallback: Mapping[Entity, tuple[Target, ...]] | None = None,
    disabled: bool = False,
) -> Router:
    """A router; labels `{"team": "payments"}` when none are given."""
    given = {"team": "payments"} if labels is None else labels
    return Router(name, name.title(), given, rules, fallback or {}, disabled=disabled)


def rule(condition: str, *connectors: str | Target, entity: Entity = "alerts", name: str = "", **details: str) -> Rule:
    """A rule to these connectors."""
    targets = tuple(one if isinstance(one, Target) else Target(one) for one in connectors)
    return Rule(name or f"rule {condition}", entity, condition, targets, details)


def integration(name: str = "pd-main", **fields: Any) -> Integration:
    return Integration(id=name, name=name, token=Secret("u+" + "t" * 18), from_email="bot@example.com", **fields)


def account_connector(name: str = "cases", *, integration: str = "pd-main", **fields: str) -> Connector:
    """A connector of an account; `fields` are `service`, `dynamicservice`."""
    return Connector(
        id=name,
        name=name.title(),
        type="PAGERDUTY_INCIDENTS",
        fields=frozen_fields(_secrets({"integrationId": integration, **fields})),
        overrides=frozen_overrides({}),
        version=1,
    )


def alert_document(**alert: Any) -> dict[str, Any]:
    """A notification like the published sample; keywords go into `alert`."""
    return {
        "_context": {
            "entityType": "alerts",
            "entitySubType": "metricThresholdMoreThanTriggered",
            "entityLabels": {},
            "system": {"id": "17266", "name": "onlineboutique"},
        },
        "alert": {
            "timestamp": 1638403600,
            "id": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
            "status": "Triggered",
            "groupingKey": "checkout/cpu",
            "highestPriority": "P1",
            "alertDataUrl": "https://example.com/#/insights?id=76c411be",
            "groups": [
                {
                    "status": "Triggered",
                    "priority": "P1",
                    "keyValues": {"host": "server1", "region": "eu"},
                    "details": {"$type": "metricThreshold", "metricThreshold": {"maxValueOverThreshold": 95}},
                }
            ],
            **alert,
        },
        "alertDef": {
            "name": "CPU usage high",
            "description": "More than 80 % for ten minutes",
            "priority": "P1",
            "type": "metricThreshold",
            "entityLabels": {"environment": "production", "runbook": "https://example.com/runbooks/cpu"},
            "groupByKeys": ["host", "region"],
        },
    }


def case_document(**case: Any) -> dict[str, Any]:
    return {
        "_context": {
            "entityType": "cases",
            "entityLabels": {"team": ["payments"]},
            "system": {"name": "onlineboutique"},
        },
        "case": {
            "id": "CASE-9b7e12",
            "title": "High error rate in payments API",
            "caseDetailUrl": "https://example.com/#/cases/CASE-9b7e12",
            "description": "Error rate > 5% for 10 minutes",
            "assignee": {"userEmail": "oncall@example.com"},
            "state": "ACTIVE",
            "status": "OPEN",
            "casePriority": "P2",
            "category": "AVAILABILITY",
            "createdAt": "2025-09-02T11:43:12Z",
            "indicators": [{"instanceId": "ai-1", "alertDefinitionId": "ad-1"}],
            **case,
        },
    }


def alert(
    action: Action = "trigger",
    *,
    offset: int = 0,
    partition: int = 0,
    document: dict[str, Any] | None = None,
    connectors: Iterable[str] = (),
    timestamp: int = WRITTEN,
    priority: str | None = None,
    **fields: Any,
) -> Event:
    """One event of one alert incident."""
    return Event(
        kind="alert",
        incident="alert:checkout/cpu",
        dedup_key="checkout/cpu",
        action=action,
        priority=priority,
        context=alert_document(**fields) if document is None else document,
        source=Source(TOPIC, partition, offset, timestamp, "checkout/cpu"),
        connectors=tuple(connectors),
    )


def case(
    action: Action = "trigger", *, offset: int = 0, document: dict[str, Any] | None = None, **fields: Any
) -> Event:
    """One event of one Case."""
    return Event(
        kind="case",
        incident="case:CASE-9b7e12",
        dedup_key="CASE-9b7e12",
        action=action,
        priority=None,
        context=case_document(**fields) if document is None else document,
        source=Source("cases", 0, offset, 1_756_813_400_000, "CASE-9b7e12"),
        connectors=(),
    )


class Route:
    """The stage around `decide` for one incident, in memory: it seals keys, keeps pins, collects what went out."""

    def __init__(self, *connectors: Connector, **others: Any) -> None:
        """`others` are the other documents, as `documents` takes them."""
        self.connectors = directory(*connectors)
        self.others = others
        self.pins: dict[str, Pin] = {}
        self.too_old: TooOld | None = None

    def take(self, event: Event) -> list[Decision]:
        decisions = [
            one.sealed("sealed:" + one.routing_key.reveal()) if isinstance(one, Send) and one.routing_key else one
            for one in decide(event, documents(self.connectors, **self.others), self.pins, too_old=self.too_old)
        ]
        for one in decisions:
            if isinstance(one, Send) and one.pin:
                self.pins[one.connector_id] = Pin.from_json(one.pin.to_json())
            if isinstance(one, Send | Skip) and one.pin_after and one.connector_id:
                self.pins[one.connector_id] = Pin.from_json(one.pin_after.to_json())
        return decisions

    def send(self, event: Event) -> Send:
        """The only decision, which must be a Send."""
        (one,) = self.take(event)
        assert isinstance(one, Send), one
        return one

    def key(self, event: Event) -> str:
        """The routing key, in clear, that the event goes out with."""
        token = self.send(event).token
        assert token is not None
        return token.removeprefix("sealed:")

    def reject(self, event: Event) -> Reject:
        (one,) = self.take(event)
        assert isinstance(one, Reject), one
        return one

    def skip(self, event: Event) -> Skip:
        (one,) = self.take(event)
        assert isinstance(one, Skip), one
        return one
