"""What an answer of PagerDuty's REST API v2 means for the call that was made: a table over every status and code.

docs/answers.md shows it for people; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from streams.pagerduty.answers import REFUSALS, WORDS_KEPT, Refused, TryAgain


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """What came back for one call: a status with its body, or (status None) the error that kept it from coming.

    body: the JSON document; a text where it was none, None where it was empty. It never has the token in it; the answer
    to a new webhook subscription has that subscription's secret, which is why no repr shows it. retry_after, reset:
    seconds. remaining: calls that the limit still allows until then. ms: how long the call took. request_id: what
    PagerDuty's support asks for. call: which call it was, in a word, where somebody noted it.
    """

    status: int | None
    body: Any = field(default=None, repr=False)
    error: str | None = None
    retry_after: float | None = None
    remaining: int | None = None
    reset: float | None = None
    ms: float = 0.0
    request_id: str | None = None
    call: str | None = None

    def one(self, name: str) -> Mapping[str, Any]:
        """The object that the body wraps under this name (`incident`, `note`, …); empty where there is none."""
        found = self.body.get(name) if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else {}

    def many(self, name: str) -> list[Mapping[str, Any]]:
        """The objects of the list under this name (`incidents`, `notes`, …); anything else in it is left out."""
        found = self.body.get(name) if isinstance(self.body, dict) else None
        return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

    @property
    def more(self) -> bool:
        """Whether the list goes on beyond this page."""
        return isinstance(self.body, dict) and self.body.get("more") is True


@dataclass(frozen=True, slots=True)
class Ok:
    """PagerDuty has done it. `already`: it was so before, and PagerDuty says that as an error (1001, 1002)."""

    words: str = ""
    already: bool = False


RestVerdict = Ok | TryAgain | Refused

ALREADY: Final = frozenset({1001, 1002})
"""Incident already resolved, already acknowledged: what was asked for holds."""

AGAIN: Final[Mapping[int, str]] = {1005: "changed_meanwhile", 2000: "server_error", 2020: "rate_limited"}
"""Codes that say the same call may pass the next time, whatever status they come with below 500."""

CODES: Final[Mapping[int, str]] = {
    1003: "invalid_status",
    1004: "not_found",
    1007: "assignee_unknown",
    1008: "requester_unknown",
    1012: "not_acknowledged",
    1014: "escalation_policy_unusable",
    1015: "escalation_policy_unusable",
    1018: "forbidden",
    1019: "already_merged",
    1020: "priority_unknown",
    1028: "from_unusable",
    2006: "unauthorized",
    2007: "account_unusable",
    2008: "account_unusable",
    2009: "https_only",
    2010: "forbidden",
    2011: "from_unusable",
    2012: "account_unusable",
    2013: "requester_unknown",
    2014: "ability_missing",
    2018: "forbidden",
    2019: "limit_reached",
    2100: "not_found",
    5001: "not_found",
    5002: "not_found",
}
"""What a code says that its status (400 as a rule) does not. Source: PagerDuty REST API v2, error codes."""

NOT_TOLD_BY_CODE: Final = frozenset({0, 2001, 2002, 2016})
"""Codes that stand for too many things to say anything, and 0 for an error that has none."""

SAID: Final[Mapping[str, str]] = {
    "dedup key already exists": "duplicate_incident_key",
    "offset+limit exceeds": "too_far_back",
    "requester user not found": "requester_unknown",
    '"from" header': "from_unusable",
    "“from” header": "from_unusable",
}
"""What PagerDuty's words say then."""

ACCOUNT_REFUSED: Final = frozenset(
    {
        "unauthorized",
        "ability_missing",
        "account_unusable",
        "https_only",
        "from_unusable",
        "requester_unknown",
    }
)
"""Reasons that speak of the integration and not of the call: every other call would be refused as well."""


def judge_rest(answer: RestAnswer) -> RestVerdict:
    """The meaning of an answer of REST API v2 (PagerDuty REST API v2, errors).

    The body may be missing, plain text, or have its `error` and `errors` in any of the forms that have been seen.
    """
    status = answer.status
    if status is None:
        return TryAgain("no_answer", (answer.error or "")[:WORDS_KEPT])
    if 200 <= status < 300:
        return Ok()
    code, words = _code(answer.body), _words(answer.body)
    if status == 429:
        return TryAgain("rate_limited", words, _wait(answer))
    if status >= 500 or status == 408:
        return TryAgain("server_error", words, answer.retry_after)
    if status < 400:  # PagerDuty does not redirect; something between us and it does, and that passes
        return TryAgain("redirected", words)
    if code in ALREADY:
        return Ok(words, already=True)
    if code in AGAIN:
        return TryAgain(AGAIN[code], words, _wait(answer))
    if code == 2016 and "from" not in words.lower():  # the same code stands for a missing `From` header
        return TryAgain("server_error", words)
    return Refused(_reason(status, code, words), words)


def _reason(status: int, code: int, words: str) -> str:
    if status == 400 and code in NOT_TOLD_BY_CODE:
        for said, reason in SAID.items():
            if said in words.lower():
                return reason
    if code in CODES and status not in (401, 402, 403, 404):
        return CODES[code]
    return "invalid_request" if status == 400 else REFUSALS.get(status, "refused")


def _wait(answer: RestAnswer) -> float | None:
    """Seconds that PagerDuty names; a 429 may come without any."""
    return answer.retry_after if answer.retry_after is not None else answer.reset


def _code(body: Any) -> int:
    """PagerDuty's code of an error, 0 where there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0


def _words(body: Any) -> str:
    """PagerDuty's own words, whichever form they have."""
    return ": ".join(part for part in _said(body, 0) if part)[:WORDS_KEPT]


def _said(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, list) and depth < 4:
        for entry in value[:10]:
            yield from _said(entry, depth + 1)
    elif isinstance(value, dict) and depth < 4:
        known = [value[name] for name in ("error", "message", "errors") if name in value]
        # `errors` may be an object: field by field, what is wrong with it.
        for entry in known or value.values():
            yield from _said(entry, depth + 1)
