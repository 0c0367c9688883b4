"""What REST API v2 answers when it does not do what was asked: statuses, codes and the shapes they were seen in.

Sources: PagerDuty developer docs "REST API, Errors" and "Rate limits", and bodies that users have quoted. Texts that
are known from neither say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import orjson

from streams.sandbox.pagerduty.answers import JSON, TEXT, Answer

ErrorShape = Literal["object", "single", "text_member", "list", "plain_text", "empty"]
"""How errors look: `object` as documented; `single`: `errors` is one string; `text_member`: `error` is a string;
`list`: `error` is a list; `plain_text`: no JSON; `empty`: no body. All of them have been seen."""


class Refused(Exception):
    """A request that will not be done, with its answer. Never leaves the REST API."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def ok(body: object, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, orjson.dumps(body))


NO_CONTENT: Final = Answer(204, b"")
ACCEPTED: Final = Answer(202, b"")


def problem(status: int, message: str, code: int, errors: Sequence[str] | None = None) -> Answer:
    error: dict[str, Any] = {"message": message, "code": code}
    if errors is not None:
        error["errors"] = list(errors)
    return Answer(status, orjson.dumps({"error": error}))


def invalid(*errors: str) -> Refused:
    """400 with code 2001. The texts are the simulator's own unless a source is named where they stand."""
    return Refused(problem(400, "Invalid Input Provided", 2001, errors))


def arguments(*errors: str) -> Refused:
    """400 with code 2002."""
    return Refused(problem(400, "Arguments Caused Error", 2002, errors))


NOT_FOUND: Final = problem(404, "Not Found", 2100)
UNAUTHORISED: Final = problem(401, "Authentication failed", 2006)
"""Not confirmed: the body of a 401. One client has got a body that is not JSON."""
FORBIDDEN: Final = problem(403, "Access Denied", 2010)
FEATURE_MISSING: Final = problem(402, "Account does not have the abilities to perform the action", 2014)
TOO_MANY: Final = problem(429, "Rate Limit Exceeded", 2020)
TOO_MANY_BARE: Final = Answer(429, b"", TEXT)
"""As it comes from in front of the API: no headers, no body."""
TOO_LARGE: Final = problem(413, "Request Entity Too Large", 2001)
NO_FROM: Final = problem(
    400, 'You must specify a user\'s email address in the "From" header to perform this action', 2016, []
)
NO_REQUESTER: Final = problem(400, "Requester User Not Found", 1008, [])
MALFORMED_FROM: Final = problem(400, 'Malformed "From" header', 1028)
NO_USER_OF_TOKEN: Final = Answer(
    400,
    orjson.dumps(
        {
            "error": "Because this request was made using an account-level access token, we were unable to determine "
            "the user's identity. Please use a user-level token."
        }
    ),
)
"""`error` is a string here, on the real API too."""
DUPLICATE_KEY: Final = "Open incident with matching dedup key already exists on this service"
ALREADY_RESOLVED: Final = problem(400, "Incident Already Resolved", 1001, ["Incident Already Resolved"])
ALREADY_ACKNOWLEDGED: Final = problem(400, "Incident Already Acknowledged", 1002, ["Incident Already Acknowledged"])
NOT_ACKNOWLEDGED: Final = problem(400, "Incident Not Acknowledged", 1012, ["Incident must be acknowledged"])
ALREADY_MERGED: Final = problem(400, "Incident Already Merged", 1019, ["Incident was merged into another one"])
INVALID_PRIORITY: Final = problem(400, "Invalid Priority", 1020, ["Priority does not exist"])
BAD_SNOOZE: Final = problem(400, "Invalid Snooze Duration", 1013, ["Duration must be from 1 to 604800 seconds"])
TOO_DEEP: Final = (
    "Offset+limit exceeds maximum allowed value of 10000. Please try to refine your search to reduce the returned set "
    "of records below this number, like adding a date range."
)


def shaped(answer: Answer, shape: ErrorShape) -> Answer:
    """An error answer in one of the other shapes."""
    error = orjson.loads(answer.body)["error"] if answer.body and answer.content_type == JSON else None
    if shape == "object" or not isinstance(error, dict):
        return answer
    errors = error.get("errors") or [error["message"]]
    if shape == "single":
        return answer._replace(body=orjson.dumps({"error": {**error, "errors": errors[0]}}))
    if shape == "text_member":
        return answer._replace(body=orjson.dumps({"error": error["message"]}))
    if shape == "list":
        return answer._replace(body=orjson.dumps({"error": errors}))
    if shape == "plain_text":
        return answer._replace(body=error["message"].encode(), content_type=TEXT)
    return answer._replace(body=b"", content_type=TEXT)


def checked_shape(shape: str) -> ErrorShape:
    """Raises ValueError for a shape that there is not."""
    for known in get_args(ErrorShape):
        if shape == known:
            return shape  # type: ignore[return-value]
    raise ValueError(f"error shape is {shape!r}; it must be one of {', '.join(get_args(ErrorShape))}")
