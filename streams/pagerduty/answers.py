"""What PagerDuty's answer means for the event that was sent: a table over every status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

WORDS_KEPT = 1_000
"""Characters of PagerDuty's words that travel with an outcome."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request: a status with its body, or (status None) the error that kept it from coming.

    retry_after: seconds, when PagerDuty named them. ms: how long the request took. refused: no request was made and
    none can be, this is the reason (a machine word) and `error` says what to do about it.
    """

    status: int | None
    body: bytes = b""
    retry_after: float | None = None
    error: str | None = None
    ms: float = 0.0
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """PagerDuty has the event."""

    words: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The event was not taken, or nobody knows; sending it again is right. `after`: seconds, when PagerDuty said so."""

    reason: str
    words: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The same event would be refused again."""

    reason: str
    words: str


Verdict = Accepted | TryAgain | Refused

REFUSALS = {
    400: "invalid_event",
    401: "unauthorized",
    402: "ability_missing",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
}

DESTINATION_REFUSED = frozenset({"unknown_routing_key", "unauthorized", "ability_missing", "forbidden", "not_found"})
"""Reasons that speak of the destination and not of the event: the next event would be refused as well.

`secret_unreadable` is none of them: of two records of one destination one may be sealed with a key that is gone, and
the other with one that is there.
"""

EVENT_REFUSED = frozenset({"invalid_event", "too_large"})
"""Reasons that speak of the event: its plainest form may pass."""


def judge(answer: Answer) -> Verdict:
    """The meaning of an answer of `POST /v2/enqueue` (PagerDuty Events API v2, response codes and retry logic)."""
    words = (answer.error or _words(answer.body))[:WORDS_KEPT]
    status = answer.status
    if answer.refused is not None:
        return Refused(answer.refused, words)
    if status is None:
        return TryAgain("no_answer", words)
    if 200 <= status < 300:
        return Accepted(words)
    if status == 429:
        return TryAgain("rate_limited", words, answer.retry_after)
    if status >= 500 or status == 408:
        return TryAgain("server_error", words, answer.retry_after)
    if status < 400:  # PagerDuty does not redirect; something between us and it does, and that passes
        return TryAgain("redirected", words)
    if status == 400 and "routing key" in words.lower() and "invalid event" not in words.lower():
        return Refused("unknown_routing_key", words)
    return Refused(REFUSALS.get(status, "refused"), words)


def _words(body: bytes) -> str:
    """PagerDuty's own words: status, message and errors of a JSON body, or the text as it is."""
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    if not isinstance(document, dict):
        return str(document)
    errors = document.get("errors")
    parts = [document.get("status"), document.get("message")]
    parts += errors if isinstance(errors, list) else [errors]
    return ": ".join(str(part) for part in parts if part)
