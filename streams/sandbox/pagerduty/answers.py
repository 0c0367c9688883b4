"""What the Events API v2 answers: statuses and bodies.

Sources: PagerDuty developer docs "Events API v2", the OpenAPI file of the events API, and bodies that
users of the API have quoted. What is known from neither says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import orjson

JSON: Final = "application/json"
TEXT: Final = "text/plain"


class Answer(NamedTuple):
    """One HTTP response."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] | None = None


def accepted(dedup_key: str) -> Answer:
    """202: the event was accepted for asynchronous processing. That an incident appears is not promised."""
    return Answer(202, b'{"status":"success","message":"Event processed","dedup_key":' + orjson.dumps(dedup_key) + b"}")


def invalid(errors: Sequence[str]) -> Answer:
    """400: the event breaks a rule; all broken rules come in one array."""
    return _problem(400, "invalid event", "Event object is invalid", errors)


def _problem(status: int, state: str, message: str, errors: Sequence[str] | None = None) -> Answer:
    body: dict[str, object] = {"status": state, "message": message}
    if errors is not None:
        body["errors"] = list(errors)
    return Answer(status, orjson.dumps(body))


CHANGE_ACCEPTED: Final = Answer(202, b'{"status":"success","message":"Change event processed"}')

NOT_JSON: Final = _problem(400, "Unrecognized object", "Event object format is unrecognized", ["JSON parse error"])

UNKNOWN_KEY: Final = Answer(400, b"Invalid routing key", TEXT)
"""A well-formed key that no service has. Plain text, not JSON, in the one report that quotes it."""

TOO_MANY_LINKS: Final = Answer(400, b'{"error":["links should have at most 50 item(s)"]}')
"""Change events only. Another shape than the other 400s, as the official Go client's tests have it."""

THROTTLED: Final = _problem(
    429, "throttle exceeded", "Requests for this service are arriving too quickly.  Please retry later."
)

TOO_LARGE: Final = _problem(413, "invalid event", "Event object is too large", ["Event exceeds 512000 bytes"])
"""Not confirmed: no public source shows how a body over the documented 512 KB is refused."""
