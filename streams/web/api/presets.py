"""The documented presets API. System presets are read here like all others; only custom ones are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as replace_field
from typing import Any, Final

from streams.documents.api import to_api
from streams.documents.changes import plan_deletion
from streams.documents.preset import Preset
from streams.documents.snapshot import Snapshot
from streams.documents.system_presets import SYSTEM
from streams.web.api import writing
from streams.web.api.shapes import BASE, CONNECTOR_TYPE, ENTITY, ID, PRESET, PRESET_SUMMARY
from streams.web.api.writing import IF_MATCH, PROBLEMS, delete, etag
from streams.web.operation import Call, Operation, Parameter, Reply
from streams.web.problem import ApiError, not_found
from streams.web.schema import by_name, many, obj, text


async def create(call: Call) -> Reply:
    _, after, name = await writing.create(call, "preset")
    return _one(after, name)


async def replace(call: Call) -> Reply:
    _, after, name = await writing.replace(call, "preset", call.body)
    return _one(after, name)


async def remove(call: Call) -> Reply:
    name = call.path["id"]
    _not_system(name)
    return await delete(call, "preset", name, lambda snapshot: plan_deletion(snapshot, "preset", name))


async def get(call: Call) -> Reply:
    return _one(call.backend.snapshot, call.path["id"])


async def batch(call: Call) -> Reply:
    there = every(call.backend.snapshot)
    asked = dict.fromkeys(call.query.get("preset_ids", sorted(there)))
    return Reply(
        {
            "presets": {one: to_api(there[one]) for one in asked if one in there},
            "notFoundIds": [one for one in asked if one not in there],
        },
        headers=etag(call.backend.snapshot),
    )


async def summaries(call: Call) -> Reply:
    found = _chosen(call, every(call.backend.snapshot))
    return Reply({"presetSummaries": [summary(one) for one in found]})


async def system_summaries(call: Call) -> Reply:
    return Reply({"presetSummaries": [summary(one) for one in _chosen(call, SYSTEM)]})


async def default_summary(call: Call) -> Reply:
    found = _chosen(call, SYSTEM)
    if not found:
        raise not_found("preset for this connector type and entity type")
    return Reply({"presetSummary": summary(found[0])})


def every(snapshot: Snapshot) -> Mapping[str, Preset]:
    """Stored presets and those of the system."""
    return {**SYSTEM, **snapshot.presets}


def summary(preset: Preset) -> dict[str, Any]:
    """The documented summary."""
    return {
        "id": preset.id,
        "name": preset.name,
        "description": preset.description,
        "entityType": preset.entity.upper(),
        "connectorType": preset.connector_type,
        "parentId": preset.parent,
        "presetType": preset.type,
    }


def _chosen(call: Call, there: Mapping[str, Preset]) -> list[Preset]:
    kind, entity = call.query.get("connector_type"), call.query.get("entity_type")
    return [
        there[name]
        for name in sorted(there)
        if (kind is None or there[name].connector_type == kind)
        and (entity is None or there[name].entity == entity.lower())
    ]


def _one(snapshot: Snapshot, preset_id: str) -> Reply:
    found = every(snapshot).get(preset_id)
    if found is None:
        raise not_found(f"preset {preset_id[:128]}")
    return Reply({"preset": to_api(found)}, headers=etag(snapshot))


def _not_system(preset_id: str) -> None:
    if preset_id in SYSTEM:
        raise ApiError(
            "conflict", f"{preset_id} is a preset of the system, which does not change; make one with it as parentId"
        )


_PATH_ID: Final = Parameter(
    "id", "path", {**ID, "examples": ["preset_system_pagerduty_alerts_basic"]}, "Id of a preset.", required=True
)
_BY_TYPE: Final = Parameter("connector_type", "query", CONNECTOR_TYPE, "For connectors of this type alone.")
_BY_ENTITY: Final = Parameter("entity_type", "query", ENTITY, "For this entity type alone.")
_ANSWER: Final = obj({"preset": PRESET}, ("preset",))
_SUMMARIES: Final = obj({"presetSummaries": many(PRESET_SUMMARY)}, ("presetSummaries",))

OPERATIONS = (
    Operation(
        "POST",
        f"{BASE}/presets:createCustom",
        "createCustomPreset",
        "presets",
        "Create a preset",
        create,
        body=obj({"preset": PRESET}, ("preset",)),
        parameters=(IF_MATCH,),
        answers={200: _ANSWER},
        problems=PROBLEMS,
    ),
    Operation(
        "PUT",
        f"{BASE}/presets:replaceCustom",
        "replaceCustomPreset",
        "presets",
        "Replace a preset, whose id is in the body",
        replace,
        body=obj({"preset": PRESET}, ("preset",)),
        parameters=(IF_MATCH,),
        answers={200: _ANSWER},
        problems=(*PROBLEMS, "not-found"),
    ),
    Operation(
        "DELETE",
        f"{BASE}/presets/custom/{{id}}",
        "deleteCustomPreset",
        "presets",
        "Delete a preset that nothing refers to",
        remove,
        parameters=(replace_field(_PATH_ID, schema={**ID, "examples": ["loud-alerts"]}), IF_MATCH),
        answers={200: obj({})},
        problems=(*PROBLEMS, "not-found"),
    ),
    Operation(
        "GET",
        f"{BASE}/presets/{{id}}",
        "getPreset",
        "presets",
        "One preset",
        get,
        parameters=(_PATH_ID,),
        answers={200: _ANSWER},
        problems=("not-found",),
    ),
    Operation(
        "GET",
        f"{BASE}/presets",
        "batchGetPresets",
        "presets",
        "Several presets by their ids, or all",
        batch,
        parameters=(Parameter("preset_ids", "query", many(text(least=1, most=128), most=600), "Ids; none: all."),),
        answers={
            200: obj({"presets": by_name(PRESET), "notFoundIds": many(text())}, ("presets", "notFoundIds")),
        },
    ),
    Operation(
        "GET",
        f"{BASE}/presets:summariesList",
        "listPresetSummaries",
        "presets",
        "Summaries of all presets",
        summaries,
        parameters=(_BY_TYPE, _BY_ENTITY),
        answers={200: _SUMMARIES},
    ),
    Operation(
        "GET",
        f"{BASE}/presets/summaries/system",
        "listSystemPresetSummaries",
        "presets",
        "Summaries of the presets of the system",
        system_summaries,
        parameters=(_BY_TYPE, _BY_ENTITY),
        answers={200: _SUMMARIES},
    ),
    Operation(
        "GET",
        f"{BASE}/presets:getDefaultSummary",
        "getDefaultPresetSummary",
        "presets",
        "The preset that a target without one uses: that of the system",
        default_summary,
        parameters=(
            Parameter("connector_type", "query", CONNECTOR_TYPE, "Connector type.", required=True),
            Parameter("entity_type", "query", ENTITY, "Entity type.", required=True),
        ),
        answers={200: obj({"presetSummary": PRESET_SUMMARY}, ("presetSummary",))},
        problems=("not-found",),
    ),
)
