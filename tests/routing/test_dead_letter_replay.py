"""An input of the dead letters, decided anew: by the documents of now, beside what newer inputs have done since."""

from __future__ import annotations

from dataclasses import replace

import pytest
from routing_story import ALPHA, BETA, FALLBACK, WRITTEN, Route, alert, connector, directory, documents, seen

from streams.documents.secrets import destination_id
from streams.routing import Pin, Reject, Send, Skip
from streams.routing.replay import Replay, decide_replay, holders

ASKED = Replay("alerts/0/5@-")


def test_what_was_refused_goes_by_the_documents_of_now_and_pins() -> None:
    event = alert(offset=5)
    (refused,) = decide_replay(event, documents(), {}, ASKED)
    assert isinstance(refused, Reject)
    (send,) = decide_replay(event, documents([connector()]), {}, ASKED)
    assert isinstance(send, Send)
    assert (send.destination, send.reason) == (destination_id(FALLBACK), "new_pin")
    assert send.pin is not None
    assert send.pin.seen == seen({"alerts/0": 5})


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_it_is_pointless_when_a_newer_trigger_went_through_the_connector(action: str) -> None:
    route = Route(connector())
    route.send(alert(offset=6))
    (skip,) = decide_replay(replace(alert(offset=5), action=action), documents(route.connectors), route.pins, ASKED)
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.silent, skip.pin_after) == ("moved_on", False, None)


def test_forced_it_goes_to_the_open_incident_and_takes_nothing_back() -> None:
    route = Route(connector())
    route.send(alert(offset=6))
    (send,) = decide_replay(alert(offset=5), documents(route.connectors), route.pins, replace(ASKED, force=True))
    assert isinstance(send, Send)
    assert (send.reason, send.pin, send.pin_after) == ("pinned", None, None)


def test_forced_it_opens_a_closed_incident_and_takes_nothing_back() -> None:
    route = Route(connector())
    route.send(alert(offset=6))
    route.send(alert("resolve", offset=7))
    (send,) = decide_replay(alert(offset=5), documents(route.connectors), route.pins, replace(ASKED, force=True))
    assert isinstance(send, Send)
    assert send.pin is not None
    assert (send.pin.open, send.pin.seen, send.pin.by, send.pin_after) == (
        True,
        seen({"alerts/0": 7}),
        "alerts/0",
        None,
    )


def test_another_connector_stands_in_for_those_that_the_event_names() -> None:
    connectors = directory(connector("backup", key=BETA), connector("other", key=ALPHA))
    event = alert(offset=5, connectors=["gone"])
    asked = replace(ASKED, to="backup")
    (send,) = decide_replay(event, documents(connectors), {}, asked)
    assert isinstance(send, Send)
    assert send.destination == destination_id(BETA)
    assert holders(event, {}, "backup") == ("gone",)
    # With the pin kept there, the resolve that names the connector which is gone follows.
    assert send.pin is not None
    route = Route(*connectors.values())
    route.pins = {"gone": replace(send.pin, connector="gone")}
    assert route.send(alert("resolve", offset=6, connectors=["gone"])).destination == destination_id(BETA)


def test_connectors_that_hold_the_incident_keep_their_own_pin() -> None:
    route = Route(connector("payments"))
    route.send(alert(offset=1, connectors=["payments"]))
    event = alert(offset=5, connectors=["payments", "gone"])
    assert holders(event, route.pins, "backup") == ("gone",)
    assert holders(alert(offset=5), route.pins, "backup") == ("backup",)


def test_to_another_connector_it_is_pointless_too_when_the_incident_has_moved_on() -> None:
    route = Route(connector("payments"), connector("backup", key=BETA))
    route.send(alert(offset=6, connectors=["payments"]))
    asked = replace(ASKED, to="backup")
    (skip,) = decide_replay(alert(offset=5, connectors=["payments"]), documents(route.connectors), route.pins, asked)
    assert isinstance(skip, Skip)
    (send,) = decide_replay(
        alert(offset=5, connectors=["payments"]), documents(route.connectors), route.pins, replace(asked, force=True)
    )
    assert isinstance(send, Send)
    assert send.destination == destination_id(BETA)


def test_decided_again_after_a_crash_it_is_sent_again() -> None:
    known = documents([connector()])
    event = alert(offset=5)
    (send,) = decide_replay(event, known, {}, ASKED)
    assert isinstance(send, Send)
    assert send.pin is not None
    written: dict[str, Pin] = {"payments": replace(send.pin, routing_key_token="sealed")}
    (again,) = decide_replay(event, known, written, ASKED)
    assert isinstance(again, Send)
    assert (again.destination, again.token) == (send.destination, "sealed")


def test_the_header_can_be_read_back_and_an_old_one_is_an_inputs() -> None:
    asked = Replay("x", True, "backup", "outbox")
    assert Replay.from_json(asked.to_json()) == asked
    assert Replay.from_json({"id": "x", "force": False, "to": None}) == Replay("x")
    assert asked.mark == {"id": "x", "force": True}


def test_an_input_of_a_topic_that_was_made_anew_is_newer_than_what_the_old_one_had() -> None:
    route = Route(connector())
    route.send(alert(offset=6))
    (send,) = decide_replay(alert(offset=5, timestamp=WRITTEN + 1), documents(route.connectors), route.pins, ASKED)
    assert isinstance(send, Send)
