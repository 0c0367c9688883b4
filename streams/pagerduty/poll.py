"""What webhooks have missed: the log since a cursor, incidents as they stand now, and the subscription's health.

Each question is bounded, and says whether there is more. The calls go through `call`, where the account's limit is
kept; what comes back are PagerDuty's own objects (REST API v2), in the order in which they happened.

    news = await log_since(call, cursor, now_ms)
    for entry in news.entries: ...
    cursor = news.cursor          # only when all of them have been worked on
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest

PAGE: Final = 100
MOST_PAGES: Final = 20
"""Of one question: 2,000 log entries, or open incidents, for a second's share of 960 calls a minute."""
MOST_SINGLE: Final = 50
"""Incidents that are asked for one by one in one question."""
FEW: Final = 10
"""So many incidents are asked for one by one at once: a list may well have more pages than that."""
OVERLAP_MS: Final = 60_000
"""Read again before the cursor. PagerDuty promises no order between an entry's time and the moment it can be read."""
LEAST_SPAN_MS: Final = 1_000
"""A span is cut no shorter: times of log entries are whole seconds."""

Put = Callable[[RestClient], Awaitable[RestAnswer]]


class Call(Protocol):
    """Makes one call when the account's limit allows it."""

    async def __call__(self, put: Put) -> RestAnswer: ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the log has been read. at: milliseconds since the epoch. seen: ids of entries from shortly before, which
    are read again; without them they are given again, which is harmless."""

    at: int
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class News:
    """entries: the log entries that are new, the oldest first. cursor: where to go on. more: whether there is more to
    read at once. trouble: the call that failed; entries and cursor are then those of nothing read."""

    entries: tuple[Mapping[str, Any], ...]
    cursor: Cursor
    more: bool = False
    trouble: TryAgain | Refused | None = None


@dataclass(frozen=True, slots=True)
class Incidents:
    """found: incidents by id, as they stand. gone: ids that PagerDuty does not know any more. left: ids that the bound
    left for the next time. trouble: the call that failed; all not in `found` and `gone` are in `left`."""

    found: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()
    trouble: TryAgain | Refused | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How a webhook subscription stands: `enabled` is healthy; `enabled_again` was disabled by PagerDuty, and is not
    any more; `switched_off` by a person; `missing`; `unknown`, because of the trouble."""

    state: Literal["enabled", "enabled_again", "switched_off", "missing", "unknown"]
    trouble: TryAgain | Refused | None = None


