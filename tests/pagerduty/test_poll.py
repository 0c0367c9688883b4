"""The poll against an account in memory: what it gives, in which order, and at how many calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.poll import (
    FEW,
    MOST_PAGES,
    MOST_SINGLE,
    OVERLAP_MS,
    Cursor,
    Health,
    Put,
    incidents_now,
    log_since,
    subscription_health,
)
from streams.pagerduty.rest_answers import RestAnswer

T0 = 1_775_000_000_000
"""A moment in 2026."""
NOT_FOUND = RestAnswer(404, {"error": {"message": "Not Found", "code": 2100}})


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@dataclass
class Account:
    """A log (time and id, in any order), incidents by id, and a subscription."""

    log: list[tuple[int, str]] = field(default_factory=list)
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscription: dict[str, Any] | None = None
    calls: list[str] = field(default_factory=list)
    failing: dict[int, RestAnswer] = field(default_factory=dict)

    async def call(self, put: Put) -> RestAnswer:
        number = len(self.calls)
        api: Any = SimpleNamespace(
            log_entries=self._log,
            open_incidents=self._open,
            incident=self._incident,
            subscription=self._subscription,
            enable_subscription=self._enable,
        )
        answer = await put(api)
        return self.failing.get(number, answer)

    async def _log(self, *, since: str, until: str, offset: int) -> RestAnswer:
        self.calls.append("log")
        found = [one for one in self.log if ms(since) <= one[0] < ms(until)]
        found.sort(key=lambda one: one[0], reverse=True)
        entries = [
            {"id": name, "created_at": datetime.fromtimestamp(at // 1000).astimezone().isoformat()}
            for at, name in found[offset : offset + 100]
        ]
        return RestAnswer(200, {"log_entries": entries, "more": len(found) > offset + 100})

    async def _open(self, *, services: list[str], offset: int) -> RestAnswer:
        self.calls.append("open")
        found = [
            one for one in self.incidents.values()
            if one["status"] != "resolved" and (not services or one["service"] in services)
        ]  # fmt: skip
        return RestAnswer(200, {"incidents": found[offset : offset + 100], "more": len(found) > offset + 100})

    async def _incident(self, incident_id: str) -> RestAnswer:
        self.calls.append(incident_id)
        found = self.incidents.get(incident_id)
        return RestAnswer(200, {"incident": found}) if found else NOT_FOUND

    async def _subscription(self, _subscription_id: str) -> RestAnswer:
        self.calls.append("subscription")
        return RestAnswer(200, {"webhook_subscription": self.subscription}) if self.subscription else NOT_FOUND

    async def _enable(self, _subscription_id: str) -> RestAnswer:
        self.calls.append("enable")
        assert self.subscription is not None
        self.subscription["delivery_method"]["temporarily_disabled"] = False
        return RestAnswer(200, {"webhook_subscription": self.subscription})


def ids(news: Any) -> list[str]:
    return [entry["id"] for entry in news.entries]


async def test_the_log_comes_in_order_and_once() -> None:
    account = Account(log=[(T0 + 1_000 * number, f"R{number}") for number in (3, 1, 2)])
    first = await log_since(account.call, Cursor(T0), T0 + 10_000)
    assert (ids(first), first.more, first.trouble) == (["R1", "R2", "R3"], False, None)
    account.log.append((T0 + 5_000, "R late"))  # older than the cursor, and could not be read before
    second = await log_since(account.call, first.cursor, T0 + 20_000)
    assert ids(second) == ["R late"]
    assert len(account.calls) == 2


async def test_within_one_second_the_first_comes_first() -> None:
    account = Account(log=[(T0 + 1_300, "R2"), (T0 + 1_100, "R1"), (T0 + 1_900, "R3")])
    assert ids(await log_since(account.call, Cursor(T0), T0 + 10_000)) == ["R1", "R2", "R3"]


async def test_a_long_absence_is_read_from_its_beginning_in_parts() -> None:
    total = 3 * MOST_PAGES * 100
    account = Account(log=[(T0 + 1_000 * number, f"R{number}") for number in range(total)])
    cursor, now, read, rounds = Cursor(T0), T0 + 1_000 * total, [], 0
    while True:
        news = await log_since(account.call, cursor, now)
        read += ids(news)
        cursor, rounds = news.cursor, rounds + 1
        if not news.more:
            break
    assert read == [f"R{number}" for number in range(total)]
    assert rounds <= 5
    assert len(account.calls) < 200


async def test_a_call_that_fails_leaves_the_cursor_where_it_was() -> None:
    account = Account(log=[(T0 + 10 * number, f"R{number}") for number in range(250)])
    account.failing[2] = RestAnswer(429, reset=7.0)
    cursor = Cursor(T0, frozenset({"x"}))
    news = await log_since(account.call, cursor, T0 + 10_000)
    assert (news.entries, news.cursor, news.trouble) == ((), cursor, TryAgain("rate_limited", "", 7.0))


async def test_a_burst_of_one_second_does_not_hold_the_cursor_up() -> None:
    account = Account(log=[(T0 + 500, f"R{number}") for number in range(MOST_PAGES * 100 + 50)])
    news = await log_since(account.call, Cursor(T0), T0 + 1_000)
    assert len(news.entries) == MOST_PAGES * 100
    assert news.cursor.at == T0 + 1_000


@given(
    times=st.lists(st.integers(0, 400_000), max_size=60),
    lates=st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, OVERLAP_MS - 2_000)), max_size=10),
    polls=st.lists(st.integers(1_000, 50_000), min_size=1, max_size=12),
)
async def test_whenever_it_is_asked_every_entry_is_given_once(
    times: list[int], lates: list[tuple[int, int]], polls: list[int]
) -> None:
    """Entries that can be read only a while after their time are given as well, while that is within the overlap."""
    visible = [(at, at, f"R{number}") for number, at in enumerate(times)]
    visible += [(at, at + delay, f"L{number}") for number, (at, delay) in enumerate(lates)]
    cursor, now, read = Cursor(T0), T0, list[str]()
    for pause in [*polls, 600_000, OVERLAP_MS]:
        now += pause
        account = Account(log=[(T0 + at, name) for at, seen_at, name in visible if T0 + seen_at <= now])
        news = await log_since(account.call, cursor, now)
        read, cursor = read + ids(news), news.cursor
    assert sorted(read) == sorted(name for _, _, name in visible)


def incident(name: str, status: str = "triggered", service: str = "PSVC") -> dict[str, Any]:
    return {"id": name, "status": status, "service": service}


async def test_a_few_incidents_are_asked_for_one_by_one() -> None:
    account = Account(incidents={"Q1": incident("Q1"), "Q2": incident("Q2", "resolved")})
    found = await incidents_now(account.call, ["Q1", "Q2", "Q3"])
    assert (dict(found.found), found.gone, found.left) == (account.incidents, {"Q3"}, ())
    assert account.calls == ["Q1", "Q2", "Q3"]


async def test_many_incidents_are_read_from_the_list_of_open_ones() -> None:
    account = Account(incidents={f"Q{number}": incident(f"Q{number}") for number in range(500)})
    account.incidents["Q7"]["status"] = "resolved"
    wanted = [f"Q{number}" for number in range(200)] + ["gone"]
    found = await incidents_now(account.call, wanted)
    assert (sorted(found.found), found.gone) == (sorted(wanted[:-1]), {"gone"})
    assert account.calls == ["open"] * 5 + ["Q7", "gone"]


async def test_only_the_services_that_matter_are_listed() -> None:
    account = Account(
        incidents={f"Q{number}": incident(f"Q{number}", service=f"P{number % 10}") for number in range(990)}
    )
    wanted = [f"Q{number}" for number in range(0, 400, 10)]
    await incidents_now(account.call, wanted, services=["P0"])
    assert account.calls == ["open"]


async def test_what_the_bound_leaves_is_said() -> None:
    account = Account(
        incidents={f"Q{number}": incident(f"Q{number}", "resolved") for number in range(MOST_SINGLE + 30)}
    )
    found = await incidents_now(account.call, list(account.incidents))
    assert (len(found.found), len(found.left), found.trouble) == (MOST_SINGLE, 30, None)


@pytest.mark.parametrize("wanted", [3, FEW + 1])
async def test_trouble_keeps_what_was_read(wanted: int) -> None:
    account = Account(incidents={f"Q{number}": incident(f"Q{number}", "resolved") for number in range(wanted)})
    first = 0 if wanted <= FEW else 1
    account.failing[first + 2] = RestAnswer(401)
    found = await incidents_now(account.call, list(account.incidents))
    assert (sorted(found.found), len(found.left)) == (["Q0", "Q1"], wanted - 2)
    assert found.trouble == Refused("unauthorized", "")
    account.calls.clear()
    account.failing = {0: RestAnswer(503), first: RestAnswer(200, "no incident")}
    assert (await incidents_now(account.call, list(account.incidents))).trouble is not None


async def test_nothing_to_ask() -> None:
    account = Account()
    assert (await incidents_now(account.call, [])).left == ()
    assert account.calls == []


def subscription(*, disabled: bool = False, active: bool = True) -> dict[str, Any]:
    return {"id": "PW", "active": active, "delivery_method": {"temporarily_disabled": disabled}}


@pytest.mark.parametrize(
    ("found", "health", "calls"),
    [
        (subscription(), Health("enabled"), ["subscription"]),
        (subscription(disabled=True), Health("enabled_again"), ["subscription", "enable"]),
        (subscription(active=False, disabled=True), Health("switched_off"), ["subscription"]),
        ({"id": "PW"}, Health("enabled"), ["subscription"]),
        (None, Health("missing"), ["subscription"]),
    ],
)
async def test_the_subscriptions_health(found: dict[str, Any] | None, health: Health, calls: list[str]) -> None:
    account = Account(subscription=found)
    assert await subscription_health(account.call, "PW") == health
    assert account.calls == calls


async def test_health_that_cannot_be_told() -> None:
    account = Account(subscription=subscription(disabled=True))
    account.failing = {0: RestAnswer(500), 2: RestAnswer(403)}
    assert await subscription_health(account.call, "PW") == Health("unknown", TryAgain("server_error", ""))
    assert await subscription_health(account.call, "PW") == Health("unknown", Refused("forbidden", ""))
