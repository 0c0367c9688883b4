"""`POST /api/v1/preview`: what would become of an event, as `pagerline preview` tells it. Sends nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from streams.documents.changes import plan_changes
from streams.documents.parse import load_documents
from streams.documents.references import References, is_reference
from streams.documents.secrets import Secret, is_routing_key, is_template
from streams.documents.written import Written
from streams.errors import DocumentError, DocumentsWrong, UnresolvedReference, UsageError
from streams.events import Event, Malformed, Skip, Source, read_event
from streams.routing.age import TooOld
from streams.routing.pin import Pin
from streams.routing.preview import preview as previewed
from streams.routing.preview import with_documents
from streams.routing.previewed import differences
from streams.settings import Settings
from streams.web.operation import Call, Operation, Reply
from streams.web.problem import ApiError, Fault, wrong
from streams.web.schema import BOOLEAN, OBJECT, Named, many, obj, text, whole

WAIT_SECONDS: Final = 25
"""For the next event; proxies give up after 30 or 60."""


async def preview(call: Call) -> Reply:
    body = call.body
    snapshot = call.backend.snapshot
    changed = body.get("documents")
    event = _event(body["event"], call.backend.settings) if "event" in body else await _live(call)
    pins: Mapping[str, Pin] = await call.backend.pins(event.incident) if body.get("pins", True) else {}
    settings = call.backend.settings
    options: dict[str, Any] = {
        "connector": body.get("connectorId"),
        "too_old": too_old(settings),
        "resolve": routing_keys_only(References()),
        "events_url": settings.events_url,
    }
    shown = await asyncio.to_thread(lambda: previewed(event, snapshot, pins, **options))
    told: dict[str, Any] = {"preview": shown.to_json(), "sends": shown.sends}
    if changed:
        wanted = await asyncio.to_thread(_documents, changed)
        changes = await asyncio.to_thread(plan_changes, snapshot, wanted)
        then = with_documents(snapshot, [one.document for one in changes.writes if one.document is not None])
        after = await asyncio.to_thread(lambda: previewed(event, then, pins, **options))
        told |= {
            "with": after.to_json(),
            "sendsWith": after.sends,
            "differences": [
                {"where": one.where, "before": one.before, "after": one.after} for one in differences(shown, after)
            ],
            "warnings": list(changes.warnings),
        }
    return Reply(told)


def routing_keys_only(references: References) -> Any:
    """Looks up references to whole routing keys, and nothing else: who may use the API may not read this machine's
    variables and files through it, and what else stands there is no routing key and would be shown."""

    def resolve(secret: Secret) -> Secret:
        if not is_reference(secret.reveal()) or is_template(secret.reveal()):
            return secret
        try:
            found = references.resolve(secret)
        except UnresolvedReference:
            return secret
        return found if is_routing_key(found.reveal()) else secret

    return resolve


def too_old(settings: Settings) -> TooOld | None:
    """What is not sent any more."""
    limit = round(settings.max_event_age * 1000)
    return TooOld(time.time_ns() // 1_000_000, limit, settings.event_time) if limit else None


def _event(document: Mapping[str, Any], settings: Settings) -> Event:
    kinds = [kind for kind in ("alert", "case") if kind in document]
    if len(kinds) != 1:
        raise wrong([Fault("event", "must have the member `alert` or `case`, and not both")])
    source = Source(f"{kinds[0]}s", 0, 0, time.time_ns() // 1_000_000)
    kind: Any = kinds[0]
    return _read(read_event(kind, orjson.dumps(document), source, max_bytes=settings.max_event_bytes))


async def _live(call: Call) -> Event:
    found = await call.backend.next_event(call.body.get("wait", WAIT_SECONDS))
    if found is None:
        raise ApiError("not-found", "no event came in time")
    return _read(found)


def _read(found: Event | Malformed | Skip) -> Event:
    if isinstance(found, Malformed):
        field = f"event.{found.path.removeprefix('/').replace('/', '.')}".removesuffix(".")
        raise wrong([Fault(field, f"{found.message} (dead letter {found.reason})")])
    return found.event if isinstance(found, Skip) else found


def _documents(changed: str | list[Any]) -> list[Written]:
    """Lines and columns are told of a text alone: those of a list are not the client's."""
    is_text = isinstance(changed, str)
    text = changed if isinstance(changed, str) else orjson.dumps(changed).decode()
    try:
        return load_documents(["-"], lambda: text)
    except UsageError:
        raise wrong([Fault("documents", "holds no document", "leave it out, or write one")]) from None
    except DocumentsWrong as error:
        raise DocumentsWrong(
            DocumentError(
                one.message,
                path=f"documents{'' if one.path[:1] in ('', '[') else '.'}{one.path}",
                remedy=one.remedy,
                line=one.line if is_text else 0,
                column=one.column if is_text else 0,
            )
            for one in error.problems
        ) from None


_PREVIEW: Final = Named(
    "Preview",
    obj(
        {
            "incident": text(),
            "revision": whole(0),
            "routers": many({**OBJECT, "description": "Those that match, and some that nearly do, with their rules."}),
            "outcomes": many(
                {
                    **OBJECT,
                    "description": "One for each connector: send, skip or reject, why, by which templates, and the "
                    "request that PagerDuty would get, its routing key masked.",
                }
            ),
        },
        ("incident", "revision", "routers", "outcomes"),
        more=True,
    ),
)

OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/preview",
        "preview",
        "operations",
        "What would become of an event; sends nothing",
        preview,
        description="By the documents of now, and with `documents` also by those: what would differ. Without `event`: "
        "the next one that is written to `alerts` or `cases`. References in connectors are looked up in this process, "
        "and only where the whole value is one.",
        body=Named(
            "PreviewRequest",
            obj(
                {
                    "event": {
                        **OBJECT,
                        "description": "An alert or a Case, as the topics have it.",
                        "examples": [
                            {
                                "alert": {"groupingKey": "disk/web-1", "status": "Triggered"},
                                "alertDef": {"name": "Disk full"},
                            }
                        ],
                    },
                    "connectorId": text("As if the event named this connector.", least=1, most=128),
                    "documents": {
                        "anyOf": [many(OBJECT, most=1000), text()],
                        "description": "Changed documents: a list, or a text as a file for `pagerline apply` has it "
                        "(YAML or JSON).",
                    },
                    "pins": {
                        **BOOLEAN,
                        "description": "Whether to look up where the incident is pinned; default true.",
                    },
                    "wait": {**whole(1, 55), "description": "Seconds to wait for an event where none is given."},
                }
            ),
        ),
        answers={
            200: obj(
                {
                    "preview": _PREVIEW,
                    "sends": BOOLEAN,
                    "with": _PREVIEW,
                    "sendsWith": BOOLEAN,
                    "differences": many(
                        obj({"where": text(), "before": {}, "after": {}}, ("where", "before", "after"))
                    ),
                    "warnings": many(text()),
                },
                ("preview", "sends"),
            )
        },
        problems=("wrong-document", "not-found"),
    ),
)
