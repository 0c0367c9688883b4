"""`POST /api/v1/send`, and the documented `connectors:test`, which is the same under another name."""

from __future__ import annotations

import logging
from typing import Any, Final

from streams.errors import UsageError
from streams.send import Sent
from streams.web.operation import Call, Operation, Reply
from streams.web.problem import Fault, wrong
from streams.web.schema import BOOLEAN, Named, by_name, maybe, obj, one_of, text, whole

log = logging.getLogger("pagerline.web")

WAIT_SECONDS: Final = 25
"""For each of the two outcomes unless told otherwise; proxies give up after 30 or 60."""

OUTCOME: Final = maybe(
    Named(
        "Outcome",
        obj(
            {
                "status": one_of("delivered", "superseded", "skipped", "dead"),
                "reason": text(),
                "message": text("PagerDuty's words, where it spoke."),
                "httpStatus": maybe(whole(100, 599)),
                "destination": maybe(text()),
                "latencyMs": maybe(whole()),
            },
            ("status", "reason", "message"),
        ),
    )
)

RESULT: Final = Named(
    "TestResult",
    {
        "oneOf": [
            obj({"success": obj({"metadata": by_name(text())}, ("metadata",))}, ("success",)),
            obj(
                {"failure": obj({"message": text(most=10_000), "statusCode": whole(100, 599)}, ("message",))},
                ("failure",),
            ),
        ],
        "description": "The documented result of a test.",
    },
)


async def send(call: Call) -> Reply:
    body = call.body
    sent = await run_test(call, body["connectorId"], body.get("entityType"), body.get("presetId"), body.get("wait"))
    return Reply(sent.to_json())


async def test_connector(call: Call) -> Reply:
    body = call.body
    sent = await run_test(call, body["connectorId"], None, None, None)
    return Reply({"result": result_of(sent)})


def result_of(sent: Sent) -> dict[str, Any]:
    """The documented `TestResult`."""
    if sent.ok and sent.trigger is not None:
        found = {"message": sent.message, "incident": sent.incident, "destination": sent.trigger.destination or ""}
        return {"success": {"metadata": found}}
    status = sent.trigger.http_status if sent.trigger else None
    return {"failure": {"message": sent.message[:10_000], **({"statusCode": status} if status else {})}}


async def run_test(call: Call, connector_id: str, entity: str | None, preset: str | None, wait: int | None) -> Sent:
    """A test notification. Raises ApiError when there is no such connector, or it does not take the entity type."""
    connector = call.backend.connector(connector_id)
    kind = None if entity is None else ENTITIES[entity]
    try:
        return await call.backend.send(
            connector,
            entity=kind,
            preset=preset,
            wait=wait or WAIT_SECONDS,
            told=lambda line: log.debug("send: %s", line),
        )
    except UsageError as error:
        raise wrong([Fault("entityType", str(error))]) from None


ENTITIES: Final[Any] = {"ALERTS": "alerts", "CASES": "cases", "alerts": "alerts", "cases": "cases"}

_ID = text("Id of a connector.", least=1, most=128)

OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/send",
        "send",
        "testing",
        "A test notification through the whole path",
        send,
        description="Pages for real, says what PagerDuty said, and resolves the test incident. `trigger` or `resolve` "
        "is null where no outcome came in time.",
        body=Named(
            "Send",
            obj(
                {
                    "connectorId": _ID,
                    "presetId": text("Id of a preset.", least=1, most=128),
                    "entityType": one_of("ALERTS", "CASES", description="Default: what the connector's path takes."),
                    "wait": {**whole(1, 120), "description": "Seconds, for each of trigger and resolve."},
                },
                ("connectorId",),
            ),
        ),
        answers={
            200: obj(
                {"ok": BOOLEAN, "message": text(), "incident": text(), "trigger": OUTCOME, "resolve": OUTCOME},
                ("ok", "message", "incident", "trigger", "resolve"),
            )
        },
        problems=("not-found",),
    ),
    Operation(
        "POST",
        "/notifications/notification-center/v1/connectors:test",
        "testConnector",
        "connectors",
        "Test a connector: a notification through the whole path",
        test_connector,
        body=obj(
            {"connectorId": _ID, "payloadType": text("Taken and not used: there is one, `triggered`.", most=100)},
            ("connectorId",),
        ),
        answers={200: obj({"result": RESULT}, ("result",))},
        problems=("not-found",),
    ),
)
