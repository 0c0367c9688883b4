"""The documented connectors API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, cast

from streams.documents.api import to_api
from streams.documents.changes import plan_deletion
from streams.documents.connector import Connector, ConnectorType
from streams.documents.preset import MESSAGE_FIELDS
from streams.documents.show import masked, shown
from streams.documents.snapshot import Snapshot
from streams.web.api import writing
from streams.web.api.shapes import BASE, CONNECTOR, CONNECTOR_SUMMARY, CONNECTOR_TYPE, ENTITY, ID, IDS
from streams.web.api.writing import IF_MATCH, PROBLEMS, delete, etag
from streams.web.operation import Call, Operation, Parameter, Reply
from streams.web.problem import not_found
from streams.web.schema import BOOLEAN, OBJECT, Json, Named, by_name, many, obj, text, whole

SUPPORTS: Final[Mapping[str, tuple[str, ...]]] = {"PAGERDUTY": ("ALERTS", "CASES"), "PAGERDUTY_INCIDENTS": ("CASES",)}

SCHEMAS: Final[Mapping[str, tuple[tuple[str, bool, str], ...]]] = {
    "PAGERDUTY": (
        ("integrationKey", True, "Integration key of an Events API v2 integration of one service."),
        (
            "dynamicintegrationKey",
            False,
            "A template that yields the key; where it yields none, integrationKey counts.",
        ),
    ),
    "PAGERDUTY_INCIDENTS": (
        ("integrationId", True, "Id of an integration: an account of PagerDuty."),
        ("service", False, "Name or id of the service whose incidents Cases become."),
        ("dynamicservice", False, "A template that yields the service; where it yields none, service counts."),
    ),
}
"""Fields by connector type: name, whether it is required, what it is."""


async def create(call: Call) -> Reply:
    _, after, name = await writing.create(call, "connector")
    return _one(after, name)


async def replace(call: Call) -> Reply:
    _, after, name = await writing.replace(
        call, "connector", _unmasked(call.body, (await call.backend.read()).connectors)
    )
    return _one(after, name)


async def get(call: Call) -> Reply:
    return _one(call.backend.snapshot, call.path["id"])


async def remove(call: Call) -> Reply:
    name = call.path["id"]
    return await delete(call, "connector", name, lambda snapshot: plan_deletion(snapshot, "connector", name))


async def list_all(call: Call) -> Reply:
    found = _chosen(call)
    return Reply({"connectors": [to_api(one) for one in found]}, headers=etag(call.backend.snapshot))


async def list_summaries(call: Call) -> Reply:
    return Reply({"connectors": [summary(one) for one in _chosen(call)]}, headers=etag(call.backend.snapshot))


async def batch(call: Call, member: str, show: Callable[[Connector], Any]) -> Reply:
    asked = dict.fromkeys(call.query.get("connector_ids", ()))
    there = call.backend.snapshot.connectors
    return Reply(
        {
            member: {one: show(there[one]) for one in asked if one in there},
            "notFoundIds": [one for one in asked if one not in there],
        }
    )


async def type_summaries(call: Call) -> Reply:
    supported = call.query.get("supported_by_entity_type")
    counts = Counter(one.type for one in call.backend.snapshot.connectors.values())
    wanted = [name for name, entities in SUPPORTS.items() if supported is None or supported in entities]
    return Reply(
        {"connectorTypeSummaries": [{"type": name, "count": counts[cast(ConnectorType, name)]} for name in wanted]}
    )


async def schema_of_type(call: Call) -> Reply:
    kind = cast(ConnectorType, call.query["type"])
    needed = {"PAGERDUTY": ("summary", "severity", "source", "timestamp"), "PAGERDUTY_INCIDENTS": ("title",)}[kind]
    return Reply(
        {
            "connectorSchema": {
                "type": kind,
                "supportedPayloadTypes": ["triggered"],
                "connectorConfigSchema": {
                    "fields": [
                        {
                            "fieldName": name,
                            "fieldType": "NON_EMPTY_STRING" if required else "STRING",
                            "required": required,
                            "allowOverrides": True,
                            "description": said,
                        }
                        for name, required, said in SCHEMAS[kind]
                    ]
                },
                "messageConfigSchemas": [
                    {
                        "payloadType": "triggered",
                        "fields": [
                            {
                                "fieldName": name,
                                "fieldType": _FIELD_TYPES.get(name, "STRING"),
                                "required": name in needed,
                                "allowedValues": list(_ALLOWED.get(name, ())),
                            }
                            for name in MESSAGE_FIELDS[kind]
                        ],
                    }
                ],
            }
        }
    )


_FIELD_TYPES: Final = {
    "summary": "NON_EMPTY_STRING",
    "source": "NON_EMPTY_STRING",
    "title": "NON_EMPTY_STRING",
    "timestamp": "DATE",
    "customDetails": "JSON_OBJECT",
}
_ALLOWED: Final = {"severity": ("critical", "error", "warning", "info"), "urgency": ("high", "low")}


def summary(connector: Connector) -> dict[str, Any]:
    """The documented summary, which has no field's value."""
    return {
        "id": connector.id,
        "type": connector.type,
        "name": connector.name,
        "description": connector.description,
    }


