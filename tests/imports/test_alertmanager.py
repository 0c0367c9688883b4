"""Alertmanager's receivers and routes: what becomes of them, and that routes lead where they led."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.documents.connector import Connector
from streams.documents.preset import Preset
from streams.documents.router import Router
from streams.imports.alertmanager import import_alertmanager
from streams.imports.carried import Carried
from streams.imports.conditions import CannotSay, Matcher, expression
from streams.imports.go_templates import to_json, translate
from streams.imports.matchers import parse
from streams.templating import compile_condition, compile_template

USUAL = Path(__file__).parents[1] / "fixtures/imports/alertmanager/usual.yml"
LABELS = "alertDef.entityLabels"
KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa001"


def carried(content: Any) -> Carried:
    return import_alertmanager([(content, PurePath("/etc/alertmanager"))])


@pytest.fixture(scope="module")
def usual() -> Carried:
    return carried(yaml.safe_load(USUAL.read_text()))


def connector(found: Carried, identity: str) -> Connector:
    document = found.documents[f"connector/{identity}"]
    assert isinstance(document, Connector)
    return document


def router(found: Carried) -> Router:
    document = found.documents["router/router_default"]
    assert isinstance(document, Router)
    return document


def event(**labels: str) -> dict[str, Any]:
    """An alert with these labels of Prometheus."""
    return {
        "alert": {"groupingKey": "g", "status": "Triggered"},
        "alertDef": {
            **({"name": labels["alertname"]} if "alertname" in labels else {}),
            "description": "It burns",
            "entityLabels": {name: value for name, value in labels.items() if name != "alertname"},
        },
    }


# -- receivers --------------------------------------------------------------------------------------------------------


def test_keys_are_where_they_were_or_where_they_are_to_be(usual: Carried) -> None:
    keys = {
        identity: connector(usual, identity).fields["integrationKey"].reveal()
        for identity in ("default", "audit", "database", "database-2", "database-night", "frontend")
    }
    assert keys == {
        "default": KEY,
        "audit": "file:/etc/alertmanager/keys/audit",
        "database": "930bbbbbbbbbbbbbbbbbbbbbbbbbb002",
        "database-2": "${ENV:PAGERDUTY_KEY_DATABASE_2}",
        "database-night": "${ENV:PAGERDUTY_KEY_DATABASE_NIGHT}",
        "frontend": "file:/run/secrets/frontend",
    }


def test_the_region_and_a_url_of_ones_own_are_kept(usual: Carried) -> None:
    assert connector(usual, "default").options.region == "eu"
    assert connector(usual, "database-2").options.events_url == "https://proxy.example.com/pagerduty"


def test_the_message_says_what_it_said(usual: Carried) -> None:
    preset = usual.documents["preset/default"]
    assert isinstance(preset, Preset)
    context = event(alertname="Disk full", severity="CRITICAL", cluster='eu"1')
    rendered = {name: compile_template(text).render(context) for name, text in preset.general.items()}
    assert rendered["summary"] == "Disk full: It burns"
    assert rendered["severity"] == "critical"
    assert yaml.safe_load(rendered["customDetails"]) == {"cluster": 'eu"1', "runbook": "https://example.com/runbooks"}
    assert "preset/database-2" not in usual.documents


def test_everything_that_is_lost_is_said(usual: Carried) -> None:
    said = "\n".join(map(str, usual.notes))
    for lost in (
        "slack_configs is not carried over",
        "email_configs is not carried over",
        "detail 'firing' is left out: it has no counterpart",
        "service_key belongs to an integration of Events API v1",
        "send_resolved is left out",
        "severity is left out: 'page' is none of critical",
        "route.routes[2].routes[0]: active_time_intervals is left out",
        "group_by, group_wait, group_interval, repeat_interval are left out",
        "receiver 'nobody': no route leads to it",
        "inhibit_rules: not carried over",
        "time_intervals: not carried over",
        "templates: not carried over",
    ):
        assert lost in said
    assert KEY not in said


def test_more_rules_than_a_router_has_are_told_with_their_conditions() -> None:
    names = [f"team-{number}" for number in range(12)]
    found = carried(
        {
            "route": {"receiver": "none", "routes": [{"receiver": n, "match": {"team": n}} for n in names]},
            "receivers": [{"name": n, "pagerduty_configs": [{"routing_key": KEY}]} for n in names] + [{"name": "none"}],
        }
    )
    assert [rule.name for rule in router(found).rules] == names[:10]
    assert "the condition was: alertDef.entityLabels['team'] | default(value='') == 'team-11'" in str(found.notes)
    assert len([name for name in found.documents if name.startswith("connector/")]) == 12


@pytest.mark.parametrize(
    "content",
    [None, {}, {"route": None}, {"route": {"routes": 3}}, {"receivers": [{"name": 1, "pagerduty_configs": "x"}, None]}],
)
def test_what_is_no_configuration_carries_nothing(content: Any) -> None:
    assert carried(content).documents == {}


def test_a_matcher_that_cannot_be_read_is_said() -> None:
    found = carried({"route": {"receiver": "a", "routes": [{"matchers": ["team is x"]}]}, "receivers": []})
    assert "route: not carried over: the matcher 'team is x' cannot be read" in map(str, found.notes)


# -- matchers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("foo = bar", [("foo", "=", "bar")]),
        ("foo=", [("foo", "=", "")]),
        ('{foo="bar", dings!="bums",}', [("foo", "=", "bar"), ("dings", "!=", "bums")]),
        (' alertname = Watchdog , severity =~ "warning|critical" ',
         [("alertname", "=", "Watchdog"), ("severity", "=~", "warning|critical")]),
        (r'quote=~"She said: \"Hi, all!\""', [("quote", "=~", 'She said: "Hi, all!"')]),
        (r'number!~"\\d+"', [("number", "!~", r"\d+")]),
        ('"with space"="x"', [("with space", "=", "x")]),
        ("{}", []),
    ],
)  # fmt: skip
def test_matchers_are_read_as_alertmanager_reads_them(written: str, meant: list[tuple[str, str, str]]) -> None:
    assert [(one.label, one.operator, one.value) for one in parse(written)] == meant


@pytest.mark.parametrize("written", ["foo", "= x", '{foo="bar"', 'foo="bar" baz="x"'])
def test_what_is_no_matcher_is_refused(written: str) -> None:
    with pytest.raises(CannotSay, match="cannot be read"):
        list(parse(written))


def test_a_regular_expression_that_is_none_is_refused() -> None:
    with pytest.raises(CannotSay, match="is no regular expression"):
        Matcher("a", "=~", "(")


def test_what_the_template_language_cannot_write_is_said() -> None:
    with pytest.raises(CannotSay, match="cannot be written in a template"):
        expression(Matcher("a", "=", "'\"`"), LABELS)


# -- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ['{{ template "x" . }}', "{{ if .CommonLabels.a }}x{{ end }}", "{{ .Alerts | len }}", "{% raw",
     "{{ .CommonAnnotations.runbook }}", "{{ .CommonLabels.a | title }}", "{{ .CommonLabels.a"],
)  # fmt: skip
def test_a_text_that_cannot_be_translated_is_refused(text: str) -> None:
    with pytest.raises(CannotSay):
        translate(text, LABELS)


def test_a_detail_of_text_and_look_ups_is_refused_as_json() -> None:
    with pytest.raises(CannotSay, match="mixes"):
        to_json("a {{ .CommonLabels.b }}", LABELS)


# -- routes -----------------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
VALUES = ("x", "y", "xy", "")
matchers = st.builds(
    Matcher,
    st.sampled_from(NAMES),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["x", "y", "x|y", "", "x.*"]),
)


def routes(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    children = st.lists(routes(depth - 1), max_size=3) if depth else st.just([])
    return st.fixed_dictionaries(
        {
            "receiver": st.sampled_from(["one", "two", "three", "quiet", ""]),
            "matchers": st.lists(matchers.map(str), max_size=2),
            "continue": st.booleans(),
            "routes": children,
        }
    )


def holds(matcher: Matcher, labels: dict[str, str]) -> bool:
    """A matcher, as Alertmanager has it: a missing label is an empty one, expressions are anchored."""
    import re

    value = labels.get(matcher.label, "")
    same = value == matcher.value if matcher.operator in ("=", "!=") else bool(re.fullmatch(matcher.value, value))
    return same == (matcher.operator in ("=", "=~"))


def takers(route: dict[str, Any], labels: dict[str, str], inherited: str = "") -> set[str]:
    """The receivers an alert gets to, by Alertmanager's own algorithm (dispatch, Route.Match)."""
    receiver = route["receiver"] or inherited
    found: set[str] = set()
    for child in route["routes"]:
        if all(holds(matcher, labels) for text in child["matchers"] for matcher in parse(text)):
            found |= takers(child, labels, receiver)
            if not child["continue"]:
                return found
    return found or {receiver}


@settings(max_examples=400, deadline=None)
@given(routes(2), st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)))
def test_every_alert_gets_to_the_receivers_it_got_to(root: dict[str, Any], labels: dict[str, str]) -> None:
    root = {**root, "matchers": [], "receiver": root["receiver"] or "one"}
    paging = [{"name": name, "pagerduty_configs": [{"routing_key": KEY}]} for name in ("one", "two", "three")]
    found = carried({"route": root, "receivers": [*paging, {"name": "quiet"}]})
    rules = router(found).rules if "router/router_default" in found.documents else ()
    reached = {rule.name for rule in rules if compile_condition(rule.condition).demand(event(**labels))}
    assert reached == takers(root, labels) - {"quiet"}
