"""`GET /api/v1/explain/{id}`."""

from __future__ import annotations

import time
from typing import Final

from streams.explain.search import Window
from streams.web.operation import Call, Operation, Parameter, Reply
from streams.web.problem import ApiError
from streams.web.schema import BOOLEAN, OBJECT, many, obj, text, whole

DAY_MS: Final = 24 * 3_600_000
"""As the command has it: a shift and the one before."""

STORY: Final = {
    **OBJECT,
    "description": "The life of one incident: `incident`, `now` (state and sentence), `inputs` with their endings and "
    "attempts, `pins`, `destinations`. docs/explain.md has an example.",
}


async def explain(call: Call) -> Reply:
    since = call.query.get("since")
    everything = call.query.get("all", False)
    if since is not None and everything:
        raise ApiError("wrong-request", "since and all exclude each other")
    window = Window(since, life=False)
    if since is None and not everything:
        window = Window(time.time_ns() // 1_000_000 - DAY_MS, life=True)
    asked = call.path["id"]
    told = await call.backend.tell(asked, window)
    if not told.stories:
        raise ApiError(
            "not-found", f"nothing is known of this id{'' if everything else '; all=true looks at everything'}"
        )
    return Reply({"v": 1, "asked": asked, "stories": told.stories})


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/explain/{id}",
        "explain",
        "operations",
        "The life of an alert, Case or incident",
        explain,
        description="The id may hold slashes. Without `since` or `all`: the newest life of the incident, as far as the "
        "last 24 hours have it.",
        rest="id",
        parameters=(
            Parameter(
                "id",
                "path",
                text(least=1, most=4096),
                "alert:GROUPING-KEY, case:CASE-ID, one of these alone, an alert's own id, or TOPIC/PARTITION/OFFSET.",
                required=True,
            ),
            Parameter("since", "query", whole(0, 2**53), "Everything since then, milliseconds since the epoch."),
            Parameter("all", "query", BOOLEAN, "Everything that the topics still hold."),
        ),
        answers={200: obj({"v": whole(), "asked": text(), "stories": many(STORY)}, ("v", "asked", "stories"))},
        problems=("not-found",),
    ),
)
