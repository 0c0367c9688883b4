"""The outbox record of a dead letter: where it goes again, and where its incident is pinned then."""

from __future__ import annotations

from typing import Any

import pytest
from routing_story import ALPHA, BETA, BY_TEAM, CASES, FALLBACK, connector, directory, seen

from streams.documents.secrets import destination_id
from streams.routing import Pin
from streams.routing.readdress import MovedOn, Refused, Resend, readdress
from streams.routing.replay import Replay

A, B = destination_id(ALPHA), destination_id(BETA)
ASKED = Replay("alerts/0/5@" + A, kind="outbox")


def record(action: str = "trigger", *, chosen: str = "fields.integrationKey", **more: Any) -> dict[str, Any]:
    """Of input alerts/0/5, to the key that turned out to be unknown."""
    return {
        "incident": "alert:checkout/cpu",
        "dedup_key": "checkout/cpu",
        "destination": A,
        "connector": "payments",
        "limit": 120,
        "routing_key": "sealed-alpha",
        "action": action,
        "source": {"topic": "alerts", "partition": 0, "offset": 5, "timestamp": 1},
        "why": {"chosen": chosen, "passed_over": [], "pinned": chosen == "pin"},
        **more,
    }


def pin(destination: str = A, *, open: bool = True, newest: int = 5) -> Pin:
    return Pin(destination, "sealed-pin", "payments", open, seen({"alerts/0": newest}, 1), "alerts/0", 120)


def resend(*arguments: Any) -> Resend:
    again = readdress(*arguments)
    assert isinstance(again, Resend), again
    return again.sealed("sealed-anew") if again.routing_key is not None else again


def test_nothing_has_changed() -> None:
    again = resend(record(), directory(connector(key=ALPHA)), {"payments": pin()}, ASKED)
    assert again.record == {**record(), "replay": {"id": ASKED.id, "force": False}}
    assert again.pin is None


def test_the_document_was_corrected() -> None:
    documents = directory(connector(key=BETA, rate_limit=600))
    again = readdress(record(), documents, {"payments": pin(newest=7)}, ASKED)
    assert isinstance(again, Resend)
    assert again.routing_key is not None
    assert again.routing_key.reveal() == BETA
    sealed = again.sealed("sealed-beta")
    assert sealed.record == {
        **record(),
        "destination": B,
        "routing_key": "sealed-beta",
        "limit": 600,
        "replay": {"id": ASKED.id, "force": False},
    }
    # Pinned anew; what was seen stays seen.
    assert sealed.pin == Pin(B, "sealed-beta", "payments", True, seen({"alerts/0": 7}, 1), "alerts/0", 600)
    assert BETA not in repr(again)


def test_a_repeat_that_went_by_the_pin_is_corrected_as_well() -> None:
    again = resend(record(chosen="pin"), directory(connector(key=BETA)), {"payments": pin()}, ASKED)
    assert again.record["destination"] == B


def test_the_key_of_an_override() -> None:
    documents = directory(connector(key=ALPHA, cases={"integrationKey": CASES}))
    case = record(incident="case:1", chosen="overrides.cases.integrationKey")
    assert resend(case, documents, {}, ASKED).record["destination"] == destination_id(CASES)


@pytest.mark.parametrize("chosen", ["fields.dynamicintegrationKey", "pin"])
def test_a_key_that_a_template_gave_cannot_be_given_anew(chosen: str) -> None:
    documents = directory(connector(key=FALLBACK, dynamic=BY_TEAM))
    again = resend(record(chosen=chosen), documents, {"payments": pin()}, ASKED)
    assert (again.record["destination"], again.record["routing_key"]) == (A, "sealed-alpha")


def test_the_fallback_of_a_template_can_be_corrected() -> None:
    documents = directory(connector(key=BETA, dynamic=BY_TEAM))
    assert resend(record(), documents, {"payments": pin()}, ASKED).record["destination"] == B


