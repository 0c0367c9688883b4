"""Routers: labels, conditions, fallbacks, and what they mean for an incident that is open already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from routing_story import (
    ALPHA,
    BETA,
    FALLBACK,
    WRITTEN,
    Route,
    alert,
    alert_document,
    case,
    case_document,
    connector,
    documents,
    router,
    rule,
)

from streams.documents.router import DEFAULT_ROUTER, Router, Target
from streams.documents.snapshot import Record, Unreadable
from streams.events import Event, Source, read_event
from streams.routing import Reject, Send, Skip, decide
from streams.routing.routers import at_work

A, B = connector("a", key=ALPHA), connector("b", key=BETA)
C = connector("c", key=FALLBACK)


def labelled(labels: Any, *, context: Any = None, **alert_fields: Any) -> Event:
    """An alert whose definition has these labels; `context`: those of `_context`."""
    document = alert_document(**alert_fields)
    document["alertDef"]["entityLabels"] = labels
    document["_context"]["entityLabels"] = context
    return alert(document=document)


def reached(event: Event, *routers: Router) -> list[str]:
    """The connectors that an event goes to, in order."""
    decisions = decide(event, documents([A, B, C], routers=routers), {})
    return [one.connector_id for one in decisions if isinstance(one, Send)]


PAYMENTS = {"routing.team": "payments"}


# -- labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "context", "matches"),
    [
        (PAYMENTS, None, True),
        ({**PAYMENTS, "other": "x", "routing.service": "ledger"}, None, True),
        (None, PAYMENTS, True),
        ({"routing.team": "search"}, PAYMENTS, True),  # either source may give it
        ({"routing.team": "search"}, None, False),
        ({"routing.team": "Payments"}, None, False),
        ({"routing.service": "payments"}, None, False),
        ({}, {}, False),
        ("payments", ["payments"], False),
        (None, {"routing.team": ["search", "payments"]}, True),
        (None, {"routing.team": []}, False),
        (None, {"team": "payments"}, True),  # for producers that know no prefixes
        ({"team": "payments"}, {"routing.team": "search"}, False),  # the prefix counts where there is one
        ({"routing.team": {"deep": "payments"}}, None, False),
        ({"routing.team": 7}, None, False),
    ],
)
def test_a_router_matches_by_its_labels(labels: Any, context: Any, matches: bool) -> None:
    assert reached(labelled(labels, context=context), router("r", rule("true", "a"))) == (["a"] if matches else [])


def test_all_labels_must_match_and_more_may_be_there() -> None:
    both = router("r", rule("true", "a"), labels={"team": "payments", "environment": "production"})
    assert reached(labelled(PAYMENTS), both) == []
    assert reached(labelled({**PAYMENTS, "routing.environment": "production"}), both) == ["a"]
    assert reached(labelled({"routing.team": "payments", "routing.environment": "staging"}), both) == []


def test_a_number_as_a_label_is_its_text() -> None:
    assert reached(labelled({"routing.team": 7}), router("r", rule("true", "a"), labels={"team": "7"})) == ["a"]


def test_a_case_has_lists_of_values_each_of_which_may_match() -> None:
    document = case_document()
    document["_context"]["entityLabels"] = {"routing.team": ["search", "payments"]}
    event = case(document=document)
    of_cases = router("r", rule("true", "a", entity="cases"))
    of_search = router("s", rule("true", "b", entity="cases"), labels={"team": "search"})
    assert reached(event, of_cases, of_search) == ["a", "b"]


def test_every_router_that_matches_counts_in_the_order_of_ids() -> None:
    default = router(DEFAULT_ROUTER, rule("true", "c"), labels={})
    assert reached(labelled(PAYMENTS), default, router("r", rule("true", "b"))) == ["b", "c"]
    assert reached(labelled({}), default, router("r", rule("true", "b"))) == ["c"]


def test_a_disabled_router_matches_nothing_and_is_still_a_router() -> None:
    off = router("r", rule("true", "a"), disabled=True)
    (skip,) = decide(labelled(PAYMENTS), documents([A], routers=[off]), {})
    assert isinstance(skip, Skip)
    assert skip.reason == "no_router_matched", "and not the only connector: somebody has turned its router off"


# -- rules and fallbacks ----------------------------------------------------------------------------------------------


def test_of_several_ways_to_a_connector_the_first_counts_with_its_words() -> None:
    one = router("r1", rule("true", "a", name="first", by="r1"), rule("true", "a", name="second", by="r1b"))
    other = router("r2", rule("true", "a", name="third", by="r2"))
    (send,) = decide(labelled(PAYMENTS), documents([A], routers=[other, one]), {})
    assert isinstance(send, Send)
    assert send.payload is not None
    assert (send.why.router, send.why.rule, send.payload["custom_details"]["by"]) == ("r1", "first", "r1")


def test_all_rules_that_are_true_send_to_all_their_targets_once() -> None:
    one = router(
        "r",
        rule("alert.highestPriority == 'P1'", "a", "b"),
        rule("alertDef.name is starting_with('CPU')", "b", "c"),
        rule("alertDef.name is starting_with('Disk')", "c"),
    )
    assert reached(labelled(PAYMENTS), one) == ["a", "b", "c"]


def test_the_fallback_is_taken_where_no_rule_is_true() -> None:
    one = router("r", rule("alert.highestPriority == 'P5'", "a"), fallback={"alerts": (Target("b"), Target("c"))})
    assert reached(labelled(PAYMENTS), one) == ["b", "c"]
    assert reached(labelled(PAYMENTS, highestPriority="P5"), one) == ["a"]


def test_a_fallback_is_the_routers_own() -> None:
    first = router("r", rule("true", "a"))
    second = router("s", rule("false", "b"), fallback={"alerts": (Target("c"),)})
    assert reached(labelled(PAYMENTS), first, second) == ["a", "c"]


def test_rules_and_fallbacks_are_for_one_entity_type() -> None:
    one = router(
        "r", rule("true", "a"), rule("true", "b", entity="cases"), fallback={"cases": (Target("c"),)}, labels={}
    )
    assert reached(labelled({}), one) == ["a"]
    assert reached(case(), one) == ["b"]
    only_alerts = router("r", rule("true", "a"), fallback={"alerts": (Target("c"),)}, labels={})
    (skip,) = decide(case(), documents([A, C], routers=[only_alerts]), {})
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.silent) == ("no_rule_matched", False)
    assert "cases" in skip.message
    assert "r" in skip.message


def test_a_missing_variable_makes_a_condition_false_and_not_invalid() -> None:
    one = router("r", rule("alertDef.entityLabels.region == 'EU'", "a"), fallback={"alerts": (Target("b"),)})
    (send,) = decide(labelled(PAYMENTS), documents([A, B], routers=[one]), {})
    assert isinstance(send, Send)
    assert (send.connector_id, send.why.rule, send.why.invalid) == ("b", None, ())


@pytest.mark.parametrize(
    ("condition", "reason"),
    [("alertDef.name", "must be true or false"), ("alert.status ==", "the condition is wrong"), ("1 + 1", "must be")],
)
def test_a_condition_that_is_none_counts_as_false_and_is_told(condition: str, reason: str) -> None:
    one = router("r", rule(condition, "a", name="broken"), rule("true", "b"))
    (send,) = decide(labelled(PAYMENTS), documents([A, B], routers=[one]), {})
    assert isinstance(send, Send)
    assert send.connector_id == "b"
    (told,) = send.why.to_json()["invalid"]
    assert (told["router"], told["rule"]) == ("r", "broken")
    assert reason in told["reason"]
    (skip,) = decide(labelled(PAYMENTS), documents([A], routers=[router("r", rule(condition, "a"))]), {})
    assert isinstance(skip, Skip)
    assert "cannot be judged" in skip.message


def test_a_key_in_a_condition_is_not_repeated() -> None:
    one = router("r", rule(f"alert[{ALPHA}] ~", "a"), rule(f"{ALPHA} + 1", "a"), fallback={"alerts": (Target("b"),)})
    (send,) = decide(labelled(PAYMENTS), documents([A, B], routers=[one]), {})
    assert isinstance(send, Send)
    assert ALPHA not in str(send.why.to_json())


def test_no_router_matches() -> None:
    (skip,) = decide(labelled({}), documents([A], routers=[router("r", rule("true", "a"))], revision=7), {})
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.silent) == ("no_router_matched", False)
    assert skip.why is not None
    assert skip.why.to_json()["revision"] == 7


def test_a_target_that_is_gone_is_refused_and_the_others_go_out() -> None:
    one = router("r", rule("true", "gone", "a"))
    refused, send = decide(labelled(PAYMENTS), documents([A], routers=[one]), {})
    assert isinstance(refused, Reject)
    assert (refused.reason, refused.connector_id) == ("unknown_connector", "gone")
    assert isinstance(send, Send)


def test_what_is_decided_says_by_which_revision_router_and_rule() -> None:
    one = router("r", rule("true", "a", name="all"), fallback={"alerts": (Target("b"),)})
    two = router("s", rule("false", "b"), fallback={"alerts": (Target("b"),)})
    first, second = decide(labelled(PAYMENTS), documents([A, B], routers=[one, two], revision=17), {})
    assert isinstance(first, Send)
    assert isinstance(second, Send)
    why = first.why.to_json()
    assert (why["revision"], why["router"], why["rule"]) == (17, "r", "all")
    why = second.why.to_json()
    assert (why["revision"], why["router"], "rule" in why) == (17, "s", False)


# -- before and beside the routers ------------------------------------------------------------------------------------


def test_connectors_that_the_event_names_come_before_routers() -> None:
    event = alert(document=alert_document(), connectors=["b"])
    assert reached(event, router("r", rule("true", "a"), labels={})) == ["b"]


def test_an_end_reaches_every_connector_that_holds_the_incident_whatever_routers_say() -> None:
    route = Route(A, B, C, routers=[router("r", rule("true", "a", "b"), labels={})])
    route.take(alert(offset=1))
    route.others["routers"] = [router("r", rule("true", "c"), labels={})]
    ended = route.take(alert("resolve", offset=2))
    assert sorted(one.connector_id for one in ended if isinstance(one, Send)) == ["a", "b"]
    route.others["routers"] = [router("r", rule("true", "c"), labels={"team": "nobody"})]
    late = route.take(alert("resolve", offset=3))
    assert sorted(one.connector_id for one in late if isinstance(one, Send)) == ["a", "b"]


def test_an_end_that_names_one_connector_reaches_the_others_that_hold_the_incident() -> None:
    route = Route(A, B)
    route.take(alert(offset=1, connectors=["a", "b"]))
    ended = route.take(alert("resolve", offset=2, connectors=["b"]))
    assert [one.connector_id for one in ended if isinstance(one, Send)] == ["b", "a"]
    assert not any(pin.open for pin in route.pins.values())


def test_a_repeat_goes_where_the_routers_say_by_now_and_the_end_everywhere() -> None:
    route = Route(A, B, routers=[router("r", rule("true", "a"), labels={})])
    route.take(alert(offset=1))
    route.others["routers"] = [router("r", rule("true", "b"), labels={})]
    assert route.send(alert(offset=2)).connector_id == "b"
    ended = route.take(alert("resolve", offset=3))
    assert sorted(one.connector_id for one in ended if isinstance(one, Send)) == ["a", "b"]


def test_a_repeat_that_no_router_wants_any_more_goes_where_the_incident_is_open() -> None:
    route = Route(A, routers=[router("r", rule("true", "a"), labels={})])
    route.take(alert(offset=1))
    route.others["routers"] = [router("r", rule("true", "a"), labels={"team": "nobody"})]
    assert route.send(alert(offset=2)).why.pinned
    route.take(alert("resolve", offset=3))
    assert route.skip(alert(offset=4)).reason == "no_router_matched"


def test_an_end_of_what_was_never_triggered_here_goes_by_the_routers() -> None:
    route = Route(A, B, routers=[router("r", rule("true", "b"), labels={})])
    assert route.send(alert("resolve", offset=1)).connector_id == "b"


def test_what_an_input_has_pinned_comes_again_after_a_crash_though_routers_have_changed() -> None:
    route = Route(A, B, routers=[router("r", rule("true", "a"), labels={})])
    route.take(alert(offset=1))  # and its record is lost
    route.others["routers"] = [router("r", rule("true", "b"), labels={})]
    again = route.take(alert(offset=1))
    assert sorted(one.connector_id for one in again if isinstance(one, Send)) == ["a", "b"]


# -- how it is found --------------------------------------------------------------------------------------------------


def test_routers_that_have_not_changed_keep_what_was_compiled() -> None:
    kept, changed = router("kept", rule("1 == 1", "a")), router("changed", rule("1 == 1", "a"))
    before = at_work(documents([A], routers=[kept, changed]))
    (of_kept, _) = sorted(before.routers.matching(labelled(PAYMENTS)), key=lambda one: one.router.id, reverse=True)
    after = at_work(documents([A], routers=[kept, router("changed", rule("2 == 2", "a"))]))
    assert any(one is of_kept for one in after.routers.matching(labelled(PAYMENTS)))
    assert at_work(after.snapshot) is after


def test_only_the_routers_of_the_events_labels_are_looked_at() -> None:
    asked: list[str] = []

    class Counted(dict[str, str]):
        """Labels that tell when they are compared."""

        def __init__(self, team: str) -> None:
            super().__init__(team=team, environment="production")
            self.team = team

        def items(self) -> Any:
            asked.append(self.team)
            return super().items()

    many = [router(f"r{number}", rule("true", "a"), labels=Counted(f"team-{number}")) for number in range(500)]
    snapshot = documents([A], routers=many)
    event = labelled({"routing.team": "team-7", "routing.environment": "production"})
    at_work(snapshot)
    asked.clear()
    (send,) = decide(event, snapshot, {})
    assert isinstance(send, Send)
    assert send.why.router == "r7"
    assert asked == ["team-7"]


def test_the_event_tells_its_preset() -> None:
    named = [{"connectorId": "a", "presetId": "p"}, {"connectorId": "b", "presetId": None}]
    value = {"alert": {"groupingKey": "k", "status": "Triggered"}, "destinations": named}
    event = read_event("alert", orjson.dumps(value), Source("alerts", 0, 0, WRITTEN))
    assert isinstance(event, Event)
    assert (event.connectors, event.presets) == (("a", "b"), {"a": "p"})


def test_what_may_be_for_a_router_that_cannot_be_read_is_kept_and_not_sent_elsewhere() -> None:
    problems = {"router/gone": Unreadable("the record is not JSON", "connectors/0/3"), "preset/p": Unreadable("", "")}
    search = router("s", rule("true", "a"), labels={"team": "search"})
    for routers in ([], [search]):
        known = replace(documents([A], routers=routers), problems=problems)
        (reject,) = decide(labelled(PAYMENTS), known, {})
        assert isinstance(reject, Reject)
        assert reject.reason == "unreadable_router"
        assert "gone" in reject.message
    (send,) = decide(labelled({"routing.team": "search"}), known, {})
    assert isinstance(send, Send)
    as_before = replace(documents([A], routers=[router("gone", rule("true", "a"))]), problems=problems)
    (send,) = decide(labelled(PAYMENTS), as_before, {})
    assert isinstance(send, Send), "the record before it is in use"
    held = replace(known, held=(Record(b"router/gone", b"?", "connectors/0/3", "apply", 2),))
    (skip,) = decide(labelled(PAYMENTS), held, {})
    assert isinstance(skip, Skip), "by the revision before it, whole"


def test_a_connector_that_cannot_be_read_may_be_the_one_that_is_meant() -> None:
    known = replace(
        documents([A]), problems={"connector/other": Unreadable("the record is not JSON", "connectors/0/3")}
    )
    (reject,) = decide(alert(), known, {})
    assert isinstance(reject, Reject)
    assert reject.reason == "connector_not_named"
    (send,) = decide(alert(connectors=["a"]), known, {})
    assert isinstance(send, Send)
