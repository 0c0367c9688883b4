"""Testing what is not saved: decided by the documents as they would be, and sent to PagerDuty by this process itself.

Workers know saved documents alone, so this is the one thing that the web process sends: a trigger and its resolve, two
requests beside the limiter of the destination. Only for service keys; an account is tested when it is saved.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from streams.documents.api import to_api
from streams.documents.connector import Connector, Entity
from streams.documents.document import Document
from streams.documents.parse import parse_json
from streams.documents.references import References
from streams.documents.snapshot import Snapshot
from streams.documents.system_presets import SYSTEM
from streams.errors import DocumentError, DocumentsWrong
from streams.events import Event, Source, read_event
from streams.pagerduty.answers import Accepted, judge
from streams.pagerduty.events import EventsClient
from streams.routing.decide import decide
from streams.routing.decision import Send
from streams.routing.outbox import outbox_record
from streams.routing.preview import with_documents
from streams.send import Trial
from streams.settings import Settings
from streams.web.api.preview import routing_keys_only
from streams.web.api.send import ENTITIES, RESULT
from streams.web.api.shapes import BASE, CONNECTOR_TYPE, ENTITY, PRESET, fields_schema
from streams.web.operation import Call, Operation, Reply
from streams.web.problem import Fault, not_found, wrong
from streams.web.schema import obj, text

UNSAVED: Final = "pagerline-unsaved"
"""The id that documents have which are tried out; nothing of that name is ever stored."""

REQUEST_SECONDS: Final = 10.0
MESSAGE_MOST: Final = 10_000


async def test_config(call: Call) -> Reply:
    body = call.body
    entity = _entity(body["type"], body["entityType"])
    wanted = {"id": UNSAVED, "type": body["type"], "name": "A test", "connectorConfig": {"fields": body["fields"]}}
    connector = _parsed("connector", wanted, {"connectorConfig.": ""})
    return Reply({"result": await _try(call, [connector], Trial.of(entity, UNSAVED))})


async def test_preset_config(call: Call) -> Reply:
    body = call.body
    connector = call.backend.connector(body["connectorId"])
    entity = _entity(connector.type, body["entityType"])
    preset = _preset(call, connector, entity, body.get("parentPresetId"), body["configOverrides"])
    return Reply({"result": await _try(call, [preset], Trial.of(entity, connector.id, UNSAVED))})


async def test_fields(call: Call) -> Reply:
    """`destinations:test` with fields of its own."""
    body = call.body
    connector = call.backend.connector(body["connectorId"])
    entity = _entity(connector.type, body["entityType"])
    changed: list[Document] = []
    if fields := body.get("connectorConfigFields"):
        shape = to_api(connector, lambda secret: secret.reveal())
        others = [one for one in shape["configOverrides"] if one["entityType"] != entity.upper()]
        mine = [one for one in shape["configOverrides"] if one["entityType"] == entity.upper()]
        names = {one["fieldName"] for one in fields}
        kept = [one for over in mine for one in over["fields"] if one["fieldName"] not in names]
        overrides = [*others, {"entityType": entity.upper(), "fields": [*kept, *fields]}]
        changed.append(_parsed("connector", {**shape, "configOverrides": overrides}, {"configOverrides": "connector"}))
    preset = body.get("presetId")
    if fields := body.get("messageConfigFields"):
        layer = {"conditionType": {"matchEntityType": {}}, "messageConfig": {"fields": fields}}
        changed.append(_preset(call, connector, entity, preset, [layer]))
        preset = UNSAVED
    return Reply({"result": await _try(call, changed, Trial.of(entity, connector.id, preset))})


async def _try(call: Call, changed: Iterable[Document], trial: Trial) -> dict[str, Any]:
    """The documented `TestResult`."""
    settings = call.backend.settings
    then = with_documents(call.backend.snapshot, changed)
    sent = await asyncio.to_thread(_decided, then, trial)
    if isinstance(sent, str):
        return {"failure": {"message": sent[:MESSAGE_MOST]}}
    event, send = sent
    if send.routing_key is None:
        raise wrong([Fault("connectorId", "is of an account", "save what is to be tested, and use connectors:test")])
    record, key = outbox_record(event, send, ""), send.routing_key.reveal()
    return await _deliver(settings, record, key)


async def _deliver(settings: Settings, record: Mapping[str, Any], key: str) -> dict[str, Any]:
    async with EventsClient(settings.events_url, timeout=REQUEST_SECONDS, connections=1) as client:
        answer = await client.enqueue(record, key)
        verdict = judge(answer)
        if not isinstance(verdict, Accepted):
            status = {"statusCode": answer.status} if answer.status else {}
            return {"failure": {"message": f"{verdict.reason}: {verdict.words}"[:MESSAGE_MOST], **status}}
        resolved = judge(await client.enqueue({**record, "action": "resolve"}, key))
    found = {"message": verdict.words, "incident": record["incident"], "destination": record["destination"]}
    errors = {f"error.{name}": said for name, said in record["render_errors"].items()}
    if not isinstance(resolved, Accepted):
        errors["error.resolve"] = f"the test incident was not resolved: {resolved.words}"
    return {"success": {"metadata": {**found, **errors}}}


def _decided(documents: Snapshot, trial: Trial) -> tuple[Event, Send] | str:
    """What would be sent, or why nothing would be."""
    topic = trial.entity
    source = Source(topic, 0, 0, time.time_ns() // 1_000_000)
    event = read_event("alert" if topic == "alerts" else "case", orjson.dumps(trial.document("trigger")), source)
    assert isinstance(event, Event), event
    (decision,) = decide(event, documents, {}, resolve=routing_keys_only(References()))
    return (event, decision) if isinstance(decision, Send) else f"{decision.reason}: {decision.message}"


def _entity(connector_type: str, entity: str) -> Entity:
    if connector_type != "PAGERDUTY":
        raise wrong([Fault("type", "is tested when it is saved", "save the connector, and use connectors:test")])
    found: Entity = ENTITIES[entity]
    return found


def _preset(call: Call, connector: Connector, entity: Entity, parent: str | None, layers: Any) -> Document:
    if parent is not None and parent not in SYSTEM and parent not in call.backend.snapshot.presets:
        raise not_found(f"preset {parent}")
    basic = f"preset_system_pagerduty_{entity}_basic"
    wanted = {
        "id": UNSAVED,
        "name": "A test",
        "entityType": entity.upper(),
        "connectorType": connector.type,
        "parentId": parent or basic,
        "configOverrides": layers,
    }
    return _parsed("preset", wanted, {"configOverrides[0].messageConfig.fields": "messageConfigFields"})


def _parsed(kind: Any, wanted: Mapping[str, Any], names: Mapping[str, str]) -> Document:
    """The document, faults by the names that the request has for its fields."""
    try:
        return parse_json(kind, wanted).document
    except DocumentsWrong as error:

        def named(path: str) -> str:
            for ours, theirs in names.items():
                if path.startswith(ours):
                    return theirs + path.removeprefix(ours)
            return path

        raise DocumentsWrong(
            DocumentError(one.message, path=named(one.path), remedy=one.remedy) for one in error.problems
        ) from None


_ID: Final = text(least=1, most=128)
_LAYERS: Final = PRESET["properties"]["configOverrides"]
_SAID: Final = (
    "Decided by the documents as they would be, and sent by the web process itself, beside the destination's limit; "
    "resolved at once. Only for connectors of type PAGERDUTY."
)

OPERATIONS = (
    Operation(
        "POST",
        f"{BASE}/connectors:testConfig",
        "testConnectorConfig",
        "connectors",
        "Test a connector that is not saved",
        test_config,
        description=_SAID,
        body=obj(
            {
                "type": CONNECTOR_TYPE,
                "entityType": ENTITY,
                "payloadType": text(most=100),
                "fields": fields_schema("value"),
            },
            ("type", "entityType", "fields"),
        ),
        answers={200: obj({"result": RESULT}, ("result",))},
        problems=("wrong-document",),
    ),
    Operation(
        "POST",
        f"{BASE}/presets:testConfig",
        "testPresetConfig",
        "presets",
        "Test a preset that is not saved",
        test_preset_config,
        description=_SAID,
        body=obj(
            {
                "parentPresetId": _ID,
                "configOverrides": _LAYERS,
                "connectorId": _ID,
                "entityType": ENTITY,
                "entitySubType": text(most=256),
            },
            ("configOverrides", "connectorId", "entityType"),
        ),
        answers={200: obj({"result": RESULT}, ("result",))},
        problems=("wrong-document", "not-found"),
    ),
)
