"""`GET /api/v1/cases` and `/api/v1/cases/{id}`: table `cases`, read from its changelog, whether workers run or not."""

from __future__ import annotations

from typing import Final

from streams.web.operation import Call, Operation, Parameter, Reply
from streams.web.problem import not_found
from streams.web.schema import BOOLEAN, MS, OBJECT, Named, by_name, many, maybe, obj, one_of, text, whole

STATUSES: Final = ("OPEN", "ACKNOWLEDGED", "RESOLVED", "CLOSED")

MOST: Final = 1_000
"""Cases in one answer, those that changed last: each has a kilobyte or two."""

CASE: Final = Named(
    "CaseRow",
    obj(
        {
            "v": whole(),
            "case": text("Id of the Case."),
            "case_status": maybe(one_of(*STATUSES)),
            "linked": BOOLEAN,
            "links": by_name(OBJECT, "By destination: incident, both statuses, comments, error, conflict."),
            "last": maybe(OBJECT),
            "updates": whole(0),
            "at": MS,
        },
        ("case", "case_status", "linked", "links", "last", "updates", "at"),
        more=True,
        description="How a Case and its incidents stand.",
    ),
)


async def list_cases(call: Call) -> Reply:
    wanted, statuses = call.query, set(call.query.get("status", ()))
    rows = await call.backend.case_rows()
    asked = [name for name in ("conflicts", "errors", "unlinked") if wanted.get(name)]
    found = [
        row
        for row in rows
        if (not statuses or row.case_status in statuses)
        and (
            not asked
            or ("conflicts" in asked and row.in_conflict)
            or ("errors" in asked and row.failing)
            or ("unlinked" in asked and not row.linked)
        )
    ]
    return Reply({"cases": [row.to_json() for row in found[: wanted.get("limit", MOST)]], "total": len(found)})


async def show_case(call: Call) -> Reply:
    case = call.path["id"]
    row = await call.backend.case_row(case)
    if row is None:
        raise not_found(f"Case {case[:200]} that was linked, or it is long over")
    return Reply(row.to_json())


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/cases",
        "listCases",
        "operations",
        "How Cases stand beside their incidents, the one that changed last first",
        list_cases,
        description="Of `conflicts`, `errors` and `unlinked` one is enough to be listed.",
        parameters=(
            Parameter("status", "query", many(one_of(*STATUSES), most=4), "Of the Case."),
            Parameter("conflicts", "query", BOOLEAN, "Those whose sides differ and are left so."),
            Parameter("errors", "query", BOOLEAN, "Those that PagerDuty has not taken something of."),
            Parameter("unlinked", "query", BOOLEAN, "Those that no incident follows (any more)."),
            Parameter("limit", "query", whole(1, MOST), "At most so many."),
        ),
        answers={200: obj({"cases": many(CASE), "total": whole(0)}, ("cases", "total"))},
    ),
    Operation(
        "GET",
        "/api/v1/cases/{id}",
        "showCase",
        "operations",
        "One Case: its incidents, who has them, its comments, what went wrong",
        show_case,
        rest="id",
        parameters=(Parameter("id", "path", text(least=1, most=2048), "Id of the Case.", required=True),),
        answers={200: CASE},
        problems=("not-found",),
    ),
)
