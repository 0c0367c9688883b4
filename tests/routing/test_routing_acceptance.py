"""The acceptance bars that the routing core alone can show: routing by team, Cases and alerts apart, pins."""

from __future__ import annotations

from typing import Any

import pytest
from routing_story import ALPHA, BETA, BY_TEAM, CASES, FALLBACK, OTHERS, Route, alert, case, connector, directory


def as_object(team: str) -> object:
    return {"team_name": team}


def as_list(team: str) -> object:
    return [{"keyValues": {"host": "server1"}}, {"priority": "P2", "keyValues": {"team_name": team}}]


def as_object_of_groups(team: str) -> object:
    return {"server1": {"priority": "P2", "keyValues": {"team_name": team}}}


@pytest.mark.parametrize("shape", [as_object, as_list, as_object_of_groups])
@pytest.mark.parametrize(("team", "key"), [("alpha", ALPHA), ("beta", BETA), ("gamma", OTHERS), ("", OTHERS)])
def test_the_published_template_routes_by_team(shape: Any, team: str, key: str) -> None:
    route = Route(connector(dynamic=BY_TEAM))
    event = alert(groups=shape(team))
    assert route.key(event) == key
    assert route.pins["payments"].to_json()["routing_key"] == "sealed:" + key


@pytest.mark.parametrize("groups", [[], {}, [{"keyValues": {"host": "server1"}}], None])
def test_without_a_team_the_static_key_is_used_and_the_decision_says_why(groups: object) -> None:
    send = Route(connector(dynamic=BY_TEAM)).send(alert(groups=groups))
    assert send.token == "sealed:" + FALLBACK
    assert send.why.chosen == "fields.integrationKey"
    (passed_over,) = send.why.passed_over
    assert passed_over.candidate == "fields.dynamicintegrationKey"
    assert passed_over.reason.startswith("the event lacks what the template needs: ")
    assert send.why.to_json()["passed_over"][0]["candidate"] == "fields.dynamicintegrationKey"


def test_a_case_and_an_alert_go_to_two_keys_through_one_connector() -> None:
    both = connector(dynamic=BY_TEAM, cases={"integrationKey": CASES})
    # A Case has no `alert`, so the dynamic key fails for it, and its own static key comes before the general one.
    assert Route(both).key(case()) == CASES
    assert Route(both).key(alert(groups={"team_name": "alpha"})) == ALPHA


def test_a_resolve_goes_where_its_trigger_went_after_the_document_changed() -> None:
    route = Route(connector(dynamic=BY_TEAM))
    assert route.key(alert("trigger", offset=1, groups={"team_name": "alpha"})) == ALPHA
    route.connectors = directory(connector(key=BETA))
    assert route.key(alert("trigger", offset=2, groups={"team_name": "beta"})) == ALPHA
    resolve = route.send(alert("resolve", offset=3, groups=[]))
    assert resolve.token == "sealed:" + ALPHA
    assert resolve.why.to_json() == {"chosen": "pin", "passed_over": [], "pinned": True, "revision": 0}
    assert route.key(alert("trigger", offset=4)) == BETA


def test_a_resolve_goes_where_its_trigger_went_after_the_connector_is_gone() -> None:
    route = Route(connector(key=ALPHA, rate_limit=10))
    route.take(alert("trigger", offset=1, connectors=["payments"]))
    route.connectors = directory(connector("another", key=BETA))
    for named in (["payments"], []):
        resolve = route.send(alert("resolve", offset=2, connectors=named))
        assert (resolve.token, resolve.connector_id, resolve.limit) == ("sealed:" + ALPHA, "payments", 10)
