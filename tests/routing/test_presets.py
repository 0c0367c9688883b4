"""Presets: which template counts, what becomes of one that fails, and that none of them stops a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from event_checker import faults
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_story import (
    ALPHA,
    account_connector,
    alert,
    case,
    connector,
    documents,
    integration,
    router,
    rule,
)

from streams.documents.preset import Preset, Templates
from streams.documents.router import Target
from streams.documents.system_presets import SYSTEM
from streams.events import Event
from streams.routing import Send, decide, default_message

A = connector("a", key=ALPHA)


def preset(
    name: str = "p", *, parent: str | None = None, subtypes: Mapping[str, Templates] | None = None, **general: str
) -> Preset:
    """A preset for alerts; `klass` stands for `class`."""
    fields = {{"klass": "class"}.get(field, field): text for field, text in general.items()}
    return Preset(name, name.title(), "alerts", parent=parent, general=fields, subtypes=subtypes or {})


def sent(*presets: Preset, event: Event | None = None, use: str | None = "p", **target: Any) -> Send:
    """The decision for an alert that a router sends with preset `use`."""
    to = Target("a", use, target.pop("details", {}))
    by = router("r", rule("true", to, **target), labels={})
    (send,) = decide(event or alert(), documents([A], routers=[by], presets=presets), {})
    assert isinstance(send, Send)
    return send


def said(*presets: Preset, **more: Any) -> dict[str, Any]:
    send = sent(*presets, **more)
    assert send.payload is not None
    return send.payload


SUBTYPE = "metricThresholdMoreThanTriggered"


# -- which template ---------------------------------------------------------------------------------------------------


def test_every_field_of_the_documented_message() -> None:
    payload = said(
        preset(
            summary="{{ alertDef.name | upper }}",
            severity=" Warning\n",
            source="{{ alert.groups[0].keyValues.host }}",
            timestamp="1638403600123",
            component="api",
            group="shop",
            klass="{{ alertDef.type }}",
            customDetails='{"runbook": "{{ alertDef.entityLabels.runbook }}", "n": 1}',
        )
    )
    assert payload == {
        "summary": "CPU USAGE HIGH",
        "severity": "warning",
        "source": "server1",
        "timestamp": "2021-12-02T00:06:40.123Z",
        "component": "api",
        "group": "shop",
        "class": "metricThreshold",
        "custom_details": {
            "runbook": "https://example.com/runbooks/cpu",
            "n": 1,
            "pagerline": {"source": "alerts/0/0"},
        },
    }


def test_what_a_preset_does_not_say_is_the_built_in_message() -> None:
    built_in = default_message(alert())
    payload = said(preset(summary="{{ alertDef.name }}!"))
    assert payload == {**built_in.payload, "summary": "CPU usage high!"}
    send = sent(preset(summary="x"))
    assert (send.client, send.client_url, send.links, send.render_errors) == (
        built_in.client,
        built_in.client_url,
        built_in.links,
        {},
    )


@pytest.mark.parametrize(
    ("presets", "summary"),
    [
        ([preset(summary="general", subtypes={SUBTYPE: {"summary": "subtype"}})], "subtype"),
        ([preset(summary="general", subtypes={"other": {"summary": "subtype"}})], "general"),
        ([preset(subtypes={SUBTYPE: {"summary": "subtype"}})], "subtype"),
        ([preset(parent="q", source="s"), preset("q", summary="parent")], "parent"),
        ([preset(parent="q", summary="own"), preset("q", summary="parent")], "own"),
        ([preset(parent="q", summary="own"), preset("q", subtypes={SUBTYPE: {"summary": "of parent"}})], "own"),
        ([preset(parent="q"), preset("q", parent="r"), preset("r", summary="grandparent")], "grandparent"),
        ([preset(parent="gone", summary="own")], "own"),
        ([preset(parent="p", summary="own")], "own"),
        ([preset(parent="q", source="s"), preset("q", parent="p", summary="round")], "round"),
    ],
)
def test_custom_over_parent_and_subtype_over_general(presets: list[Preset], summary: str) -> None:
    assert said(*presets)["summary"] == summary


def test_the_preset_of_the_event_goes_with_its_connector() -> None:
    event = replace(alert(connectors=["a"]), presets={"a": "p"})
    (send,) = decide(event, documents([A], presets=[preset(summary="named")]), {})
    assert isinstance(send, Send)
    assert send.payload is not None
    assert (send.payload["summary"], send.why.preset) == ("named", "p")


def test_two_targets_of_one_event_may_say_different_things() -> None:
    by = router("r", rule("true", Target("a", "p"), Target("b", "q"), Target("c")), labels={})
    connectors = [connector(name, key=f"{name}" * 32) for name in "abc"]
    presets = [preset(summary="of p"), preset("q", summary="of q")]
    sends = decide(alert(), documents(connectors, routers=[by], presets=presets), {})
    assert [one.payload["summary"] for one in sends if isinstance(one, Send) and one.payload] == [
        "of p",
        "of q",
        "CPU usage high (server1, eu)",
    ]
    assert [one.why.preset for one in sends if isinstance(one, Send)] == ["p", "q", None]


# -- what fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "template", "error"),
    [
        ("summary", "{{ alertDef.nmae }}", "lacks"),
        ("summary", "{{ alertDef.name", "template is wrong"),
        ("summary", " \n ", "renders to nothing"),
        ("source", "{% if false %}x{% endif %}", "renders to nothing"),
        ("severity", "fatal", "none of critical"),
        ("timestamp", "yesterday", "no point in time"),
        ("customDetails", "{not json}", "no JSON"),
        ("customDetails", "[1, 2]", "a list, not an object"),
        ("customDetails", "{{ alert.nothing }}", "lacks"),
        ("component", "{{ alert.nothing }}", "lacks"),
    ],
)
def test_a_field_that_fails_is_the_built_in_one_and_the_error_travels(field: str, template: str, error: str) -> None:
    name = {"customDetails": "custom_details"}.get(field, field)
    send = sent(preset(**{field: template}))
    assert send.payload == default_message(alert()).payload
    assert send.why.preset == "p"
    assert list(send.render_errors) == [name]
    assert send.render_errors[name].startswith("p: ")
    assert error in send.render_errors[name]


def test_a_field_that_fails_is_the_parents_before_it_is_the_built_in_one() -> None:
    send = sent(preset(parent="q", summary="{{ missing }}"), preset("q", summary="of the parent"))
    assert send.payload is not None
    assert send.payload["summary"] == "of the parent"
    assert "missing" in send.render_errors["summary"]


def test_an_optional_field_may_be_emptied() -> None:
    assert default_message(alert()).payload["class"] == "metricThreshold"
    send = sent(preset(klass=""))
    assert send.payload is not None
    assert "class" not in send.payload
    assert send.render_errors == {}


def test_details_that_render_to_nothing_are_none_but_where_it_came_from() -> None:
    assert said(preset(customDetails=" "))["custom_details"] == {"pagerline": {"source": "alerts/0/0"}}


@pytest.mark.parametrize(
    ("use", "presets", "error"),
    [
        ("gone", [], "there is no preset 'gone'"),
        (ALPHA, [], "there is no preset '…0d1'"),
        ("p", [replace(preset(), entity="cases")], "is for cases"),
        ("p", [replace(preset(), connector_type="PAGERDUTY_INCIDENTS")], "PAGERDUTY_INCIDENTS"),
    ],
)
def test_a_preset_that_cannot_be_used_is_told_and_the_page_goes_out(
    use: str, presets: list[Preset], error: str
) -> None:
    send = sent(*presets, use=use)
    assert send.payload == default_message(alert()).payload
    assert error in send.render_errors["preset"]
    assert send.why.preset is None


def test_a_key_in_a_template_is_not_repeated() -> None:
    send = sent(preset(summary=f"{{{{ alert['{ALPHA}'] }}}}", customDetails=f"{{{ALPHA}"))
    assert ALPHA not in str(send.render_errors)


def test_what_is_too_long_or_large_is_made_fit() -> None:
    payload = said(preset(summary="x" * 5_000, customDetails='{"log": "' + "y" * 19_000 + '"}'))
    assert len(payload["summary"]) == 1_024
    assert payload["custom_details"]["full_summary"] == "x" * 5_000


def test_an_acknowledge_and_a_resolve_are_bare() -> None:
    by = router("r", rule("true", Target("a", "p")), labels={})
    for action in ("acknowledge", "resolve"):
        (send,) = decide(alert(action), documents([A], routers=[by], presets=[preset(summary="x")]), {})  # type: ignore[arg-type]
        assert isinstance(send, Send)
        assert (send.payload, send.why.preset) == (None, None)


# -- details of rules and targets -------------------------------------------------------------------------------------


def test_details_of_the_rule_and_the_target_are_added_and_the_targets_count() -> None:
    details = said(use=None, details={"runbook": "of target"}, runbook="of rule", team="shop")["custom_details"]
    assert (details["runbook"], details["team"], details["priority"]) == ("of target", "shop", "P1")
    details = said(preset(customDetails='{"team": "of preset", "x": 1}'), team="shop")["custom_details"]
    assert (details["team"], details["x"]) == ("shop", 1)


def test_details_do_not_leak_into_another_targets_message() -> None:
    by = router("r", rule("true", Target("a", None, {"to": "a"}), Target("b", None, {"to": "b"}), "c"), labels={})
    connectors = [connector(name, key=f"{name}" * 32) for name in "abc"]
    sends = decide(alert(), documents(connectors, routers=[by]), {})
    assert [one.payload["custom_details"].get("to") for one in sends if isinstance(one, Send) and one.payload] == [
        "a",
        "b",
        None,
    ]


# -- the account path -------------------------------------------------------------------------------------------------


def incident(event: Event, *, details: Mapping[str, str] | None = None, **fields: str) -> tuple[Any, dict[str, str]]:
    one = Preset("p", "P", "cases", "PAGERDUTY_INCIDENTS", general=fields)
    by = router("r", rule("true", Target("cases", "p", details or {}), entity="cases"), labels={})
    snapshot = documents([account_connector(service="S")], routers=[by], presets=[one], integrations=[integration()])
    (send,) = decide(event, snapshot, {})
    assert isinstance(send, Send)
    assert send.ask is not None
    return send.ask.message, send.render_errors


def test_an_incidents_fields_by_a_preset() -> None:
    message, errors = incident(case(), title="{{ case.title | upper }}", body=" b\nc ", urgency="HIGH", priority="p1")
    assert message == {
        "title": "HIGH ERROR RATE IN PAYMENTS API",
        "body": "b\nc",
        "urgency": "high",
        "priority": "P1",
    }
    assert errors == {}


def test_an_incidents_fields_that_fail_are_the_built_in_ones() -> None:
    built_in, _ = incident(case())
    message, errors = incident(case(), title="{{ no }}", body="{{ no }}", urgency="medium", priority="high")
    assert message == built_in
    assert set(errors) == {"title", "body", "urgency", "priority"}
    assert (built_in["urgency"], built_in["priority"]) == (None, "P2")


def test_the_details_of_a_target_stand_below_the_body() -> None:
    message, _ = incident(case(), body="text", details={"runbook": "https://example.com"})
    assert message["body"] == "text\nrunbook: https://example.com"


@pytest.mark.parametrize("document", [{}, {"case": {}}, {"case": {"title": 7, "description": []}}, {"case": "x"}])
def test_no_case_is_too_poor_for_an_incident(document: dict[str, Any]) -> None:
    (send,) = decide(
        case(document=document), documents([account_connector(service="S")], integrations=[integration()]), {}
    )
    assert isinstance(send, Send)
    assert send.ask is not None
    assert send.ask.message["title"]


# -- whatever they are ------------------------------------------------------------------------------------------------

texts = st.text(max_size=40) | st.sampled_from(
    ["{{ alertDef.name }}", "{{ missing }}", "{% for x in alert.groups %}{{ x }}{% endfor %}", "{{ 1 / 0 }}", "{}",
     "null",      "{{ get_context() | json_encode }}", "critical", "{%", "{{ throw(message='x') }}"]
)  # fmt: skip
fields = st.dictionaries(
    st.sampled_from(
        ["summary", "severity", "source", "timestamp", "component", "group", "class", "customDetails", "other"]
    ),
    texts,
)


@settings(max_examples=300, deadline=None)
@given(general=fields, subtype=fields, details=st.dictionaries(st.text(max_size=9), texts, max_size=3))
def test_no_preset_stops_a_page_or_makes_an_event_that_pagerduty_refuses(
    general: dict[str, str], subtype: dict[str, str], details: dict[str, str]
) -> None:
    one = Preset("p", "P", "alerts", general=general, subtypes={SUBTYPE: subtype})
    send = sent(one, details=details)
    assert faults(send) == []


def test_without_a_preset_none_is_looked_at() -> None:
    class Untouched(dict[str, Preset]):
        """Presets that nobody may look for."""

        def get(self, *_: Any) -> Any:
            raise AssertionError("the hot path has no preset to look for")

    (send,) = decide(alert(), replace(documents([A]), presets=Untouched(p=preset(summary="x"))), {})
    assert isinstance(send, Send)
    assert send.payload == default_message(alert()).payload


# -- the presets of the system ----------------------------------------------------------------------------------------


def test_the_systems_preset_says_what_the_built_in_message_says() -> None:
    system = SYSTEM["preset_system_pagerduty_alerts_basic"]
    copy = replace(system, id="p", type="CUSTOM")
    assert sent(copy).payload == default_message(alert()).payload, "rendered as a custom one"
    assert sent(copy).render_errors == {}
    itself = sent(use=system.id)
    assert (itself.payload, itself.why.preset) == (default_message(alert()).payload, system.id)


def test_a_preset_whose_parent_is_the_systems() -> None:
    one = preset(parent="preset_system_pagerduty_alerts_basic", summary="own")
    assert said(one) == {**default_message(alert()).payload, "summary": "own"}


def test_the_systems_preset_for_incidents_says_what_the_built_in_one_says() -> None:
    fields = SYSTEM["preset_system_pagerduty_incidents_cases_basic"].general
    rendered, errors = incident(case(), **fields)
    built_in, _ = incident(case())
    assert errors == {}
    assert rendered == built_in
