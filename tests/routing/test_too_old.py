"""Backfill safety: what is too old to page anybody for, by a clock that the test holds."""

from __future__ import annotations

from typing import Any

import pytest
from routing_story import ALPHA, Route, alert, alert_document, case, case_document, connector, documents

from streams.events import Action, Event
from streams.routing import Send, Skip, decide
from streams.routing.age import EventTime, TooOld
from streams.routing.replay import Replay, decide_replay

DAY = 86_400_000
NOW = 1_764_100_000_000  # 2025-11-25, in ms
HOUR = 3_600_000


def at(written: int, happened: Any = None, action: Action = "trigger", **more: Any) -> Event:
    """An alert whose record and document have these times; `happened` as the document says it."""
    return alert(action, document=alert_document(timestamp=happened, groups=[]), timestamp=written, **more)


def too_old(event: Event, by: EventTime = "newest", limit: int = DAY) -> bool:
    decisions = decide(event, documents([connector()]), {}, too_old=TooOld(NOW, limit, by))
    return [one.reason for one in decisions] == ["too_old"]


def seconds(ms: int) -> int:
    return ms // 1_000


# -- the event's time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "written", "happened", "newest", "document"),
    [
        ("of now", NOW, seconds(NOW), False, False),
        ("of now, without a time of its own", NOW, None, False, False),
        ("a worker's outage of hours", NOW - DAY + 1, seconds(NOW - DAY) + 1, False, False),
        ("a new group on an old topic", NOW - 3 * DAY, seconds(NOW - 3 * DAY), True, True),
        ("the same without a time of its own", NOW - 3 * DAY, None, True, True),
        ("a topic produced again", NOW, seconds(NOW - 3 * DAY), False, True),
        ("a producer's clock days behind", NOW - 3 * DAY, seconds(NOW), False, False),
        ("a producer's clock never set", 0, seconds(NOW), False, False),
        ("a clock never set anywhere", 1_000, 1_000, False, False),
        ("a document's clock never set", NOW, 1_000, False, False),
        ("no timestamp in the record", -1, None, False, False),
        ("no timestamp in the record, an old document", -1, seconds(NOW - 3 * DAY), True, True),
        ("a document from next year, in an old record", NOW - 3 * DAY, seconds(NOW + 300 * DAY), True, True),
        ("a record from next year, an old document", NOW + 300 * DAY, seconds(NOW - 3 * DAY), True, True),
        ("clocks that differ by minutes", NOW + 300_000, seconds(NOW + 200_000), False, False),
        ("a document's time that is none", NOW - 3 * DAY, "yesterday", True, True),
        ("milliseconds", NOW - 3 * DAY, NOW, False, False),
        ("ISO 8601", NOW - 3 * DAY, "2025-11-25T19:00:00Z", False, False),
    ],
)
def test_what_counts_as_the_time_of_an_event(
    what: str, written: int, happened: Any, newest: bool, document: bool
) -> None:
    event = at(written, happened)
    assert too_old(event) is newest, what
    assert too_old(event, "document") is document, what


def test_the_limit_is_where_it_is() -> None:
    assert not too_old(at(NOW - HOUR), limit=HOUR)
    assert too_old(at(NOW - HOUR - 1), limit=HOUR)


def test_without_a_limit_nothing_is_too_old() -> None:
    (send,) = decide(at(1), documents([connector()]), {})
    assert isinstance(send, Send)


def test_an_alert_that_goes_on_is_as_new_as_the_window_that_met_its_condition() -> None:
    group = {"details": {"$type": "m", "m": {"toTimestamp": seconds(NOW)}}}
    document = alert_document(timestamp=seconds(NOW - 9 * DAY), groups=[group])
    assert not too_old(alert(document=document, timestamp=NOW), "document")


def test_a_case_is_as_new_as_its_newest_time() -> None:
    old = "2025-11-01T00:00:00Z"
    for change in (
        {"updatedAt": "2025-11-25T12:00:00Z"},
        {"acknowledgedAt": "2025-11-25T12:00:00Z"},
        {"resolutionDetails": {"resolvedAt": "2025-11-25T12:00:00Z"}},
    ):
        assert not too_old(case(document=case_document(createdAt=old, **change)), "document")
    document = case_document(createdAt=old)
    assert too_old(case(document=document), "document")
    document["caseEvent"] = {"eventTime": "2025-11-25T12:00:00Z"}
    assert not too_old(case(document=document), "document")


def test_the_reason_names_the_clock_the_time_and_the_limit() -> None:
    decisions = decide(at(NOW - 3 * DAY), documents([connector()], revision=4), {}, too_old=TooOld(NOW, DAY))
    (skip,) = decisions
    assert isinstance(skip, Skip)
    assert (skip.silent, skip.connector_id) == (False, None)
    assert skip.message == ("the record's timestamp says 2025-11-22 19:46:40 UTC, 3 days ago; the limit is 24 hours")
    assert skip.why is not None
    assert skip.why.revision == 4


# -- what is open -----------------------------------------------------------------------------------------------------


def story() -> Route:
    """An incident that was opened in time, and a clock that has moved on since."""
    route = Route(connector(key=ALPHA))
    route.too_old = TooOld(NOW - 3 * DAY, DAY)
    route.send(at(NOW - 3 * DAY, offset=1))
    route.too_old = TooOld(NOW, DAY)
    return route


@pytest.mark.parametrize("action", ["acknowledge", "resolve", "trigger"])
def test_what_concerns_an_open_incident_is_sent_however_old(action: Action) -> None:
    assert story().send(at(NOW - 3 * DAY + 1, action=action, offset=2)).why.pinned


def test_old_news_of_an_incident_that_is_over_is_skipped() -> None:
    route = story()
    route.send(at(NOW - 3 * DAY + 1, action="resolve", offset=2))
    for offset, action in enumerate(("resolve", "acknowledge", "trigger"), start=3):
        event = at(NOW - 3 * DAY + 2, action=action, offset=offset)  # type: ignore[arg-type]
        assert route.skip(event).reason == "too_old"
    assert route.send(at(NOW, offset=9)).reason == "new_pin"


def test_an_old_story_that_nobody_was_paged_for_pages_nobody() -> None:
    route = Route(connector(key=ALPHA))
    route.too_old = TooOld(NOW, DAY)
    for offset, action in enumerate(("trigger", "acknowledge", "resolve", "trigger")):
        assert route.skip(at(NOW - 2 * DAY, action=action, offset=offset)).reason == "too_old"  # type: ignore[arg-type]
    assert route.pins == {}


def test_what_was_decided_before_a_crash_comes_again_though_it_is_too_old_by_now() -> None:
    route = story()
    assert route.send(at(NOW - 3 * DAY, offset=1)).why.pinned, "its record may be missing"
    route.send(at(NOW - 3 * DAY + 1, action="resolve", offset=2))
    assert route.send(at(NOW - 3 * DAY + 1, action="resolve", offset=2)).action == "resolve"


def test_what_a_person_asks_for_again_is_sent_however_old() -> None:
    (send,) = decide_replay(at(1, 1), documents([connector()]), {}, Replay("alerts/0/0@-"))
    assert isinstance(send, Send)