def _one(snapshot: Snapshot, connector_id: str) -> Reply:
    if connector_id not in snapshot.connectors:
        raise not_found(f"connector {connector_id[:128]}")
    return Reply({"connector": to_api(snapshot.connectors[connector_id])}, headers=etag(snapshot))


def _chosen(call: Call) -> Iterable[Connector]:
    kind, entity = call.query.get("connector_type"), call.query.get("supported_by_entity_type")
    there = call.backend.snapshot.connectors
    return [
        there[name]
        for name in sorted(there)
        if (kind is None or there[name].type == kind) and (entity is None or entity in SUPPORTS[there[name].type])
    ]


def _unmasked(body: Any, stored: Mapping[str, Connector]) -> Any:
    """The body with what is stored in the place of what is only its mask: somebody has read, changed, and sent back."""
    document = body["connector"]
    before = stored.get(str(document.get("id"))) if isinstance(document, dict) else None
    if before is None:
        return body
    show = shown(before, masked)

    def restored(fields: Any, member: str, secrets: Mapping[str, Any]) -> Any:
        if not isinstance(fields, list):
            return fields
        found = []
        for one in fields:
            secret = secrets.get(str(one.get("fieldName"))) if isinstance(one, dict) else None
            same = secret is not None and one.get(member) == show(secret)
            found.append({**one, member: secret.reveal()} if secret is not None and same else one)
        return found

    document = dict(document)
    if isinstance(config := document.get("connectorConfig"), dict):
        document["connectorConfig"] = {**config, "fields": restored(config.get("fields"), "value", before.fields)}
    if isinstance(overrides := document.get("configOverrides"), list):
        document["configOverrides"] = [
            {
                **one,
                "fields": restored(
                    one.get("fields"),
                    "template",
                    before.overrides.get(cast(Any, str(one.get("entityType")).lower()), {}),
                ),
            }
            if isinstance(one, dict)
            else one
            for one in overrides
        ]
    return {**body, "connector": document}


_PATH_ID: Final = Parameter("id", "path", ID, "Id of a connector.", required=True)
_BY_TYPE: Final = Parameter("connector_type", "query", CONNECTOR_TYPE, "Of this type alone.")
_BY_ENTITY: Final = Parameter("supported_by_entity_type", "query", ENTITY, "Those that take this entity type.")
_IDS: Final = Parameter("connector_ids", "query", IDS, "Ids.", required=True)
_ANSWER: Final = obj({"connector": CONNECTOR}, ("connector",))
_BODY: Final = obj({"connector": CONNECTOR}, ("connector",))


def _batched(member: str, one: Json) -> Json:
    return obj({member: by_name(one), "notFoundIds": many(text())}, (member, "notFoundIds"))


