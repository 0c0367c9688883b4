"""Documents in the JSON shapes of the documented API (Coralogix), for the web API and `get -o api`.

Secrets are masked unless the caller brings another way to show them. An integration has no documented shape, and is
given in Pagerline's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.documents.connector import Connector, Fields
from streams.documents.document import Document
from streams.documents.preset import Preset, Templates
from streams.documents.router import Router, Rule, Target
from streams.documents.show import Show, masked, shown, to_document


def to_api(document: Document, show: Show = masked) -> dict[str, Any]:
    """The documented shape, without its wrapping. `show` says what stands for each secret."""
    if isinstance(document, Connector):
        return _connector(document, shown(document, show))
    if isinstance(document, Preset):
        return _preset(document)
    if isinstance(document, Router):
        return _router(document)
    return to_document(document, show)


def _connector(connector: Connector, show: Show) -> dict[str, Any]:
    def fields(values: Fields, name: str) -> list[dict[str, str]]:
        return [{"fieldName": field, name: show(secret)} for field, secret in values.items()]

    found = {
        "id": connector.id,
        "type": connector.type,
        "name": connector.name,
        "description": connector.description,
        "connectorConfig": {"fields": fields(connector.fields, "value")},
        "configOverrides": [
            {"entityType": entity.upper(), "fields": fields(values, "template")}
            for entity, values in connector.overrides.items()
        ],
    }
    # Not of the documented API, and taken back beside it.
    return {**found, "options": connector.options.to_json()} if connector.type == "PAGERDUTY" else found


def _preset(preset: Preset) -> dict[str, Any]:
    def layer(condition: dict[str, Any], fields: Templates) -> dict[str, Any]:
        return {
            "conditionType": condition,
            **({"payloadType": "triggered"} if preset.connector_type == "PAGERDUTY" else {}),
            "messageConfig": {"fields": [{"fieldName": name, "template": text} for name, text in fields.items()]},
        }

    layers = [layer({"matchEntityType": {}}, preset.general)] if preset.general else []
    layers += [
        layer({"matchEntityTypeAndSubType": {"entitySubType": subtype}}, fields)
        for subtype, fields in preset.subtypes.items()
    ]
    return {
        "id": preset.id,
        "name": preset.name,
        "description": preset.description,
        "entityType": preset.entity.upper(),
        "connectorType": preset.connector_type,
        **({"parentId": preset.parent} if preset.parent else {}),
        "presetType": preset.type,
        "configOverrides": layers,
    }


def _router(router: Router) -> dict[str, Any]:
    return {
        "id": router.id,
        "name": router.name,
        "description": router.description,
        "disabled": router.disabled,
        "routingLabels": dict(router.labels),
        "rules": [_rule(rule) for rule in router.rules],
        "fallbackTargets": [
            {"entityType": entity.upper(), "target": _target(target)}
            for entity, targets in router.fallback.items()
            for target in targets
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "entityType": rule.entity.upper(),
        "condition": rule.condition,
        **_details(rule.details),
        "targets": [_target(target) for target in rule.targets],
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        **({"id": target.id} if target.id else {}),
        "connectorId": target.connector,
        **({"presetId": target.preset} if target.preset else {}),
        **_details(target.details),
    }


def _details(details: Mapping[str, str]) -> dict[str, Any]:
    return {"customDetails": dict(details)} if details else {}
