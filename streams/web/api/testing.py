"""Trying things out: a template or a condition against an example, a destination for real."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import orjson

from streams import contracts
from streams.errors import DataMissing, TemplateError, TemplateTooCostly
from streams.templating import compile_condition, compile_template
from streams.templating.limits import LIMITS
from streams.web.api.send import RESULT, result_of, run_test
from streams.web.api.shapes import BASE, ENTITY, fields_schema
from streams.web.api.unsaved import test_fields
from streams.web.operation import Call, Operation, Reply
from streams.web.schema import BOOLEAN, OBJECT, Json, obj, one_of, text

RENDERED_MOST: Final = 50_000
"""Characters of a rendered value in an answer (Coralogix, notifications testing API)."""

MESSAGE_MOST: Final = 10_000

EXAMPLES: Final = {"ALERTS": "alerts/metric-threshold-triggered.json", "CASES": "cases/opened.json"}


@cache
def example(entity: str) -> Any:
    """The event that things are tried out against: one of `schemas/examples`."""
    return orjson.loads(contracts.folder().joinpath("examples", EXAMPLES[entity]).read_bytes())


async def test_template(call: Call) -> Reply:
    body = call.body
    template = body["template"]
    if len(template) > LIMITS.template_length:
        said = f"has {len(template):,} characters, {LIMITS.template_length:,} is the limit"
        return _failed(said, "TEMPLATE_EXCEEDS_MAX_LENGTH")
    context = _context(body)
    try:
        rendered = await asyncio.to_thread(lambda: compile_template(template).render(context, now=_now))
    except DataMissing as error:
        return _failed(str(error), "FIELD_NOT_FOUND")
    except TemplateTooCostly as error:
        return _failed(str(error), "RENDERED_VALUE_EXCEEDS_MAX_LENGTH" if "text" in str(error) else "INVALID_TEMPLATE")
    except TemplateError as error:
        return _failed(str(error), "INVALID_TEMPLATE")
    if len(rendered) > RENDERED_MOST:
        said = f"renders to {len(rendered):,} characters, {RENDERED_MOST:,} is the limit"
        return _failed(said, "RENDERED_VALUE_EXCEEDS_MAX_LENGTH")
    return Reply({"success": {"renderedValue": rendered}})


async def test_condition(call: Call) -> Reply:
    body = call.body
    context = _context(body)
    try:
        held = await asyncio.to_thread(lambda: compile_condition(body["template"]).evaluate(context, now=_now))
    except TemplateError as error:
        return Reply({"failure": {"message": str(error)[:MESSAGE_MOST]}})
    return Reply({"success": {"result": held}})


async def test_preset(call: Call) -> Reply:
    body = call.body
    sent = await run_test(call, body["connectorId"], body["entityType"], body["presetId"], None)
    return Reply({"result": result_of(sent)})


async def test_destination(call: Call) -> Reply:
    body = call.body
    if body.get("connectorConfigFields") or body.get("messageConfigFields"):
        return await test_fields(call)
    sent = await run_test(call, body["connectorId"], body["entityType"], body.get("presetId"), None)
    return Reply({"result": result_of(sent)})


def _now() -> datetime:
    return datetime.now(UTC)


def _context(body: Any) -> Any:
    return body.get("context") or example(body["entityType"])


def _failed(message: str, reason: str) -> Reply:
    return Reply({"failure": {"message": message[:MESSAGE_MOST], "reason": reason}})


_ID: Final = text(least=1, most=128)
_SUBTYPE: Final = text("Taken and not used: there is one example an entity type.", most=256)
_CONTEXT: Final = {**OBJECT, "description": "Of Pagerline: the event to try it against, in the place of the example."}
_TEMPLATE: Final = text(most=100_000, examples=["{{ alertDef.name | upper }}"])


def _either(success: Json, failure: Json) -> Json:
    return {"oneOf": [obj({"success": success}, ("success",)), obj({"failure": failure}, ("failure",))]}


_ENTITY_REQUIRED: Final = {"entityType": ENTITY, "entitySubType": _SUBTYPE}

OPERATIONS = (
    Operation(
        "POST",
        f"{BASE}/templates:test",
        "testTemplate",
        "testing",
        "Render a template against an example",
        test_template,
        body=obj({**_ENTITY_REQUIRED, "template": _TEMPLATE, "context": _CONTEXT}, ("entityType", "template")),
        answers={
            200: _either(
                obj({"renderedValue": text(most=RENDERED_MOST)}, ("renderedValue",)),
                obj(
                    {
                        "message": text(most=MESSAGE_MOST),
                        "reason": one_of(
                            "INVALID_TEMPLATE",
                            "FIELD_NOT_FOUND",
                            "TEMPLATE_EXCEEDS_MAX_LENGTH",
                            "RENDERED_VALUE_EXCEEDS_MAX_LENGTH",
                        ),
                    },
                    ("message", "reason"),
                ),
            )
        },
    ),
    Operation(
        "POST",
        f"{BASE}/routers:testCondition",
        "testRouterCondition",
        "routers",
        "Evaluate a condition against an example",
        test_condition,
        body=obj({"entityType": ENTITY, "template": _TEMPLATE, "context": _CONTEXT}, ("entityType", "template")),
        answers={
            200: _either(obj({"result": BOOLEAN}, ("result",)), obj({"message": text(most=MESSAGE_MOST)}, ("message",)))
        },
    ),
    Operation(
        "POST",
        f"{BASE}/presets:test",
        "testPreset",
        "presets",
        "Test a preset: a notification through the whole path",
        test_preset,
        body=obj(
            {"presetId": _ID, "connectorId": _ID, "entityType": ENTITY, "entitySubType": _SUBTYPE},
            ("presetId", "connectorId", "entityType"),
        ),
        answers={200: obj({"result": RESULT}, ("result",))},
        problems=("not-found",),
    ),
    Operation(
        "POST",
        f"{BASE}/destinations:test",
        "testDestination",
        "testing",
        "Test a connector with a preset: a notification through the whole path",
        test_destination,
        description="With fields of its own, which are not saved: sent by the web process itself, as `:testConfig` is.",
        body=obj(
            {
                "connectorId": _ID,
                "presetId": _ID,
                "entityType": ENTITY,
                "entitySubType": _SUBTYPE,
                "payloadType": text(most=100),
                "connectorConfigFields": fields_schema("template"),
                "messageConfigFields": fields_schema("template"),
            },
            ("connectorId", "entityType"),
        ),
        answers={200: obj({"result": RESULT}, ("result",))},
        problems=("not-found",),
    ),
)
