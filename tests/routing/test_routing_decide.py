"""Which connectors, which pins, what is written: every rule in a short story."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest
from routing_story import (
    ALPHA,
    BETA,
    FALLBACK,
    WRITTEN,
    Route,
    account_connector,
    alert,
    case,
    connector,
    directory,
    documents,
    seen,
)

from streams import contracts
from streams.documents.secrets import Cipher, mask, new_key
from streams.events import Action
from streams.routing import Pin, Reject, Send, Skip, decide, outbox_record


def two() -> Route:
    return Route(connector("a", key=ALPHA), connector("b", key=BETA))


@pytest.mark.parametrize("timestamp", [2**63 - 1, 1_638_403_600_123_456, -1, -(2**63)])
def test_a_record_of_any_timestamp_is_routed_by_templates_that_ask_for_the_time(timestamp: int) -> None:
    dynamic = f"{{% if now(timestamp=true) >= 0 %}}{ALPHA}{{% endif %}}"
    asking = Route(connector("a", key=BETA, dynamic=dynamic))
    assert asking.send(alert(timestamp=timestamp)).why.chosen == "fields.dynamicintegrationKey"


# -- connectors -------------------------------------------------------------------------------------------------------


def test_the_only_connector_is_taken() -> None:
    assert Route(connector("only")).send(alert()).connector_id == "only"


def test_bi_directional_connectors_do_not_count_as_choices_for_alerts() -> None:
    both = connector("only"), connector("both-ways", kind="PAGERDUTY_INCIDENTS")
    route = Route(*both)
    assert route.send(alert()).connector_id == "only"
    assert Route(*both).reject(case()).reason == "connector_not_named", "a Case could go through either"
    named = route.skip(alert(connectors=["both-ways"]))
    assert (named.reason, named.connector_id, named.silent) == ("wrong_entity", "both-ways", False)


def test_several_connectors_that_serve_cases_only_are_one_outcome() -> None:
    route = Route(connector(), account_connector("x"), account_connector("y"))
    send, skip = route.take(alert(connectors=["x", "payments", "y"]))
    assert isinstance(send, Send)
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.connector_id) == ("wrong_entity", None)
    assert "x, y" in skip.message


def test_no_connector_at_all() -> None:
    assert Route().reject(alert()).reason == "no_connector"


def test_several_connectors_and_none_named() -> None:
    reject = two().reject(alert())
    assert (reject.reason, reject.path) == ("connector_not_named", "/destinations")
    assert "a, b" in reject.message


def test_a_list_of_connectors_stays_readable() -> None:
    many = [connector(f"c{number:03}") for number in range(300)]
    assert Route(*many).reject(alert()).message.count("c0") == 20
    assert "and 280 more" in Route(*many).reject(alert()).message


def test_named_connectors_each_get_a_decision() -> None:
    document = {"alert": {}, "destinations": [{"connectorId": "b"}, {"connectorId": "nobody"}, {"connectorId": "a"}]}
    first, second, third = two().take(alert(document=document, connectors=["b", "nobody", "a"]))
    assert isinstance(first, Send)
    assert isinstance(third, Send)
    assert (first.connector_id, third.connector_id) == ("b", "a")
    assert isinstance(second, Reject)
    assert (second.reason, second.path) == ("unknown_connector", "/destinations/1/connectorId")


def test_a_key_given_as_a_connectors_id_is_not_repeated() -> None:
    assert ALPHA not in Route(connector()).reject(alert(connectors=[ALPHA])).message


def test_one_key_through_two_connectors_is_asked_once() -> None:
    route = Route(connector("a", key=ALPHA), connector("b", key=ALPHA))
    both = ["b", "a"]
    first, second = route.take(alert(offset=1, connectors=both))
    assert isinstance(first, Send)
    assert isinstance(second, Skip)
    assert (second.connector_id, second.reason, second.silent) == ("a", "same_destination", True)
    (again, _) = route.take(alert("resolve", offset=2, connectors=both))
    assert isinstance(again, Send)
    assert not route.pins["b"].open


def test_the_pin_of_a_connector_that_is_not_asked_twice_goes_on_all_the_same() -> None:
    route = Route(connector("a", key=ALPHA), connector("b", key=ALPHA))
    route.take(alert(offset=1, connectors=["b"]))
    route.take(alert(offset=2, connectors=["a", "b"]))
    route.take(alert("resolve", offset=3, connectors=["a", "b"]))
    assert [pin.open for pin in route.pins.values()] == [False, False]


# -- events that name no connector, with pins -------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_an_event_without_a_name_follows_the_open_pins(action: Action) -> None:
    route = two()
    route.take(alert(offset=1, connectors=["a", "b"]))
    route.connectors["c"] = connector("c")
    decisions = route.take(alert(action, offset=2))
    assert {one.connector_id for one in decisions} == {"a", "b"}


def test_a_late_resolve_without_a_name_follows_the_closed_pin() -> None:
    route = two()
    route.take(alert(offset=1, connectors=["a"]))
    route.take(alert("resolve", offset=2, connectors=["a"]))
    late = route.send(alert("resolve", offset=3))
    assert (late.connector_id, late.token) == ("a", "sealed:" + ALPHA)
    assert route.reject(alert(offset=4)).reason == "connector_not_named"


def test_a_nameless_resolve_reaches_both_pins_after_a_crash_between_them() -> None:
    route = two()
    route.take(alert(offset=1, connectors=["a", "b"]))
    before = dict(route.pins)
    resolve = alert("resolve", offset=2)
    route.take(resolve)
    route.pins["b"] = before["b"]  # b's record and pin never got out
    assert {one.connector_id for one in route.take(resolve)} == {"a", "b"}


# -- pins -------------------------------------------------------------------------------------------------------------


def test_the_first_trigger_makes_a_pin_to_write_before_producing() -> None:
    send = Route(connector("a", key=ALPHA, rate_limit=30)).send(alert(offset=7, partition=3))
    assert (send.reason, send.why.pinned, send.pin_after) == ("new_pin", False, None)
    assert send.pin == Pin(send.destination, "sealed:" + ALPHA, "a", True, seen({"alerts/3": 7}), "alerts/3", 30)


def test_a_repeated_trigger_and_an_acknowledge_go_by_the_pin_and_leave_their_offset() -> None:
    route = Route(connector(key=ALPHA))
    route.take(alert(offset=1))
    route.connectors = directory(connector(key=BETA, rate_limit=77))
    actions: list[Action] = ["trigger", "acknowledge"]
    for offset, action in enumerate(actions, start=2):
        send = route.send(alert(action, offset=offset))
        assert (send.reason, send.token, send.pin, send.limit) == ("pinned", "sealed:" + ALPHA, None, 77)
        assert send.pin_after is not None
        assert (send.pin_after.open, send.pin_after.seen) == (True, seen({"alerts/0": offset}))


def test_a_resolve_closes_the_pin_afterwards_and_keeps_its_routing() -> None:
    route = Route(connector(key=ALPHA))
    route.take(alert(offset=1))
    send = route.send(alert("resolve", offset=2))
    assert send.pin is None
    assert send.pin_after is not None
    assert (send.pin_after.open, send.pin_after.routing_key_token) == (False, "sealed:" + ALPHA)


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_without_a_pin_an_end_goes_by_template_and_pins_nothing(action: Action) -> None:
    route = Route(connector(key=ALPHA))
    send = route.send(alert(action, offset=1))
    assert (send.reason, send.why.chosen, send.why.pinned) == ("unpinned", "fields.integrationKey", False)
    assert (send.pin, send.pin_after, route.pins) == (None, None, {})


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_acknowledge_and_resolve_are_bare(action: Action) -> None:
    route = Route(connector(key=ALPHA))
    for event in (alert(action, offset=1), alert(offset=2), alert(action, offset=3)):
        send = route.send(event)
        bare = (send.payload, send.client, send.client_url, send.links) == (None, None, None, ())
        assert bare == (event.action != "trigger")


def test_a_new_life_may_choose_anew_and_remembers_what_it_has_seen() -> None:
    route = Route(connector(key=ALPHA))
    route.take(alert(offset=1, partition=0))
    route.take(alert("resolve", offset=9, partition=1))
    route.connectors = directory(connector(key=BETA))
    send = route.send(alert(offset=2, partition=0))
    assert send.token == "sealed:" + BETA
    assert route.pins["payments"].seen == seen({"alerts/0": 2, "alerts/1": 9})


def test_a_new_life_of_a_deleted_connector_is_refused() -> None:
    route = two()
    route.take(alert(offset=1, connectors=["a"]))
    route.take(alert("resolve", offset=2, connectors=["a"]))
    del route.connectors["a"]
    assert route.reject(alert(offset=3, connectors=["a"])).reason == "unknown_connector"
    assert route.send(alert("resolve", offset=4, connectors=["a"])).token == "sealed:" + ALPHA


# -- read again -------------------------------------------------------------------------------------------------------


def test_what_is_behind_the_pin_is_skipped_in_silence() -> None:
    route = two()
    for offset in (1, 2):
        route.take(alert(offset=offset, connectors=["a"]))
    for connectors in (["a"], [], ["b"], ["nobody"]):
        skip = route.skip(alert(offset=1, connectors=connectors))
        assert (skip.reason, skip.silent, skip.pin_after) == ("already_routed", True, None)


def test_the_last_writer_is_produced_again_as_it_was() -> None:
    route = Route(connector(key=ALPHA))
    first = route.send(alert(offset=1))
    route.connectors = directory(connector(key=BETA))
    again = route.send(alert(offset=1))
    assert (again.destination, again.token, again.payload) == (first.destination, first.token, first.payload)
    assert (again.pin, again.pin_after) == (None, None)
    assert again.why.pinned


def test_a_trigger_read_again_after_another_partitions_resolve_opens_nothing() -> None:
    route = Route(connector(key=ALPHA))
    route.take(alert(offset=4, partition=0))
    route.take(alert("resolve", offset=8, partition=1))
    route.connectors = directory(connector(key=BETA))
    assert route.skip(alert(offset=4, partition=0)).reason == "already_routed"


def test_inputs_of_a_topic_that_was_made_anew_are_routed_though_their_offsets_were_seen() -> None:
    route = Route(connector(key=ALPHA))
    route.take(alert(offset=100))
    route.take(alert("resolve", offset=101, timestamp=WRITTEN + 5))
    for offset, action in enumerate(("trigger", "acknowledge", "resolve")):
        event = alert(action, offset=offset, timestamp=WRITTEN + 10 + offset)  # type: ignore[arg-type]
        assert route.send(event).action == action
        assert route.send(event).action == action, "the last writer's records may be missing"
    assert not route.pins["payments"].open
    for old in (alert(offset=100), alert("resolve", offset=101, timestamp=WRITTEN + 5)):
        assert route.skip(old).reason == "already_routed", "a copy of the old topic's input comes again"
    assert Pin.from_json(orjson.loads(orjson.dumps(route.pins["payments"].to_json()))) == route.pins["payments"]


def test_a_case_that_is_not_yet_active_is_skipped_with_a_record() -> None:
    skip = Route(connector()).skip(dataclasses.replace(case(), action=None))
    assert (skip.reason, skip.silent) == ("not_yet_active", False)


# -- what is written --------------------------------------------------------------------------------------------------


def test_a_pin_survives_its_changelog() -> None:
    pin = Pin("key:0123456789abcdef", "token", "payments", False, seen({"alerts/3": 7, "alerts/0": 9}), "alerts/3", 120)
    assert Pin.from_json(pin.to_json()) == pin
    assert "token" not in repr(pin)


def test_the_outbox_record() -> None:
    event = alert(offset=5, partition=2, timestamp=1_638_403_601_234)
    (send,) = decide(event, documents([connector(key=ALPHA, rate_limit=60)], revision=17), {})
    assert isinstance(send, Send)
    record = outbox_record(event, send, "token")
    assert send.payload is not None
    expected: dict[str, Any] = {
        "v": 1,
        "incident": "alert:checkout/cpu",
        "dedup_key": "checkout/cpu",
        "destination": send.destination,
        "connector": "payments",
        "limit": 60,
        "routing_key": "token",
        "action": "trigger",
        "payload": send.payload,
        "client": "Pagerline",
        "client_url": "https://example.com/#/insights?id=76c411be",
        "links": [
            {"href": "https://example.com/#/insights?id=76c411be", "text": "Alert"},
            {"href": "https://example.com/runbooks/cpu", "text": "runbook"},
        ],
        "source": {
            "topic": "alerts",
            "partition": 2,
            "offset": 5,
            "timestamp": 1_638_403_601_234,
            "key": "checkout/cpu",
        },
        "why": {
            "chosen": "fields.integrationKey",
            "passed_over": [],
            "pinned": False,
            "key": mask(ALPHA),
            "revision": 17,
        },
        "render_errors": {},
    }
    assert record == expected


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_outbox_records_keep_the_contract(action: Action) -> None:
    token = Cipher([new_key()]).seal(ALPHA)
    for event in (alert(action, offset=1), case(action, offset=1), alert(action, document={"alert": {}})):
        (send,) = decide(event, documents([connector(key=ALPHA, dynamic="{{ missing }}")]), {})
        assert isinstance(send, Send)
        record = orjson.loads(orjson.dumps(outbox_record(event, send.sealed(token), token)))
        assert contracts.problem("pagerduty-outbox", record) is None
        assert record["why"]["passed_over"][0]["candidate"] == "fields.dynamicintegrationKey"


def test_the_outbox_record_of_a_resolve() -> None:
    event = alert("resolve", offset=6)
    (send,) = decide(event, documents([connector(key=FALLBACK)]), {})
    assert isinstance(send, Send)
    record = outbox_record(event, send, "token")
    assert record["payload"] is None
    assert not {"client", "client_url", "links"} & record.keys()
