"""REST API v2 on the account: from a request to its answer, without HTTP.

The order of the checks: faults, token, rate limit, path, scope, who acts, then the operation's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.destination import REST
from streams.sandbox.pagerduty.directory import Directory
from streams.sandbox.pagerduty.faults import ActiveFault, FaultRules
from streams.sandbox.pagerduty.reply import Reply, reply
from streams.sandbox.pagerduty.rest.access import Caller, Tokens, requester
from streams.sandbox.pagerduty.rest.answers import (
    FORBIDDEN,
    NOT_FOUND,
    TOO_LARGE,
    TOO_MANY,
    TOO_MANY_BARE,
    ErrorShape,
    Refused,
    shaped,
)
from streams.sandbox.pagerduty.rest.journal import RestCall, RestJournal
from streams.sandbox.pagerduty.rest.operations import Match, Operations
from streams.sandbox.pagerduty.rest.request import Received, Request
from streams.sandbox.pagerduty.window import RateLimits

DEFAULT_LIMIT: Final = 960
"""Requests a minute for one token (REST API, rate limits)."""
KEPT_BODY: Final = 4096
"""Bytes of a request's body up to which the journal keeps it."""


class _Ruling(NamedTuple):
    answer: Answer
    done: bool = False
    caller: Caller | None = None
    user: str | None = None
    headers: Mapping[str, str] | None = None


class RestApi:
    """limits: by token. operation_limits: requests a minute of an operation, by its name, for one token."""

    def __init__(
        self,
        operations: Operations,
        tokens: Tokens,
        faults: FaultRules,
        directory: Directory,
        *,
        limit: int | None = DEFAULT_LIMIT,
        new_id: Callable[[], str],
    ) -> None:
        self._operations = operations
        self._tokens = tokens
        self._faults = faults
        self._directory = directory
        self._new_id = new_id
        self.journal = RestJournal()
        self.limits = RateLimits(limit)
        self.operation_limits: dict[str, RateLimits] = {}
        self.require_from = True
        self.error_shape: ErrorShape = "object"
        self.bare_429 = False
        """Whether a 429 comes without headers and body, as it sometimes does."""

    def handle(self, received: Received, at: int, now: float, *, cut: bool = False) -> Reply:
        """Judge a request, let it act, and write it into the journal.

        at: milliseconds since the epoch. now: monotonic seconds. cut: its body was too long to be read.
        """
        match = self._operations.find(received.method, received.path)
        name = None if match is None else match.operation.name
        kind = "read" if received.method in ("GET", "HEAD") else "write"
        rule = self._faults.take(REST, name, now, also=kind)
        if rule is not None and rule.fault.takes_nothing_in:
            ruling = _Ruling(rule.fault.answer)
        elif cut:
            ruling = _Ruling(TOO_LARGE)
        else:
            ruling = self._judge(received, match, at, now)
        request_id = self._new_id()
        headers = {"x-request-id": request_id, **(ruling.headers or {}), **(ruling.answer.headers or {})}
        answered = reply(ruling.answer._replace(headers=headers), rule)
        self._record(received, match, ruling, answered, at, rule, request_id)
        return answered

    def _judge(self, received: Received, match: Match | None, at: int, now: float) -> _Ruling:
        caller, headers = None, None
        try:
            caller = self._tokens.caller(received.headers.get("authorization"))
            limits, taker = self._limits_of(caller, match)
            waits = [one.take(taker, now) for one in limits]
            headers = self._limit_headers(limits, taker, now, max(waits))
            if max(waits) > 0:
                if self.bare_429:
                    return _Ruling(TOO_MANY_BARE, caller=caller)
                raise Refused(TOO_MANY)
            if match is None:
                raise Refused(NOT_FOUND)
            operation = match.operation
            if not caller.access.allows(operation.scope):
                raise Refused(FORBIDDEN)
            needed = operation.needs_from and self.require_from
            user = requester(received.headers.get("from"), caller.access, self._directory, needed=needed)
            if user is None and operation.needs_from:
                user = next(iter(self._directory.users.values()))
            answer = operation.do(Request(received, at, match.ids, caller.access, user))
            return _Ruling(answer, True, caller, None if user is None else user.email, headers)
        except Refused as refused:
            return _Ruling(shaped(refused.answer, self.error_shape), caller=caller, headers=headers)

    def _limits_of(self, caller: Caller, match: Match | None) -> tuple[list[RateLimits], str]:
        own = None if match is None else self.operation_limits.get(match.operation.name)
        return [self.limits] if own is None else [self.limits, own], caller.name

    def _limit_headers(self, limits: list[RateLimits], taker: str, now: float, wait: float) -> dict[str, str]:
        """Of the limit that is closest to being reached. `ratelimit-reset`: seconds until a request may pass again."""
        closest: tuple[int, int] | None = None
        for one in limits:
            limit = one.limit(taker)
            if limit is not None:
                left = max(0, limit - one.used(taker, now))
                closest = min(closest or (left, limit), (left, limit))
        if closest is None:
            return {}
        reset = math.ceil(wait or max(one.resets_in(taker, now) for one in limits))
        return {
            "ratelimit-limit": str(closest[1]),
            "ratelimit-remaining": str(closest[0]),
            "ratelimit-reset": str(reset),
        }

    def _record(
        self,
        received: Received,
        match: Match | None,
        ruling: _Ruling,
        answered: Reply,
        at: int,
        rule: ActiveFault | None,
        request_id: str,
    ) -> None:
        self.journal.add(
            RestCall(
                order=self.journal.next_order,
                at=at,
                method=received.method,
                path=received.path,
                action=None if match is None else match.operation.name,
                status=None if answered.answer is None else answered.answer.status,
                done=ruling.done,
                token=None if ruling.caller is None else ruling.caller.name,
                user=ruling.user,
                incident=_incident(match, ruling),
                query="&".join(f"{name}={value}" for name, value in received.query),
                body=_kept(received.body),
                fault=None if rule is None else rule.id,
                request_id=request_id,
            )
        )


def _incident(match: Match | None, ruling: _Ruling) -> str | None:
    if match is None or not match.operation.scope.startswith("incidents."):
        return None
    if match.ids and match.operation.name != "get_log_entry":
        return match.ids[0]
    if match.operation.name == "create_incident" and ruling.done:
        created: str = orjson.loads(ruling.answer.body)["incident"]["id"]
        return created
    return None


def _kept(body: bytes) -> Any:
    if not body or len(body) > KEPT_BODY:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
