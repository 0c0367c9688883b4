"""`GET /api/v1/lag`."""

from __future__ import annotations

from collections import Counter

from streams.web.operation import Call, Operation, Reply
from streams.web.schema import by_name, many, obj, text, whole


async def lag(call: Call) -> Reply:
    found = await call.backend.lag()
    stages: Counter[str] = Counter()
    for topic in found:
        stages[topic.stage] += topic.records
    topics = [{"stage": one.stage, "topic": one.topic, "records": one.records} for one in found]
    return Reply({"stages": dict(stages), "topics": topics})


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/lag",
        "getLag",
        "operations",
        "What each stage has still to do",
        lag,
        description="Inputs not routed and outbox records not delivered: records whose offset is not committed.",
        answers={
            200: obj(
                {
                    "stages": by_name(whole(0), "Records by stage."),
                    "topics": many(obj({"stage": text(), "topic": text(), "records": whole(0)})),
                },
                ("stages", "topics"),
            )
        },
    ),
)
