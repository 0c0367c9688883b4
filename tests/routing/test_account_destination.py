"""The bi-directional path in route: which service, what the account is told of a Case, and what is kept in the pin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_story import (
    ALPHA,
    Route,
    account_connector,
    alert,
    case,
    case_document,
    connector,
    integration,
    router,
    rule,
)

from streams import contracts
from streams.documents.connector import Entity
from streams.documents.preset import Preset
from streams.documents.router import Target
from streams.documents.secrets import Secret
from streams.events import Action
from streams.routing import Pin, Reject, Send, outbox_record
from streams.routing.age import TooOld


def route(*connectors: Any, **others: Any) -> Route:
    return Route(*(connectors or (account_connector(service="Payments"),)), integrations=[integration()], **others)


def record(send: Send, event: Any) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(orjson.dumps(outbox_record(event, send, send.token or "")))
    assert contracts.problem("pagerduty-outbox", made) is None
    return made


def asked(event: Any, *connectors: Any, **others: Any) -> dict[str, Any]:
    return record(route(*connectors, **others).send(event), event)


# -- where ------------------------------------------------------------------------------------------------------------


def test_the_whole_record() -> None:
    event = case(offset=42, caseDetailUrl="https://example.com/#/cases/CASE-9b7e12")
    made = record(route(revision=17).send(event), event)
    body = made["message"].pop("body")
    assert body.startswith("Error rate > 5% for 10 minutes\n\nCase: https://example.com/#/cases/CASE-9b7e12\n")
    assert made == {
        "v": 1,
        "incident": "case:CASE-9b7e12",
        "dedup_key": "CASE-9b7e12",
        "destination": "account:pd-main",
        "connector": "cases",
        "limit": 960,
        "action": "trigger",
        "integration": "pd-main",
        "service": "Payments",
        "case": {
            "id": "CASE-9b7e12",
            "status": "OPEN",
            "title": "High error rate in payments API",
            "priority": "P2",
            "url": "https://example.com/#/cases/CASE-9b7e12",
            "updated_at": None,
            "resolution": None,
        },
        "message": {"title": "High error rate in payments API", "urgency": None, "priority": "P2"},
        "comment": None,
        "source": {
            "topic": "cases",
            "partition": 0,
            "offset": 42,
            "timestamp": 1_756_813_400_000,
            "key": "CASE-9b7e12",
        },
        "why": {
            "chosen": "fields.service",
            "passed_over": [],
            "pinned": False,
            "service": "Payments",
            "revision": 17,
        },
        "render_errors": {},
    }


@pytest.mark.parametrize(
    ("fields", "overrides", "service", "chosen"),
    [
        ({"service": "PABC123"}, {}, "PABC123", "fields.service"),
        ({"service": "Static", "dynamicservice": " {{ case.category }} \n"}, {}, "AVAILABILITY",
         "fields.dynamicservice"),
        ({"service": "Static", "dynamicservice": "{{ case.missing }}"}, {}, "Static", "fields.service"),
        ({"service": "Static", "dynamicservice": "{% if false %}x{% endif %}"}, {}, "Static", "fields.service"),
        ({"service": "Static", "dynamicservice": "Plain"}, {}, "Plain", "fields.dynamicservice"),
        ({"service": "Static"}, {"service": "{{ case.category }}"}, "AVAILABILITY", "overrides.cases.service"),
        ({"service": "Static"}, {"service": "Own"}, "Own", "overrides.cases.service"),
        ({"dynamicservice": "{{ case.category }}"}, {"service": "Own"}, "AVAILABILITY", "fields.dynamicservice"),
    ],
)  # fmt: skip
def test_the_dynamic_service_comes_before_the_service(
    fields: dict[str, str], overrides: dict[str, str], service: str, chosen: str
) -> None:
    one = account_connector(**fields)
    own: dict[Entity, dict[str, Secret]] = {"cases": {name: Secret(text) for name, text in overrides.items()}}
    send = route(replace(one, overrides=own)).send(case())
    assert send.ask is not None
    assert (send.ask.service, send.why.chosen) == (service, chosen)


@pytest.mark.parametrize("text", ["", "a\nb", "x" * 256, ALPHA])
def test_what_cannot_be_a_service_is_passed_over(text: str) -> None:
    refused = route(account_connector(dynamicservice="{{ case.name }}", service=" ")).reject(case(name=text))
    assert (refused.reason, refused.connector_id) == ("no_destination", "cases")
    assert refused.why is not None
    assert refused.why.passed_over
    assert ALPHA not in refused.message


def test_an_unknown_integration_is_a_dead_letter_that_names_the_known_ones() -> None:
    refused = route(account_connector(integration="pd-test", service="Payments")).reject(case())
    assert (refused.reason, refused.connector_id) == ("unknown_integration", "cases")
    assert "pd-test" in refused.message
    assert "pd-main" in refused.message
    missing = Route(account_connector(service="Payments")).reject(case())
    assert missing.reason == "unknown_integration"


def test_the_limit_is_the_integrations() -> None:
    limited = Route(account_connector(service="P"), integrations=[integration(rate_limit=300)])
    assert limited.send(case()).limit == 300


# -- the pin ----------------------------------------------------------------------------------------------------------


def test_the_service_is_pinned_for_the_incidents_life() -> None:
    story = route(account_connector(dynamicservice="{{ case.category }}"))
    story.send(case(offset=1))
    pin = story.pins["cases"]
    assert (pin.destination, pin.service, pin.routing_key_token, pin.open) == (
        "account:pd-main",
        "AVAILABILITY",
        "",
        True,
    )
    assert Pin.from_json(orjson.loads(orjson.dumps(pin.to_json()))) == pin
    actions: list[Action] = ["trigger", "acknowledge", "resolve"]
    for offset, action in enumerate(actions, start=2):
        event = case(action, offset=offset, category="SECURITY")
        made = record(story.send(event), event)
        assert (made["service"], made["why"]["pinned"], made["action"]) == ("AVAILABILITY", True, action)
    assert not story.pins["cases"].open
    event = case(offset=6, category="SECURITY")
    assert record(story.send(event), event)["service"] == "SECURITY", "a new life chooses anew"


def test_an_end_goes_to_the_pinned_service_when_connector_and_integration_are_gone() -> None:
    story = route()
    story.send(case(offset=1))
    story.connectors, story.others["integrations"] = {}, []
    event = case("resolve", offset=2, status="RESOLVED", state="RESOLVED")
    made = record(story.send(event), event)
    assert (made["destination"], made["service"], made["case"]["status"]) == ("account:pd-main", "Payments", "RESOLVED")


def test_two_connectors_of_one_account_ask_it_once() -> None:
    both = account_connector("x", service="One"), account_connector("y", service="Two")
    first, second = route(*both, routers=[router("r", rule("true", "x", "y", entity="cases"), labels={})]).take(case())
    assert isinstance(first, Send)
    assert getattr(second, "reason", None) == "same_destination"


def test_a_case_may_go_both_ways_at_once() -> None:
    by_router = router("r", rule("true", "cases", "key", entity="cases"), labels={})
    story = route(account_connector(service="P"), connector("key", key=ALPHA), routers=[by_router])
    decisions = story.take(case(offset=1))
    assert [one.destination[:4] for one in decisions if isinstance(one, Send)] == ["acco", "key:"]
    ended = story.take(case("resolve", offset=2))
    assert len([one for one in ended if isinstance(one, Send)]) == 2


def test_an_alert_is_skipped() -> None:
    by_router = router("r", rule("true", "cases"), labels={})
    skip = route(account_connector(service="P"), routers=[by_router]).skip(alert())
    assert (skip.reason, skip.connector_id) == ("wrong_entity", "cases")
    assert skip.why is not None
    assert (skip.why.router, skip.why.rule) == ("r", "rule true")


# -- what it is told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": "OPEN"}, "OPEN"),
        ({"status": "ACTIVE"}, "OPEN"),
        ({"status": "ACKNOWLEDGED"}, "ACKNOWLEDGED"),
        ({"status": "RESOLVED"}, "RESOLVED"),
        ({"status": "CLOSED", "state": "RESOLVED"}, "CLOSED"),
        ({"status": "OPEN", "state": "RESOLVED"}, "RESOLVED"),
    ],
)
def test_the_status_of_the_case(fields: dict[str, str], status: str) -> None:
    assert asked(case(**fields))["case"]["status"] == status


def happening(data: Any, actor: Any = None, **case_fields: Any) -> Any:
    document = case_document(**case_fields)
    document["caseEvent"] = {
        "eventId": "ev-9",
        "eventTime": "2025-09-02T12:20:00Z",
        "actor": actor,
        "eventData": data,
    }
    return case(document=document, offset=5)


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ({"commentId": "c-1", "text": "Rolling back"}, ("c-1", "Rolling back")),
        ({"id": "c-2", "comment": " two\nlines \x07"}, ("c-2", "two\nlines")),
        ({"content": "no id"}, ("ev-9", "no id")),
        ("bare", ("ev-9", "bare")),
    ],
)
def test_a_comment_goes_with_the_record(comment: Any, expected: tuple[str, str]) -> None:
    made = asked(happening({"comment": comment}, {"user": {"userEmail": "ada@example.com"}}))
    assert (made["comment"]["id"], made["comment"]["text"]) == expected
    assert (made["comment"]["author"], made["comment"]["at"]) == ("ada@example.com", "2025-09-02T12:20:00.000Z")
    assert made["action"] == "trigger", "and the state of the Case as it is"


@pytest.mark.parametrize("comment", [None, {}, {"text": " \u200b "}, {"text": ["x"]}, []])
def test_a_comment_without_words_is_none(comment: Any) -> None:
    assert asked(happening({"comment": comment}))["comment"] is None


def test_a_comment_of_pagerduty_does_not_go_back() -> None:
    actor = {"pagerDuty": {"pagerDutyUserId": "PABC", "displayName": "Ada"}}
    assert asked(happening({"comment": {"commentId": "c-1", "text": "from there"}}, actor))["comment"] is None


def test_a_comment_on_a_resolved_case_still_goes() -> None:
    story = route()
    story.send(case(offset=1))
    story.send(case("resolve", offset=2, status="RESOLVED", state="RESOLVED"))
    event = happening({"comment": {"commentId": "c-3", "text": "afterwards"}}, status="RESOLVED", state="RESOLVED")
    made = record(story.send(replace(event, action="resolve")), event)
    assert (made["comment"]["text"], made["service"]) == ("afterwards", "Payments")


def test_a_comment_on_the_service_key_path_is_a_repeat_of_the_state() -> None:
    send = Route(connector(key=ALPHA)).send(happening({"comment": {"text": "x"}}))
    assert (send.ask, send.action, send.payload is not None) == (None, "trigger", True)


@pytest.mark.parametrize(
    ("details", "data", "actor", "expected"),
    [
        ({"resolvedBy": "USER", "reason": "Rolled back"}, None, None, {"by": "USER", "note": "Rolled back"}),
        ({"resolvedBy": "USER"}, None, None, {"by": "USER", "note": None}),
        ({"resolvedBy": "USER", "reason": "Rolled back"}, {"statusChanged": {}}, {"user": {"displayName": "Ada"}},
         {"by": "Ada", "note": "Rolled back"}),
        ({"resolvedBy": {"user": {"userEmail": "ada@example.com"}}}, None, None,
         {"by": "ada@example.com", "note": None}),
        ({"resolvedBy": "USER", "reason": "old"}, {"resolutionReasonChangedEvent": {"from": "old", "to": "new"}},
         None, {"by": "USER", "note": "new"}),
        ({"resolvedBy": "PAGER_DUTY", "reason": "theirs"}, None, None, {"by": "PAGER_DUTY", "note": None}),
        ({"resolvedBy": {"pagerDuty": {"displayName": "Ada"}}, "reason": "theirs"}, None, None,
         {"by": "PAGERDUTY", "note": None}),
        ({"reason": "theirs"}, {"statusChanged": {}}, {"pagerDuty": {}}, None),
        (None, None, None, None),
        ({}, None, None, None),
    ],
)  # fmt: skip
def test_the_resolution_and_its_note(details: Any, data: Any, actor: Any, expected: Any) -> None:
    made = asked(happening(data, actor, resolutionDetails=details, status="RESOLVED", state="RESOLVED"))
    assert made["case"]["resolution"] == expected


def test_a_refusal_of_one_connector_stops_no_other() -> None:
    by_router = router("r", rule("true", "broken", "cases", entity="cases"), labels={})
    broken = account_connector("broken", integration="gone", service="P")
    first, second = route(broken, account_connector(service="P"), routers=[by_router]).take(case())
    assert isinstance(first, Reject)
    assert isinstance(second, Send)


# -- whatever the document holds --------------------------------------------------------------------------------------

NAMES = ["entityLabels", "routing.team", "team", "entitySubType", "timestamp", "groups", "details", "$type", "name",
         "title", "description", "casePriority", "caseDetailUrl", "updatedAt", "createdAt", "resolutionDetails",
         "resolvedBy", "reason", "eventData", "comment", "text", "id", "actor", "pagerDuty", "eventTime",
         "state"]  # fmt: skip
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
documents_of_junk = st.fixed_dictionaries(
    {}, optional={name: junk for name in ("_context", "alert", "alertDef", "case", "caseEvent")}
)


@settings(max_examples=400, deadline=None)
@given(document=documents_of_junk, action=st.sampled_from(["trigger", "acknowledge", "resolve"]), a_case=st.booleans())
def test_no_document_stops_routers_presets_and_ages(document: dict[str, Any], action: Action, a_case: bool) -> None:
    templates = {"title": "{{ case.title }}", "body": "{{ get_context() | json_encode }}", "priority": "{{ case.id }}"}
    by = router(
        "r",
        rule("case.title == 'x'", "cases", entity="cases"),
        rule("alertDef.name is containing('x')", "key"),
        labels={},
        fallback={"cases": (Target("cases", "p"), Target("key")), "alerts": (Target("key"), Target("cases"))},
    )
    story = route(
        account_connector(dynamicservice="{{ case.title }}", service="S"),
        connector("key", key=ALPHA),
        routers=[by, router("s", rule("true", "key"), labels={"team": "payments"})],
        presets=[Preset("p", "P", "cases", "PAGERDUTY_INCIDENTS", general=templates)],
    )
    story.too_old = TooOld(1_764_100_000_000, 10**15, "document")
    # As read: an event has an identity, whatever else its document lacks.
    known = document.get("case")
    document["case"] = {**(known if isinstance(known, dict) else {}), "id": "CASE-9b7e12", "status": "OPEN"}
    event = case(action, document=document) if a_case else alert(action, document=document)
    for decision in story.take(event):
        if isinstance(decision, Send):
            token = "gAAAAA" + "x" * 20 if decision.ask is None else ""
            made = orjson.loads(orjson.dumps(outbox_record(event, decision, token)))
            assert contracts.problem("pagerduty-outbox", made) is None
