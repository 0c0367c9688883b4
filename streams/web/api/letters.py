"""`/api/v1/dead-letters`: list, show, replay."""

from __future__ import annotations

from typing import Any, Final

from streams.errors import DocumentError
from streams.replay import show
from streams.replay.letters import Wanted
from streams.replay.selection import Selection
from streams.web.operation import Call, Operation, Parameter, Reply
from streams.web.problem import ApiError, Fault, wrong
from streams.web.schema import BOOLEAN, MS, OBJECT, Named, many, maybe, obj, one_of, text, whole

WAIT_SECONDS: Final = 20
"""How long a replay waits for outcomes unless told otherwise; proxies give up after 30 or 60."""

MOST: Final = 1_000
"""Dead letters in one answer, the newest: each has a kilobyte."""

ID: Final = text("Such as alerts/3/4711@key:1a2b3c4d5e6f7081.", least=1, most=1024)

REPLAYED: Final = maybe(obj({"status": text(), "reason": text(), "at": MS}))

LETTER: Final = Named(
    "DeadLetter",
    obj(
        {
            "id": text(),
            "stage": one_of("route", "dispatch"),
            "reason": {**OBJECT, "description": "`type` for machines, `message` for people."},
            "destination": maybe(text()),
            "incident": maybe(text()),
            "action": maybe(text()),
            "source": OBJECT,
            "at": MS,
            "replayed": REPLAYED,
        },
        ("id", "stage", "reason", "source", "at"),
        more=True,
        description="What was given up. The fields of topic `dead-letters`, secrets masked.",
    ),
)

FILTER: Final = {
    "reason": many(text(most=200), most=100, description="Such as unknown_routing_key."),
    "destination": many(text(most=200), most=100, description="key:…, account:…, or - for none."),
    "stage": many(one_of("route", "dispatch"), most=2),
    "since": {**whole(0, 2**53), "description": "Given up then or later, milliseconds since the epoch."},
    "until": {**whole(0, 2**53), "description": "Given up before then."},
}


async def list_letters(call: Call) -> Reply:
    entries = await call.backend.letters(Selection(_wanted(call.query)), whole=False)
    shown = entries[-call.query.get("limit", MOST) :]
    return Reply({"deadLetters": [show.summary(entry) for entry in shown], "total": len(entries)})


async def show_letter(call: Call) -> Reply:
    wanted = call.path["id"]
    try:
        entries = await call.backend.letters(Selection(Wanted(), (wanted,)), whole=True)
    except DocumentError as error:
        raise ApiError("not-found", error.message) from None
    return Reply({"deadLetters": [show.whole(entry) for entry in entries]})


async def replay(call: Call) -> Reply:
    body = call.body
    ids = tuple(body.get("ids", ()))
    chosen = {name for name in FILTER if body.get(name) not in (None, [])}
    if not ids and not chosen and not body.get("all", False):
        raise wrong([Fault("ids", "is missing", "name ids or a filter, or say all: true for all there are")])
    to = call.backend.connector(body["to"]) if body.get("to") is not None else None
    dry_run = body.get("dryRun", False)
    try:
        plan, results = await call.backend.replay(
            Selection(_wanted(body), ids),
            to=to,
            force=body.get("force", False),
            dry_run=dry_run,
            wait=body.get("wait", WAIT_SECONDS),
        )
    except DocumentError as error:
        raise ApiError("not-found", error.message) from None
    sent = [one.letter.id for one in plan.go]
    return Reply(
        {
            "dryRun": dry_run,
            "sent": [{"id": one, "result": _result(results.get(one))} for one in sent],
            "cannot": [{"id": one.letter.id, "reason": one.reason, "message": one.message} for one in plan.cannot],
            "before": [{"id": one.letter.id, "result": _result(one.replayed)} for one in plan.before],
            "tests": [one.id for one in plan.tests],
        }
    )


def _wanted(given: Any) -> Wanted:
    return Wanted(
        reasons=frozenset(given.get("reason", ())),
        destinations=frozenset(given.get("destination", ())),
        stages=frozenset(given.get("stage", ())),
        since=given.get("since"),
        until=given.get("until"),
    )


def _result(result: Any) -> dict[str, Any] | None:
    return None if result is None else {"status": result.status, "reason": result.reason, "at": result.at}


_LISTED = obj({"deadLetters": many(LETTER), "total": whole(0)}, ("deadLetters",))
_ANSWERED = many(obj({"id": text(), "result": REPLAYED}, ("id", "result")))

OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/dead-letters",
        "listDeadLetters",
        "operations",
        "What was given up, oldest input first",
        list_letters,
        parameters=(
            *(Parameter(name, "query", schema, schema.get("description", name)) for name, schema in FILTER.items()),
            Parameter("limit", "query", whole(1, MOST), "At most so many, the newest."),
        ),
        answers={200: _LISTED},
    ),
    Operation(
        "GET",
        "/api/v1/dead-letters/{id}",
        "showDeadLetter",
        "operations",
        "A dead letter with all it holds, masked",
        show_letter,
        description="The id holds slashes. One that was replayed may go on under several ids.",
        rest="id",
        parameters=(Parameter("id", "path", ID, "The id of a dead letter.", required=True),),
        answers={200: _LISTED},
        problems=("not-found",),
    ),
    Operation(
        "POST",
        "/api/v1/dead-letters/replay",
        "replayDeadLetters",
        "operations",
        "Send dead letters again",
        replay,
        description="By ids, by what they are, or `all`. Workers send them, at the limit of each destination; what was "
        "replayed before, and test notifications, are left out. Outcomes that are not there after `wait` seconds are "
        "null.",
        body=Named(
            "Replay",
            obj(
                {
                    "ids": many(ID, most=MOST),
                    **FILTER,
                    "all": {**BOOLEAN, "description": "All there are."},
                    "to": text("Send them through this connector, whatever they name.", least=1, most=128),
                    "force": {
                        **BOOLEAN,
                        "description": "Also what was replayed before, what is pointless by now, and tests.",
                    },
                    "dryRun": {**BOOLEAN, "description": "Say what would be done, and do nothing."},
                    "wait": {**whole(0, 60), "description": "Seconds to wait for outcomes."},
                }
            ),
        ),
        answers={
            200: obj(
                {
                    "dryRun": BOOLEAN,
                    "sent": _ANSWERED,
                    "cannot": many(obj({"id": text(), "reason": text(), "message": text()})),
                    "before": _ANSWERED,
                    "tests": many(text()),
                },
                ("dryRun", "sent", "cannot", "before", "tests"),
            )
        },
        problems=("not-found",),
    ),
)