async def log_since(call: Call, cursor: Cursor, now_ms: int) -> News:
    """The account's log from the cursor to now, or as much of it from the beginning as the bound allows.

    PagerDuty gives the newest entries first; so where there are too many, the span is halved until its beginning fits.
    """
    until = max(now_ms, cursor.at + LEAST_SPAN_MS)
    since = cursor.at - OVERLAP_MS
    while True:
        entries, whole, trouble = await _span(call, since, until)
        if trouble is not None:
            return News((), cursor, trouble=trouble)
        if whole or until - cursor.at <= LEAST_SPAN_MS:
            break
        until = cursor.at + max(LEAST_SPAN_MS, (until - cursor.at) // 2)
    # Times are whole seconds: within one, the order is the other way round from PagerDuty's list.
    oldest_first = reversed(entries.values())
    ordered = sorted(oldest_first, key=lambda entry: _milliseconds(entry.get("created_at")))
    fresh = tuple(entry for entry in ordered if entry["id"] not in cursor.seen)
    remembered = until - OVERLAP_MS - LEAST_SPAN_MS  # a time of whole seconds may be rounded down
    seen = frozenset(entry["id"] for entry in ordered if _milliseconds(entry.get("created_at")) >= remembered)
    return News(fresh, Cursor(until, seen), more=until < now_ms)


async def _span(
    call: Call, since: int, until: int
) -> tuple[dict[str, Mapping[str, Any]], bool, TryAgain | Refused | None]:
    """The entries of a span by id, the newest first, whether they are all, and the verdict of the call that failed."""
    entries: dict[str, Mapping[str, Any]] = {}
    for page in range(MOST_PAGES):
        answer = await call(_log_page(since, until, page * PAGE))
        verdict = judge_rest(answer)
        if not isinstance(verdict, Ok):
            return {}, False, verdict
        entries |= {entry["id"]: entry for entry in answer.many("log_entries") if isinstance(entry.get("id"), str)}
        if not answer.more:
            return entries, True, None
    return entries, False, None


async def incidents_now(call: Call, ids: Collection[str], *, services: Iterable[str] = ()) -> Incidents:
    """How these incidents stand: read from the list of open ones, of these services (ids) or of all, and one by one
    where they are not in it."""
    wanted = dict.fromkeys(ids)
    found: dict[str, Mapping[str, Any]] = {}
    if len(wanted) > FEW:
        trouble = await _open_ones(call, wanted, found, list(services))
        if trouble is not None:
            return Incidents(found, left=_without(wanted, found), trouble=trouble)
    gone: set[str] = set()
    for incident_id in _without(wanted, found)[:MOST_SINGLE]:
        answer = await call(_one(incident_id))
        match judge_rest(answer):
            case Ok() if answer.one("incident"):
                found[incident_id] = answer.one("incident")
            case Refused(reason="not_found"):
                gone.add(incident_id)
            case Ok():
                trouble = TryAgain("server_error", "an answer without the incident that was asked for")
                return Incidents(found, frozenset(gone), _without(wanted, {*found, *gone}), trouble)
            case trouble:
                return Incidents(found, frozenset(gone), _without(wanted, {*found, *gone}), trouble)
    return Incidents(found, frozenset(gone), _without(wanted, {*found, *gone}))


async def _open_ones(
    call: Call, wanted: Collection[str], found: dict[str, Mapping[str, Any]], services: list[str]
) -> TryAgain | Refused | None:
    """Put those of the open incidents that are wanted into `found`. Returns the verdict of the call that failed."""
    for page in range(MOST_PAGES):
        answer = await call(_open_page(services, page * PAGE))
        verdict = judge_rest(answer)
        if not isinstance(verdict, Ok):
            return verdict
        found |= {one["id"]: one for one in answer.many("incidents") if one.get("id") in wanted}
        if not answer.more:
            break
    return None


async def subscription_health(call: Call, subscription_id: str) -> Health:
    """How the subscription stands. One that PagerDuty has disabled for its failures is enabled again."""
    answer = await call(lambda api: api.subscription(subscription_id))
    verdict = judge_rest(answer)
    if isinstance(verdict, Refused) and verdict.reason == "not_found":
        return Health("missing")
    if not isinstance(verdict, Ok):
        return Health("unknown", verdict)
    subscription = answer.one("webhook_subscription")
    if subscription.get("active") is False:
        return Health("switched_off")
    if not is_disabled(subscription):
        return Health("enabled")
    verdict = judge_rest(await call(lambda api: api.enable_subscription(subscription_id)))
    return Health("enabled_again") if isinstance(verdict, Ok) else Health("unknown", verdict)


def _log_page(since: int, until: int, offset: int) -> Put:
    return lambda api: api.log_entries(since=_iso(since), until=_iso(until), offset=offset)


def _open_page(services: Sequence[str], offset: int) -> Put:
    return lambda api: api.open_incidents(services=services, offset=offset)


def _one(incident_id: str) -> Put:
    return lambda api: api.incident(incident_id)


def is_disabled(subscription: Mapping[str, Any]) -> bool:
    """Whether PagerDuty has disabled a subscription for a while, because its webhooks failed."""
    method = subscription.get("delivery_method")
    return isinstance(method, dict) and method.get("temporarily_disabled") is True


def _without(wanted: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in wanted if one not in known)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(text: object) -> int:
    """ISO 8601 as milliseconds; what is none of it comes first."""
    try:
        return round(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except ValueError:
        return 0