def test_a_template_in_the_place_of_the_static_key_is_refused_with_the_remedy() -> None:
    refused = readdress(record(), directory(connector(key=BY_TEAM)), {"payments": pin()}, ASKED)
    assert isinstance(refused, Refused)
    assert refused.reason == "no_static_key"
    assert "--to" in refused.message


def test_a_connector_that_is_gone_leaves_the_record_as_it_is() -> None:
    assert resend(record(), {}, {"payments": pin()}, ASKED).record["destination"] == A


TO = Replay(ASKED.id, to="backup", kind="outbox")


def test_to_another_connector() -> None:
    documents = directory(connector(key=ALPHA), connector("backup", key=BETA, dynamic=BY_TEAM, rate_limit=30))
    again = resend(record(), documents, {"payments": pin()}, TO)
    assert (again.record["destination"], again.record["connector"], again.record["limit"]) == (B, "backup", 30)
    assert again.record["why"] == {"chosen": "fields.integrationKey", "passed_over": [], "pinned": False}
    # Under the connector that the incident's inputs go on naming.
    assert again.holder == "payments"
    assert again.pin is not None
    assert (again.pin.destination, again.pin.connector) == (B, "payments")


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ([], "unknown_connector"),
        ([connector("backup", kind="PAGERDUTY_INCIDENTS")], "unsupported_connector"),
        ([connector("backup", key=None, dynamic=BY_TEAM)], "no_static_key"),
        ([connector("backup", key="too short")], "no_static_key"),
    ],
    ids=["unknown", "other type", "template", "no key"],
)
def test_to_a_connector_that_cannot_take_it(documents: list[Any], reason: str) -> None:
    refused = readdress(record(), directory(*documents), {"payments": pin()}, TO)
    assert isinstance(refused, Refused)
    assert refused.reason == reason


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_acknowledge_and_resolve_follow_the_pin(action: str) -> None:
    again = resend(record(action, chosen="pin"), directory(connector(key=BETA)), {"payments": pin(B)}, ASKED)
    assert (again.record["destination"], again.record["routing_key"]) == (B, "sealed-pin")
    assert again.pin is None


def test_an_incident_that_is_over_is_not_opened_again() -> None:
    pins = {"payments": pin(open=False, newest=6)}
    documents = directory(connector(key=BETA))
    assert isinstance(readdress(record(), documents, pins, ASKED), MovedOn)
    forced = resend(record(), documents, pins, Replay(ASKED.id, force=True, kind="outbox"))
    assert forced.pin is not None
    assert (forced.pin.open, forced.pin.seen) == (True, seen({"alerts/0": 6}, 1))
    assert forced.record["replay"] == {"id": ASKED.id, "force": True}


def test_an_incident_that_lives_elsewhere_by_now_is_left_alone() -> None:
    pins = {"payments": pin(destination_id(FALLBACK), newest=9)}
    assert isinstance(readdress(record(), directory(connector(key=BETA)), pins, ASKED), MovedOn)


def test_done_again_after_a_crash_it_gives_the_same() -> None:
    documents = directory(connector(key=BETA))
    first = resend(record(), documents, {"payments": pin()}, ASKED)
    assert first.pin is not None
    again = resend(record(), documents, {"payments": first.pin}, ASKED)
    assert (again.record, again.pin) == (first.record, None)


def test_a_pin_that_was_forgotten_is_made_anew() -> None:
    again = resend(record(), directory(connector(key=ALPHA)), {}, ASKED)
    assert again.pin == Pin(A, "sealed-alpha", "payments", True, seen({"alerts/0": 5}, 1), "alerts/0", 120)


def test_after_a_replay_to_another_connector_the_pin_is_found_by_its_destination() -> None:
    dead_again = record(connector="backup", destination=B)
    again = resend(dead_again, directory(connector("backup", key=BETA)), {"payments": pin(B)}, ASKED)
    assert (again.holder, again.pin) == ("payments", None)
