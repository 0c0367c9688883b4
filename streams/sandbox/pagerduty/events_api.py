"""The Events API v2 on the account: from a request's body to its answer, without HTTP.

The order of the checks: faults, size, JSON, rules, known key, rate limit, maintenance, life cycle. Only an event that
has passed the rate limit was ingested.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, NamedTuple

import orjson

from streams.sandbox.pagerduty import answers
from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.card import Client
from streams.sandbox.pagerduty.destination import destination_of
from streams.sandbox.pagerduty.faults import ActiveFault
from streams.sandbox.pagerduty.incidents import AlertEvent, Effect, Outcome
from streams.sandbox.pagerduty.journal import SMALL_DETAILS, Entry
from streams.sandbox.pagerduty.reply import Reply, reply
from streams.sandbox.pagerduty.validation import (
    MAX_BODY_BYTES,
    alert_errors,
    change_errors,
    too_many_links,
    well_formed_key,
)

MAX_KEPT_TEXT: Final = 1024
"""Characters of a summary that the journal keeps: a refused one may be of any length."""


class Endpoint(Enum):
    ALERT = "/v2/enqueue"
    CHANGE = "/v2/change/enqueue"


class _Seen(NamedTuple):
    """What a request shows before it is judged."""

    event: dict[str, Any] | None
    destination: str | None
    well_formed: bool
    action: str | None
    dedup_key: str | None
    summary: str | None
    severity: str | None
    details: str | None


class _Ruling(NamedTuple):
    """The answer to a request, and what it did."""

    answer: Answer
    outcome: Outcome
    dedup_key: str | None = None
    errors: tuple[str, ...] = ()


class EventsApi:
    """Events API v2 for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def handle(self, endpoint: Endpoint, body: bytes, *, cut: bool = False) -> Reply:
        """Judge a request, let it act on the account and write it into the journal.

        body: as it came. cut: it was so long that the rim has not read it.
        """
        account = self._account
        at, now = account.clock.time_ms(), account.clock.monotonic()
        seen = _see(endpoint, body)
        rule = account.faults.take(seen.destination, seen.action, now)
        if rule is not None and rule.fault.takes_nothing_in:
            ruling = _Ruling(rule.fault.answer, _nothing(rule.fault.kind))
        elif cut or len(body) > MAX_BODY_BYTES:
            ruling = _Ruling(answers.TOO_LARGE, _nothing("too_large"))
        elif seen.event is None:
            ruling = _Ruling(answers.NOT_JSON, _nothing("not_json"))
        else:
            ruling = self._judge(endpoint, seen, seen.event, at, now, rule)
        answered = reply(ruling.answer, rule)
        self._record(seen, ruling, answered, at, rule)
        return answered

    def _judge(
        self, endpoint: Endpoint, seen: _Seen, event: dict[str, Any], at: int, now: float, rule: ActiveFault | None
    ) -> _Ruling:
        account = self._account
        errors = alert_errors(event) if endpoint is Endpoint.ALERT else change_errors(event)
        if errors:
            return _Ruling(answers.invalid(errors), _nothing("invalid_event"), errors=tuple(errors))
        if endpoint is Endpoint.CHANGE and too_many_links(event):
            return _Ruling(answers.TOO_MANY_LINKS, _nothing("too_many_links"))
        destination = seen.destination or ""
        if account.known is not None and destination not in account.known:
            return _Ruling(answers.UNKNOWN_KEY, _nothing("unknown_routing_key"))
        if account.limits.take(destination, now):
            return _Ruling(answers.THROTTLED, _nothing("throttled"))
        if endpoint is Endpoint.CHANGE:
            return _Ruling(answers.CHANGE_ACCEPTED, _nothing("change_event"))
        dedup_key = seen.dedup_key or f"{account.rng.getrandbits(128):032x}"
        if rule is not None and rule.fault.kind == "lose":
            outcome = Outcome(Effect.DROPPED, None, "lose")
        elif account.windows.covers(destination, now):
            outcome = Outcome(Effect.DROPPED, None, "maintenance")
        else:
            alert = AlertEvent(destination, seen.action or "", dedup_key, seen.summary, seen.severity)
            outcome = account.happen(alert, at, _client(event), seen.details)
        return _Ruling(answers.accepted(dedup_key), outcome, dedup_key)

    def _record(self, seen: _Seen, ruling: _Ruling, answered: Reply, at: int, rule: ActiveFault | None) -> None:
        account = self._account
        incident = ruling.outcome.incident
        entry = Entry(
            order=account.journal.next_order,
            at=at,
            destination=seen.destination,
            action=seen.action,
            dedup_key=ruling.dedup_key or seen.dedup_key,
            status=None if answered.answer is None else answered.answer.status,
            effect=ruling.outcome.effect,
            reason=ruling.outcome.reason,
            incident=None if incident is None else incident.id,
            summary=seen.summary,
            severity=seen.severity,
            details=seen.details,
            errors=ruling.errors,
            fault=None if rule is None else rule.id,
        )
        account.record(entry, known=seen.well_formed and (account.known is None or seen.destination in account.known))


def _client(event: dict[str, Any]) -> Client | None:
    name, url = event.get("client"), event.get("client_url")
    return Client(name, url if isinstance(url, str) else None) if isinstance(name, str) else None


def _nothing(reason: str) -> Outcome:
    return Outcome(Effect.NONE, None, reason)


def _see(endpoint: Endpoint, body: bytes) -> _Seen:
    action = "change" if endpoint is Endpoint.CHANGE else None
    try:
        # An empty body gets the answer of an empty object: reported so, with the errors of the missing fields.
        event = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        return _Seen(None, None, False, action, None, None, None, None)
    key = event.get("routing_key")
    payload = event.get("payload")
    if not isinstance(payload, dict):
        payload = {}
    details = payload.get("custom_details")
    return _Seen(
        event=event,
        destination=destination_of(key) if isinstance(key, str) and key else None,
        well_formed=well_formed_key(key),
        action=action or _text(event.get("event_action")),
        dedup_key=_text(event.get("dedup_key")),
        summary=_text(payload.get("summary")),
        severity=_text(payload.get("severity")),
        details=None if details is None or len(body) > 4 * SMALL_DETAILS else _packed(details),
    )


def _packed(details: object) -> str | None:
    packed = orjson.dumps(details)
    # Kept as text, a copy: the bytes that orjson returns hold on to a buffer many times their length.
    return packed.decode() if len(packed) <= SMALL_DETAILS else None


def _text(value: object) -> str | None:
    return value[:MAX_KEPT_TEXT] if isinstance(value, str) and value.strip() else None
