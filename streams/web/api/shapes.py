"""The documented shapes (Coralogix, notification center API), as JSON Schemas: what is asked and what is answered.

What a document must be beyond its shape, the reader of documents says, with field and remedy.
"""

from __future__ import annotations

from typing import Final

from streams.web.schema import BOOLEAN, OBJECT, Json, Named, by_name, many, maybe, obj, one_of, text, whole

BASE: Final = "/notifications/notification-center/v1"

ID: Final = text("Chosen by the user, or made when it is missing.", least=1, most=128, examples=["payments"])
NAME: Final = text(least=1, most=200)
DESCRIPTION: Final = text(most=5_000)
ENTITY: Final = one_of("ALERTS", "CASES")
CONNECTOR_TYPE: Final = one_of("PAGERDUTY", "PAGERDUTY_INCIDENTS")


def fields_schema(value: str) -> Json:
    """A list of fields with their values or templates."""
    return many(obj({"fieldName": text(least=1, most=256), value: text(most=20_000)}, ("fieldName", value)), most=100)


CONNECTOR: Final = Named(
    "Connector",
    obj(
        {
            "id": ID,
            "type": CONNECTOR_TYPE,
            "name": NAME,
            "description": DESCRIPTION,
            "connectorConfig": obj({"fields": fields_schema("value")}),
            "configOverrides": many(obj({"entityType": ENTITY, "fields": fields_schema("template")}), most=100),
            "options": {**OBJECT, "description": "Of Pagerline: rateLimit, reservePercent, region, …"},
        },
        ("type", "name"),
        more=True,
        description="Values of fields are masked in answers. A masked value sent back stands for the one stored.",
    )
    | {
        "examples": [
            {
                "id": "checkout",
                "type": "PAGERDUTY",
                "name": "Checkout",
                "connectorConfig": {
                    "fields": [{"fieldName": "integrationKey", "value": "930fffffffffffffffffffffffffff01"}]
                },
                "configOverrides": [
                    {
                        "entityType": "CASES",
                        "fields": [
                            {"fieldName": "integrationKey", "template": "{{ _context.entityLabels['key'][0] }}"}
                        ],
                    }
                ],
            }
        ]
    },
)
CONNECTOR_SUMMARY: Final = Named(
    "ConnectorSummary",
    obj({"id": ID, "type": CONNECTOR_TYPE, "name": NAME, "description": DESCRIPTION}, ("id", "type", "name")),
)

PRESET: Final = Named(
    "Preset",
    obj(
        {
            "id": ID,
            "name": NAME,
            "description": DESCRIPTION,
            "entityType": ENTITY,
            "connectorType": CONNECTOR_TYPE,
            "parentId": text(least=1, most=128),
            "presetType": one_of("SYSTEM", "CUSTOM"),
            "configOverrides": many(
                obj(
                    {
                        "conditionType": {
                            **OBJECT,
                            "description": "`matchEntityType: {}` or `matchEntityTypeAndSubType: {entitySubType}`.",
                        },
                        "payloadType": text(most=100),
                        "messageConfig": obj({"fields": fields_schema("template")}),
                    },
                    ("conditionType", "messageConfig"),
                ),
                most=100,
            ),
        },
        ("name",),
        more=True,
    )
    | {
        "examples": [
            {
                "id": "loud-alerts",
                "name": "Loud",
                "entityType": "ALERTS",
                "connectorType": "PAGERDUTY",
                "parentId": "preset_system_pagerduty_alerts_basic",
                "configOverrides": [
                    {
                        "conditionType": {"matchEntityType": {}},
                        "messageConfig": {
                            "fields": [{"fieldName": "summary", "template": "{{ alertDef.name | upper }}"}]
                        },
                    }
                ],
            }
        ]
    },
)
PRESET_SUMMARY: Final = Named(
    "PresetSummary",
    obj(
        {
            "id": ID,
            "name": NAME,
            "description": DESCRIPTION,
            "entityType": ENTITY,
            "connectorType": CONNECTOR_TYPE,
            "parentId": maybe(text()),
            "presetType": one_of("SYSTEM", "CUSTOM"),
        },
        ("id", "name", "entityType", "connectorType", "presetType"),
    ),
)

_DETAILS: Final = by_name(text(most=20_000), "Added to the message's custom details.")
_TARGET: Final = obj(
    {
        "id": text(most=128),
        "connectorId": text(least=1, most=128),
        "presetId": text(least=1, most=128),
        "customDetails": _DETAILS,
    },
    ("connectorId",),
)
_RULE: Final = obj(
    {
        "name": text(most=200),
        "entityType": ENTITY,
        "condition": text("An expression of the template language, without braces.", most=20_000),
        "customDetails": _DETAILS,
        "targets": many(_TARGET, most=10),
    },
    ("condition", "targets"),
)
LABELS: Final = obj({"environment": text(most=1000), "service": text(most=1000), "team": text(most=1000)})
ROUTER: Final = Named(
    "GlobalRouter",
    obj(
        {
            "id": ID,
            "name": NAME,
            "description": DESCRIPTION,
            "disabled": BOOLEAN,
            "routingLabels": LABELS,
            "rules": many(_RULE, most=10),
            "fallbackTargets": many(obj({"entityType": ENTITY, "target": _TARGET}, ("entityType", "target")), most=10),
        },
        ("name",),
        more=True,
    )
    | {
        "examples": [
            {
                "id": "router-checkout",
                "name": "Checkout",
                "routingLabels": {"team": "checkout"},
                "rules": [
                    {
                        "name": "urgent",
                        "entityType": "ALERTS",
                        "condition": "alert.highestPriority == 'P1'",
                        "targets": [{"connectorId": "payments"}],
                    }
                ],
                "fallbackTargets": [{"entityType": "ALERTS", "target": {"connectorId": "payments"}}],
            }
        ]
    },
)
ROUTER_SUMMARY: Final = Named(
    "RouterSummary",
    obj(
        {
            "id": ID,
            "name": NAME,
            "description": DESCRIPTION,
            "disabled": BOOLEAN,
            "routingLabels": LABELS,
            "rules": whole(0),
        },
        ("id", "name", "disabled", "routingLabels", "rules"),
    ),
)
IDS: Final = many(text(least=1, most=128), most=800)