OPERATIONS = (
    Operation(
        "POST",
        f"{BASE}/connectors",
        "createConnector",
        "connectors",
        "Create a connector",
        create,
        body=_BODY,
        parameters=(IF_MATCH,),
        answers={200: _ANSWER},
        problems=PROBLEMS,
    ),
    Operation(
        "PUT",
        f"{BASE}/connectors",
        "replaceConnector",
        "connectors",
        "Replace a connector, whose id is in the body",
        replace,
        body=_BODY,
        parameters=(IF_MATCH,),
        answers={200: _ANSWER},
        problems=(*PROBLEMS, "not-found"),
    ),
    Operation(
        "GET",
        f"{BASE}/connectors",
        "listConnectors",
        "connectors",
        "All connectors",
        list_all,
        parameters=(_BY_TYPE, _BY_ENTITY),
        answers={200: obj({"connectors": many(CONNECTOR)}, ("connectors",))},
    ),
    Operation(
        "GET",
        f"{BASE}/connectors/all/list",
        "batchGetConnectors",
        "connectors",
        "Several connectors by their ids",
        partial(batch, member="connectors", show=to_api),
        parameters=(_IDS,),
        answers={200: _batched("connectors", CONNECTOR)},
    ),
    Operation(
        "GET",
        f"{BASE}/connectors/all/summaries",
        "batchGetConnectorSummaries",
        "connectors",
        "Summaries of several connectors by their ids",
        partial(batch, member="connectorSummaries", show=summary),
        parameters=(_IDS,),
        answers={200: _batched("connectorSummaries", CONNECTOR_SUMMARY)},
    ),
    Operation(
        "GET",
        f"{BASE}/connectors/list/summaries",
        "listConnectorSummaries",
        "connectors",
        "Summaries of all connectors",
        list_summaries,
        parameters=(_BY_TYPE, _BY_ENTITY),
        answers={200: obj({"connectors": many(CONNECTOR_SUMMARY)}, ("connectors",))},
    ),
    Operation(
        "GET",
        f"{BASE}/connectors/types/summaries",
        "getConnectorTypeSummaries",
        "connectors",
        "How many connectors of each type there are",
        type_summaries,
        parameters=(_BY_ENTITY,),
        answers={
            200: obj(
                {"connectorTypeSummaries": many(obj({"type": CONNECTOR_TYPE, "count": whole(0)}, ("type", "count")))},
                ("connectorTypeSummaries",),
            )
        },
    ),
    Operation(
        "GET",
        f"{BASE}/connectors/{{id}}",
        "getConnector",
        "connectors",
        "One connector, values masked",
        get,
        parameters=(_PATH_ID,),
        answers={200: _ANSWER},
        problems=("not-found",),
    ),
    Operation(
        "DELETE",
        f"{BASE}/connectors/{{id}}",
        "deleteConnector",
        "connectors",
        "Delete a connector that nothing refers to",
        remove,
        description="What it has paged is still acknowledged and resolved. 409 names what refers to it.",
        parameters=(_PATH_ID, IF_MATCH),
        answers={200: obj({})},
        problems=(*PROBLEMS, "not-found"),
    ),
    Operation(
        "GET",
        f"{BASE}/connector-schemas",
        "getConnectorSchema",
        "connectors",
        "The fields of a connector type, and of the messages through it",
        schema_of_type,
        parameters=(Parameter("type", "query", CONNECTOR_TYPE, "Connector type.", required=True),),
        answers={
            200: obj(
                {
                    "connectorSchema": Named(
                        "ConnectorSchema",
                        obj(
                            {
                                "type": CONNECTOR_TYPE,
                                "supportedPayloadTypes": many(text()),
                                "connectorConfigSchema": obj(
                                    {
                                        "fields": many(
                                            obj(
                                                {
                                                    "fieldName": text(),
                                                    "fieldType": text(),
                                                    "required": BOOLEAN,
                                                    "allowOverrides": BOOLEAN,
                                                    "description": text(),
                                                }
                                            )
                                        )
                                    }
                                ),
                                "messageConfigSchemas": many(OBJECT),
                            }
                        ),
                    )
                },
                ("connectorSchema",),
            )
        },
    ),
)
