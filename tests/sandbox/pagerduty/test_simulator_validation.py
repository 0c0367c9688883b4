"""Each rule for an event's body, and the answer to each broken one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulator_driver import (
    KEY,
    ORCHESTRATION_KEY,
    OTHER_KEY,
    PureEvents,
    act,
    change,
    sample,
    sample_text,
    trigger,
    without,
)

from streams.sandbox.pagerduty.events_api import Endpoint
from streams.sandbox.pagerduty.validation import alert_errors, change_errors

SUMMARY_TOO_LONG = "'summary' is too long (maiximum is 1024 characters)"
BAD_SEVERITY = "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
BAD_TIMESTAMP = "'payload.timestamp' is invalid (must be an ISO 8601 date and time)"
MISSING_PAYLOAD = [
    "'payload.summary' is missing or blank",
    "'payload.source' is missing or blank",
    "'payload.severity' is missing or blank",
]


@pytest.fixture
def events() -> PureEvents:
    return PureEvents()


@pytest.mark.parametrize(
    ("request_name", "endpoint", "answer_name"),
    [
        ("request_trigger_full", Endpoint.ALERT, "response_202_alert_event"),
        ("request_acknowledge", Endpoint.ALERT, "response_202_alert_event"),
        ("request_resolve", Endpoint.ALERT, "response_202_alert_event"),
        ("request_change_event", Endpoint.CHANGE, "response_202_change_event"),
    ],
)
def test_sample_requests_get_the_sample_answers(
    events: PureEvents, request_name: str, endpoint: Endpoint, answer_name: str
) -> None:
    assert events.send(sample(request_name), endpoint) == (202, sample(answer_name))


def test_a_trigger_without_dedup_key_is_given_one_of_32_hex_digits(events: PureEvents) -> None:
    like = sample("response_202_alert_event_generated_key")
    first = events.send(sample("request_trigger_minimal"))
    second = events.send({**sample("request_trigger_minimal"), "dedup_key": " "})
    for status, body in (first, second):
        assert status == 202
        assert {**body, "dedup_key": ""} == {**like, "dedup_key": ""}
        assert len(body["dedup_key"]) == 32
        assert int(body["dedup_key"], 16) >= 0
    assert first != second


@pytest.mark.parametrize(
    ("event", "answer_name"),
    [
        ({}, "response_400_empty_body"),
        (b"", "response_400_empty_body"),
        (b'{"routing_key":', "response_400_json_parse"),
        (b"[]", "response_400_json_parse"),
        (b'"text"', "response_400_json_parse"),
        (b"\xff", "response_400_json_parse"),
        (trigger(key="not-a-key"), "response_400_routing_key_malformed"),
        (trigger(severity="fatal"), "response_400_severity_invalid"),
        (trigger(severity="CRITICAL"), "response_400_severity_invalid"),
        (without(trigger(), "payload", "severity"), "response_400_severity_missing"),
        (trigger(severity=" "), "response_400_severity_missing"),
        (without(trigger(), "payload", "source"), "response_400_source_missing"),
        (trigger(source=""), "response_400_source_missing"),
        (trigger(summary="x" * 1025), "response_400_summary_too_long"),
    ],
)
def test_sample_errors(events: PureEvents, event: object, answer_name: str) -> None:
    assert events.send(event) == (400, sample(answer_name))
    assert events.last.effect == "none"
    assert events.account.incidents() == []


@pytest.mark.parametrize(
    ("event", "errors"),
    [
        (trigger(), []),
        (trigger(key=ORCHESTRATION_KEY), []),
        (trigger(key="0" * 31), ["Length of 'routing_key' is incorrect (should be 32 characters)"]),
        (trigger(key="0" * 31 + "-"), ["'routing_key' cannot contain non-alphanumeric characters."]),
        (trigger(key="0" * 31 + "é"), ["'routing_key' cannot contain non-alphanumeric characters."]),
        (trigger(key=" "), ["'routing_key' cannot be blank"]),
        ({**trigger(), "routing_key": None}, ["'routing_key' cannot be blank"]),
        ({**trigger(), "routing_key": 7}, ["'routing_key' is invalid (must be a string)"]),
        (without(trigger(), "event_action"), ["'event_action' is missing or blank"]),
        (
            {**trigger(), "event_action": "page"},
            ["'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"],
        ),
        (without(act("acknowledge"), "dedup_key"), ["'dedup_key' is missing or blank"]),
        (act("resolve", ""), ["'dedup_key' is missing or blank"]),
        (trigger("d" * 255), []),
        (trigger("d" * 256), ["'dedup_key' is too long (maximum is 255 characters)"]),
        ({**trigger(), "dedup_key": 5}, ["'dedup_key' is invalid (must be a string)"]),
        (without(trigger(), "payload"), MISSING_PAYLOAD),
        ({**trigger(), "payload": "text"}, ["'payload' is invalid (must be an object)"]),
        (trigger(summary="ü" * 1024), []),
        (trigger(summary=" "), ["'payload.summary' is missing or blank"]),
        (trigger(summary=1), ["'payload.summary' is invalid (must be a string)"]),
        (trigger(source=1), ["'payload.source' is invalid (must be a string)"]),
        (trigger(severity=1), [BAD_SEVERITY]),
        (trigger(component=1), ["'payload.component' is invalid (must be a string)"]),
        (trigger(group="g", component=None, **{"class": []}), ["'payload.class' is invalid (must be a string)"]),
        (trigger(custom_details={"a": 1}), []),
        (trigger(custom_details="text"), []),
        (trigger(custom_details=[1]), ["'payload.custom_details' is invalid (must be an object)"]),
        ({**trigger(), "client": 1}, ["'client' is invalid (must be a string)"]),
        ({**trigger(), "unheard": "of"}, []),
    ],
)
def test_alert_rules(event: dict[str, Any], errors: list[str]) -> None:
    assert alert_errors(event) == errors


@pytest.mark.parametrize(
    ("timestamp", "valid"),
    [
        ("2026-04-01T02:07:29.315Z", True),
        ("2026-04-01T02:07:29.315+0000", True),
        ("2026-04-01T02:07:29,5+02:00", True),
        ("2011-05-06T03:30-07", True),  # an example in PagerDuty's own docs
        ("2026-04-01T02:07:29.315000+00:00Z", False),
        ("2026-04-01", True),
        ("20260401T020729Z", True),
        ("", True),
        (None, True),
        ("2021-10-22 05:01:32", False),
        ("2021-10-22T5:01:32", False),
        ("2026-13-01T00:00:00Z", False),
        ("yesterday", False),
        (1775000000, False),
    ],
)
def test_timestamps(timestamp: object, valid: bool) -> None:
    assert alert_errors(trigger(timestamp=timestamp)) == ([] if valid else [BAD_TIMESTAMP])


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ({"images": [{"src": "https://example.com/a.png", "href": "http://example.com", "alt": "a"}]}, []),
        ({"images": None, "links": None}, []),
        ({"images": [{"src": "http://example.com/a.png"}]}, ["'images[0].src' is invalid (must be an https URL)"]),
        ({"images": [{"alt": "a"}]}, ["'images[0].src' is missing or blank"]),
        ({"images": {}}, ["'images' is invalid (must be an array)"]),
        ({"images": ["x"]}, ["'images[0]' is invalid (must be an object)"]),
        ({"links": [{"href": "https://example.com"}, {"text": "b"}]}, ["'links[1].href' is missing or blank"]),
        (
            {"links": [{"href": 1, "text": 2}]},
            [
                "'links[0].href' is invalid (must be a string)",
                "'links[0].text' is invalid (must be a string)",
            ],
        ),
        ({"links": [{"href": f"https://example.com/{n}"} for n in range(51)]}, []),
    ],
)
def test_images_and_links(more: dict[str, Any], errors: list[str]) -> None:
    assert alert_errors({**trigger(), **more}) == errors
    assert change_errors(change(**more)) == errors


def test_all_broken_rules_come_in_one_array(events: PureEvents) -> None:
    event = {"routing_key": "x", "event_action": "trigger", "payload": {"severity": "none"}}
    assert events.send(event)[1]["errors"] == [
        "Length of 'routing_key' is incorrect (should be 32 characters)",
        "'payload.summary' is missing or blank",
        "'payload.source' is missing or blank",
        BAD_SEVERITY,
    ]
    assert len(events.last.errors) == 4


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
@pytest.mark.parametrize(
    ("payload", "errors"),
    [
        (None, []),
        ({"summary": "Disk is full", "source": "db-1", "severity": "info"}, []),
        ({"summary": "", "source": "db-1", "severity": "info"}, ["'payload.summary' is missing or blank"]),
        ({"summary": "x" * 1025, "source": "db-1", "severity": "info"}, [SUMMARY_TOO_LONG]),
        ({}, MISSING_PAYLOAD),
    ],
)
def test_a_payload_is_checked_whenever_there_is_one(
    action: str, payload: dict[str, Any] | None, errors: list[str]
) -> None:
    assert alert_errors({**act(action), "payload": payload}) == errors


@pytest.mark.parametrize(
    ("event", "errors"),
    [
        (change(), []),
        (without(change(), "payload"), ["'payload.summary' is missing or blank"]),
        ({**change(), "payload": 1}, ["'payload' is invalid (must be an object)"]),
        (change(payload={"summary": "x" * 1025}), [SUMMARY_TOO_LONG]),
        (change(payload={"summary": "s", "timestamp": "now"}), [BAD_TIMESTAMP]),
        (change(payload={"summary": "s", "source": 1}), ["'payload.source' is invalid (must be a string)"]),
        (change(key="x"), ["Length of 'routing_key' is incorrect (should be 32 characters)"]),
        (
            change(key=ORCHESTRATION_KEY),
            ["'routing_key' is invalid (an orchestration key cannot take change events)"],
        ),
    ],
)
def test_change_rules(event: dict[str, Any], errors: list[str]) -> None:
    assert change_errors(event) == errors


def test_a_change_event_has_at_most_50_links(events: PureEvents) -> None:
    links = [{"href": f"https://example.com/{n}"} for n in range(51)]
    assert events.send(change(links=links[:50]), Endpoint.CHANGE)[0] == 202
    assert events.send(change(links=links), Endpoint.CHANGE) == (
        400,
        {"error": ["links should have at most 50 item(s)"]},
    )
    assert events.last.reason == "too_many_links"


def test_a_body_may_have_512000_bytes_and_not_one_more(events: PureEvents) -> None:
    event = trigger(custom_details={"filler": ""})
    room = 512_000 - len(json.dumps(event))
    assert events.send(trigger(custom_details={"filler": "x" * room}))[0] == 202
    assert events.last.custom_details is None  # too large for the journal
    assert events.send(trigger(custom_details={"filler": "x" * (room + 1)}))[0] == 413
    assert (events.last.reason, events.last.dedup_key) == ("too_large", "db-1/disk")


def test_unknown_keys_are_refused_in_plain_text_when_the_known_ones_are_listed() -> None:
    events = PureEvents(known_keys=[KEY])
    assert events.send(trigger())[0] == 202
    assert events.send(trigger(key=OTHER_KEY)) == (400, sample_text("response_400_unknown_routing_key.txt").strip())
    assert events.last.reason == "unknown_routing_key"
    # An event that breaks rules too hears of those.
    assert events.send(without(trigger(key=OTHER_KEY), "event_action"))[1]["status"] == "invalid event"
