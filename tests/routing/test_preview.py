"""A preview tells what is decided, in full and without a key, and what other documents would change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_story import (
    ALPHA,
    BETA,
    FALLBACK,
    Route,
    account_connector,
    alert,
    alert_document,
    case,
    connector,
    documents,
    integration,
    router,
    rule,
)

from streams.documents.options import Options
from streams.documents.preset import Preset
from streams.documents.router import Target
from streams.documents.secrets import mask
from streams.events import Event
from streams.pagerduty.body import event_body
from streams.routing import Send, decide, outbox_record
from streams.routing.age import TooOld
from streams.routing.preview import preview, with_documents
from streams.routing.previewed import Difference, differences

A, B = connector("a", key=ALPHA), connector("b", key=BETA)


def labelled(team: str = "payments") -> Event:
    document = alert_document()
    document["alertDef"]["entityLabels"] = {"routing.team": team, "routing.environment": "production"}
    return alert(document=document)


def test_the_request_is_what_would_be_sent_with_its_key_masked() -> None:
    event = labelled()
    snapshot = documents([A], routers=[router("r", rule("true", "a"))], revision=17)
    (send,) = decide(event, snapshot, {})
    assert isinstance(send, Send)
    shown = preview(event, snapshot, {})
    (one,) = shown.outcomes
    assert one.request is not None
    assert one.request.body == event_body(outbox_record(event, send, "token"), mask(ALPHA))
    assert (one.request.method, one.request.url) == ("POST", "https://events.pagerduty.com/v2/enqueue")
    assert (one.outcome, one.connector, one.destination, shown.sends) == ("send", "a", send.destination, True)
    assert one.why == send.why.to_json()
    assert (shown.incident, shown.action, shown.revision) == (event.incident, "trigger", 17)


def test_every_rule_is_told_with_what_its_condition_says() -> None:
    rules = [
        rule("alert.highestPriority == 'P1'", "a", name="P1"),
        rule("alert.highestPriority == 'P2'", "b", name="P2"),
        rule("alertDef.entityLabels.region == 'EU'", "b", name="EU"),
        rule("alertDef.name", "b", name="broken"),
        rule("true", "b", entity="cases", name="of cases"),
    ]
    shown = preview(labelled(), documents([A, B], routers=[router("r", *rules)]), {})
    (one,) = shown.routers
    assert [(seen.name, seen.outcome) for seen in one.rules] == [
        ("P1", "true"),
        ("P2", "false"),
        ("EU", "missing"),
        ("broken", "invalid"),
    ]
    assert one.rules[2].missing == "alertDef.entityLabels.region"
    assert "true or false" in one.rules[3].reason
    assert (one.matches, one.used, one.rules[0].targets) == (True, False, ("a",))


def test_routers_that_nearly_match_are_told_with_what_is_lacking_and_the_rest_counted() -> None:
    routers = [
        router("match", rule("false", "a"), fallback={"alerts": (Target("b"),)}),
        router("near", rule("true", "a"), labels={"environment": "production", "team": "search"}),
        router("far", rule("true", "a"), labels={"team": "search"}),
        router("off", rule("true", "a"), disabled=True),
    ]
    shown = preview(labelled(), documents([A, B], routers=routers), {})
    assert [(one.id, one.lacking) for one in shown.routers] == [("match", ()), ("near", ("team",))]
    assert (shown.others, shown.routers[0].used, shown.routers[0].fallback) == (1, True, ("b",))
    assert shown.labels == {"team": ("payments",), "environment": ("production",)}
    assert shown.asked


@pytest.mark.parametrize("named", [True, False])
def test_routers_that_are_not_asked_are_told_as_such(named: bool) -> None:
    route = Route(A, routers=[router("r", rule("true", "a"), labels={})])
    route.take(alert(offset=1))
    snapshot = documents(route.connectors, **route.others)
    event = alert("trigger" if named else "resolve", offset=2, connectors=["a"] if named else [])
    shown = preview(event, snapshot, route.pins)
    assert (shown.asked, len(shown.routers)) == (False, 1)


def test_a_connector_may_be_named_in_the_events_place() -> None:
    shown = preview(labelled(), documents([A, B], routers=[router("r", rule("true", "a"))]), {}, connector="b")
    assert [one.connector for one in shown.outcomes] == ["b"]


def test_the_templates_that_were_tried_are_told_with_their_errors() -> None:
    one = Preset("p", "P", "alerts", parent="q", general={"summary": "{{ no }}", "source": "x"})
    parent = Preset("q", "Q", "alerts", subtypes={"metricThresholdMoreThanTriggered": {"summary": "of q"}})
    by = router("r", rule("true", Target("a", "p")))
    (outcome,) = preview(labelled(), documents([A], routers=[by], presets=[one, parent]), {}).outcomes
    assert [(tried.field, tried.preset, tried.layer, tried.error is None) for tried in outcome.tried] == [
        ("summary", "p", "general", False),
        ("summary", "q", "metricThresholdMoreThanTriggered", True),
        ("source", "p", "general", True),
    ]


def test_a_pinned_incident_goes_to_its_pin_whose_key_is_not_known_here() -> None:
    route = Route(A)
    route.send(alert(offset=1))
    (outcome,) = preview(alert("resolve", offset=2), documents([connector("a", key=BETA)]), route.pins).outcomes
    assert outcome.request is not None
    assert outcome.request.body == {"routing_key": "…", "event_action": "resolve", "dedup_key": "checkout/cpu"}
    assert outcome.destination == route.pins["a"].destination


def test_the_url_of_a_connector_with_a_region() -> None:
    eu = replace(A, options=Options(region="eu"))
    for one, url in ((eu, "https://events.eu.pagerduty.com/v2/enqueue"), (A, "http://here:1/v2/enqueue")):
        (outcome,) = preview(labelled(), documents([one]), {}, events_url="http://here:1/").outcomes
        assert outcome.request is not None
        assert outcome.request.url == url


def test_an_account_is_told_the_case() -> None:
    snapshot = documents([account_connector(service="Payments")], integrations=[integration()])
    (outcome,) = preview(case(), snapshot, {}).outcomes
    assert outcome.request is None
    assert outcome.account is not None
    assert (outcome.account["service"], outcome.account["integration"]) == ("Payments", "pd-main")
    assert set(outcome.account) == {"integration", "service", "case", "message", "comment"}


def test_what_is_not_sent_is_told_with_its_reason() -> None:
    skipped = preview(labelled("nobody"), documents([A], routers=[router("r", rule("true", "a"))]), {})
    assert [(one.outcome, one.reason) for one in skipped.outcomes] == [("skip", "no_router_matched")]
    assert not skipped.sends
    rejected = preview(labelled(), documents(), {})
    assert [(one.outcome, one.reason) for one in rejected.outcomes] == [("reject", "no_connector")]
    old = preview(labelled(), documents([A]), {}, too_old=TooOld(2_000_000_000_000, 1_000))
    assert [(one.outcome, one.reason) for one in old.outcomes] == [("skip", "too_old")]
    pending = preview(replace(case(), action=None), documents([A]), {})
    assert [one.reason for one in pending.outcomes] == ["not_yet_active"]


# -- changed documents ------------------------------------------------------------------------------------------------


def changed(*more: Any) -> tuple[Difference, ...]:
    before = documents([A, B], routers=[router("r", rule("true", "a"))], revision=7)
    event = labelled()
    return differences(preview(event, before, {}), preview(event, with_documents(before, more), {}))


def test_no_difference_is_none_though_the_revision_is_another() -> None:
    assert changed(router("other", rule("true", "b"), labels={"team": "search"})) == ()


def test_another_connector_is_one_that_goes_and_one_that_comes() -> None:
    going, coming = changed(router("r", rule("true", "b")))
    assert (going.where, going.after, coming.where, coming.before) == ("connector a", None, "connector b", None)
    assert going.before["outcome"] == coming.after["outcome"] == "send"


def test_another_message_is_told_field_by_field() -> None:
    found = changed(Preset("p", "P", "alerts", general={"summary": "New"}), router("r", rule("true", Target("a", "p"))))
    assert [(one.where, one.before, one.after) for one in found] == [
        ("connector a: why.preset", None, "p"),
        ("connector a: request.body.payload.summary", "CPU usage high (server1, eu)", "New"),
    ]


def test_another_key_is_told_masked() -> None:
    found = {one.where: (one.before, one.after) for one in changed(connector("a", key=FALLBACK[:-3] + "abc"))}
    assert found["connector a: request.body.routing_key"] == ("…0d1", "…abc")


def test_an_apply_of_all_kinds_is_the_next_revision() -> None:
    before = documents([A], revision=7)
    after = with_documents(before, [B, router(), Preset("p", "P", "alerts"), integration()])
    assert (set(after.connectors), set(after.routers), set(after.presets), set(after.integrations)) == (
        {"a", "b"},
        {"payments"},
        {"p"},
        {"pd-main"},
    )
    assert (after.revision, set(before.connectors)) == (8, {"a"})


# -- no key, and JSON, whatever the documents are ---------------------------------------------------------------------

texts = st.sampled_from(
    [ALPHA, f"{{{{ alert['{ALPHA}'] }}}}", f"{{% if true %}}{ALPHA}{{% endif %}}", f"{ALPHA} +", "true", "{{ alert", ""]
)


@settings(max_examples=200, deadline=None)
@given(key=texts, dynamic=texts, condition=texts, of_a_case=st.booleans())
def test_no_key_is_told_and_all_of_it_is_json(key: str, dynamic: str, condition: str, of_a_case: bool) -> None:
    by = router("r", rule(condition, "a", "nobody"), rule(condition, "a", entity="cases"), labels={})
    one = connector("a", key=key, dynamic=dynamic)
    account = account_connector("b", service=key, dynamicservice=dynamic, integration="pd-main")
    snapshot = documents([one, account], routers=[by], integrations=[integration()])
    for name in (None, "a", "b"):
        shown = preview(case() if of_a_case else alert(), snapshot, {}, connector=name)
        assert ALPHA not in orjson.dumps(shown.to_json()).decode()
