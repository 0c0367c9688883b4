"""The documented routers API."""

from __future__ import annotations

from typing import Any, Final

from streams.documents.api import to_api
from streams.documents.changes import plan_deletion
from streams.documents.router import LABELS as LABEL_NAMES
from streams.documents.router import Router
from streams.documents.snapshot import Snapshot
from streams.web.api import writing
from streams.web.api.shapes import BASE, ID, LABELS, ROUTER, ROUTER_SUMMARY
from streams.web.api.writing import IF_MATCH, PROBLEMS, delete, etag
from streams.web.operation import Call, Operation, Parameter, Reply
from streams.web.problem import not_found
from streams.web.schema import BOOLEAN, many, obj, text


async def create(call: Call) -> Reply:
    changes, after, name = await writing.create(call, "router")
    return _one(after, name, changes.warnings)


async def replace(call: Call) -> Reply:
    changes, after, name = await writing.replace(call, "router", call.body)
    return _one(after, name, changes.warnings)


async def remove(call: Call) -> Reply:
    name = call.path["id"]
    return await delete(call, "router", name, lambda snapshot: plan_deletion(snapshot, "router", name))


async def get(call: Call) -> Reply:
    return _one(call.backend.snapshot, call.path["id"])


async def list_all(call: Call) -> Reply:
    return Reply({"routers": [to_api(one) for one in _all(call)]}, headers=etag(call.backend.snapshot))


async def summaries(call: Call) -> Reply:
    return Reply({"routerSummaries": [_summary(one) for one in _all(call)]}, headers=etag(call.backend.snapshot))


async def validate_matcher(call: Call) -> Reply:
    """Whether no other router has these labels: with the same ones both would send."""
    labels = {name: value for name, value in call.body["routingLabels"].items() if value}
    same = [one.id for one in _all(call) if dict(one.labels) == labels and one.id != call.body.get("routerId")]
    matching = [one.id for one in _all(call) if one.labels.items() <= labels.items() and not one.disabled]
    return Reply({"isValid": not same, "conflictingRouterIds": same, "matchingRouterIds": matching})


def _all(call: Call) -> list[Router]:
    there = call.backend.snapshot.routers
    return [there[name] for name in sorted(there)]


def _summary(router: Router) -> dict[str, Any]:
    return {
        "id": router.id,
        "name": router.name,
        "description": router.description,
        "disabled": router.disabled,
        "routingLabels": {name: router.labels[name] for name in LABEL_NAMES if name in router.labels},
        "rules": len(router.rules),
    }


def _one(snapshot: Snapshot, router_id: str, warnings: tuple[str, ...] = ()) -> Reply:
    if router_id not in snapshot.routers:
        raise not_found(f"router {router_id[:128]}")
    body: dict[str, Any] = {"router": to_api(snapshot.routers[router_id])}
    return Reply({**body, "warnings": list(warnings)} if warnings else body, headers=etag(snapshot))


_PATH_ID: Final = Parameter("id", "path", {**ID, "examples": ["router-checkout"]}, "Id of a router.", required=True)
_ANSWER: Final = obj(
    {"router": ROUTER, "warnings": many(text("What works, and is hardly meant. Of Pagerline."))}, ("router",)
)
_BODY: Final = obj({"router": ROUTER}, ("router",))

OPERATIONS = (
    Operation(
        "POST",
        f"{BASE}/routers",
        "createRouter",
        "routers",
        "Create a router",
        create,
        body=_BODY,
        parameters=(IF_MATCH,),
        answers={200: _ANSWER},
        problems=PROBLEMS,
    ),
    Operation(
        "PUT",
        f"{BASE}/routers",
        "replaceRouter",
        "routers",
        "Replace a router, whose id is in the body",
        replace,
        body=_BODY,
        parameters=(IF_MATCH,),
        answers={200: _ANSWER},
        problems=(*PROBLEMS, "not-found"),
    ),
    Operation(
        "GET",
        f"{BASE}/routers",
        "listRouters",
        "routers",
        "All routers",
        list_all,
        answers={200: obj({"routers": many(ROUTER)}, ("routers",))},
    ),
    Operation(
        "GET",
        f"{BASE}/routers/all/summaries",
        "listRouterSummaries",
        "routers",
        "Summaries of all routers",
        summaries,
        answers={200: obj({"routerSummaries": many(ROUTER_SUMMARY)}, ("routerSummaries",))},
    ),
    Operation(
        "POST",
        f"{BASE}/routers/matcher/validate",
        "validateRouterMatcher",
        "routers",
        "Whether no other router has these labels, and which routers an event with them reaches",
        validate_matcher,
        body=obj({"routerId": text(most=128), "routingLabels": LABELS}, ("routingLabels",)),
        answers={
            200: obj(
                {
                    "isValid": BOOLEAN,
                    "conflictingRouterIds": many(text()),
                    "matchingRouterIds": many(text("Enabled, and all their labels are among these.")),
                },
                ("isValid", "conflictingRouterIds", "matchingRouterIds"),
            )
        },
    ),
    Operation(
        "GET",
        f"{BASE}/routers/{{id}}",
        "getRouter",
        "routers",
        "One router",
        get,
        parameters=(_PATH_ID,),
        answers={200: _ANSWER},
        problems=("not-found",),
    ),
    Operation(
        "DELETE",
        f"{BASE}/routers/{{id}}",
        "deleteRouter",
        "routers",
        "Delete a router",
        remove,
        parameters=(_PATH_ID, IF_MATCH),
        answers={200: obj({})},
        problems=(*PROBLEMS, "not-found"),
    ),
)
