"""The sliding window of the rate limit, on a clock that is moved by hand."""

from __future__ import annotations

import pytest
from simulator_driver import KEY, OTHER_KEY, PureEvents, act, change, sample, trigger, without

from streams.sandbox.pagerduty.events_api import Endpoint
from streams.sandbox.pagerduty.window import RateLimits


def statuses(events: PureEvents, count: int, *, key: str = KEY) -> list[int]:
    return [events.send(trigger(key=key))[0] for _ in range(count)]


def test_the_default_is_120_events_in_60_seconds() -> None:
    events = PureEvents()
    assert statuses(events, 121) == [202] * 120 + [429]
    events.clock.advance(59.999)
    assert statuses(events, 1) == [429]
    events.clock.advance(0.001)
    assert statuses(events, 121) == [202] * 120 + [429]


def test_over_the_limit_the_event_is_not_ingested() -> None:
    events = PureEvents(limit=1)
    events.reply(trigger())
    assert events.send(act("resolve")) == (429, sample("response_429"))
    assert (events.last.status, events.last.effect, events.last.reason) == (429, "none", "throttled")
    assert [incident.status for incident in events.account.incidents()] == ["triggered"]


def test_the_window_slides_and_does_not_jump() -> None:
    events = PureEvents(limit=2)
    assert statuses(events, 1) == [202]
    events.clock.advance(40)
    assert statuses(events, 2) == [202, 429]
    events.clock.advance(20)  # the first has left the window, the second has not
    assert statuses(events, 2) == [202, 429]
    events.clock.advance(39)
    assert statuses(events, 1) == [429]
    events.clock.advance(1)
    assert statuses(events, 2) == [202, 429]


def test_each_key_has_its_own_window_and_refused_events_do_not_fill_it() -> None:
    events = PureEvents(limit=2)
    assert statuses(events, 5) == [202, 202, 429, 429, 429]
    assert statuses(events, 1, key=OTHER_KEY) == [202]
    assert events.send(without(trigger(key=OTHER_KEY), "event_action"))[0] == 400
    assert statuses(events, 2, key=OTHER_KEY) == [202, 429]
    events.clock.advance(60)
    assert statuses(events, 3) == [202, 202, 429]


def test_alert_and_change_events_share_the_window() -> None:
    events = PureEvents(limit=2)
    assert events.send(change(), Endpoint.CHANGE)[0] == 202
    assert statuses(events, 2) == [202, 429]
    assert events.send(change(), Endpoint.CHANGE) == (429, sample("response_429"))


def test_limits_are_set_per_key_and_at_once() -> None:
    events = PureEvents(limit=1)
    events.account.set_limit(3, KEY)
    assert statuses(events, 4) == [202, 202, 202, 429]
    assert statuses(events, 2, key=OTHER_KEY) == [202, 429]
    events.account.set_limit(2)
    assert statuses(events, 2, key=OTHER_KEY) == [202, 429]
    events.account.set_limit(0, KEY)
    events.clock.advance(60)
    assert statuses(events, 1) == [429]
    events.account.set_limit(None, KEY)
    assert statuses(events, 200) == [202] * 200


@pytest.mark.parametrize("limit", [-1, 1.5, True, "60"])
def test_a_wrong_limit_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit is"):
        PureEvents(limit=limit)
    with pytest.raises(ValueError, match="limit is"):
        PureEvents().account.set_limit(limit, KEY)


def test_the_window_tells_when_the_next_may_pass() -> None:
    limits = RateLimits(2)
    assert [limits.take("key:a", 0.0), limits.take("key:a", 10.0)] == [0.0, 0.0]
    assert limits.take("key:a", 15.0) == 45.0
    limits.set("key:a", 1)
    assert limits.take("key:a", 15.0) == 55.0
    assert limits.used("key:a", 15.0) == 2
    assert limits.used("key:a", 60.0) == 1
