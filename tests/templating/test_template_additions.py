"""What the product adds to Tera: three look-ups, a function and two filters (Coralogix's documentation)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tera_oracle import Oracle

from streams.templating import DataMissing, RenderFailed, compile_condition, compile_template

SEED = "{% if alert.groups['team_name'] == 'alpha' %}A{% elif alert.groups['team_name'] == 'beta' %}B{% else %}C{% endif %}"  # noqa: E501
LABELS = {"team_name": "beta", "resource.attributes.Team": "T1", "a.b": {"c": 1}, "channel": ["ops", "dev"]}


def text(template: str, event: dict[str, Any]) -> str:
    return compile_template(template).render(event)


@pytest.mark.parametrize(
    "groups",
    [
        {"team_name": "beta"},
        [{"keyValues": {"team_name": "beta"}}],
        [{"status": "x"}, {"keyValues": {"other": "y"}}, {"keyValues": LABELS}, {"keyValues": {"team_name": "alpha"}}],
        {"g1": {"keyValues": {"other": "x"}}, "g2": {"keyValues": {"team_name": "beta"}}},
    ],
)
def test_groups_can_be_asked_for_a_label_in_every_published_shape(groups: object) -> None:
    assert text(SEED, {"alert": {"groups": groups}}) == "B"


@pytest.mark.parametrize("groups", [{}, [], [{"keyValues": {}}], [1, None, "team_name"], "team_name", None])
def test_a_label_nobody_has_is_missing(groups: object) -> None:
    with pytest.raises(DataMissing):
        text(SEED, {"alert": {"groups": groups}})


def test_groups_without_the_label_miss_it() -> None:
    with pytest.raises(DataMissing) as raised:
        text(SEED, {"alert": {"groups": [{"keyValues": {"other": "x"}}]}})
    assert raised.value.path == "alert.groups['team_name']"


@pytest.mark.parametrize(
    ("template", "gives"),
    [
        ("{{ g[0].keyValues.resource.attributes.Team }}", "missing"),  # `g` is no `groups`, but keyValues is keyValues
        ("{{ alert.groups[0].keyValues.resource.attributes.Team }}", "T1"),
        ('{{ alert.groups[0].keyValues["resource.attributes.Team"] }}', "T1"),
        ("{{ alert.groups['resource.attributes.Team'] }}", "T1"),
        ("{{ alert.groups.resource.attributes.Team }}", "T1"),
        ("{{ alert.groups[0].keyValues.a.b.c }}", "1"),
        ("{{ alertDef.entityLabels.resource.attributes.Team }}", "T1"),
        ("{{ alertDef.entityLabels.channel[0] }}{{ alertDef.entityLabels.channel[1] }}", "opsdev"),
        ("{{ alertDef.entityLabels.team_name[0] }}{{ alertDef.entityLabels['team_name'][0] }}", "betabeta"),
        ("{% for g in alert.groups %}{{ g.keyValues.resource.attributes.Team }}{% endfor %}", "T1"),
        ("{% set g = alert.groups[0] %}{{ g.keyValues.resource.attributes.Team }}", "T1"),
        ("{% set k = 'team_name' %}{{ alert.groups[k] }}", "beta"),
        ("{{ alert.groups.nothing is defined }}{{ alert.groups['team_name'] is defined }}", "falsetrue"),
        ("{{ alert.groups['nothing'] | default(value='-') }}", "-"),
    ],
)
def test_a_label_is_found_under_its_dotted_key(template: str, gives: str) -> None:
    event = {"alert": {"groups": [{"keyValues": LABELS}]}, "alertDef": {"entityLabels": LABELS}}
    if gives == "missing":
        with pytest.raises(DataMissing):
            text(template, event)
    else:
        assert text(template, event) == gives


@pytest.mark.parametrize("template", ["{{ a.b.c }}", "{{ s[0] }}", "{{ rows['k'] }}", "{{ labels.channel.x }}"])
def test_nothing_else_is_found_that_tera_does_not_find(template: str, tera: Oracle) -> None:
    event = {"a": {"b.c": 1}, "s": "text", "rows": [{"k": 1}], "labels": {"channel": "ops"}}
    assert tera.render(template, event).text is None
    with pytest.raises(DataMissing):
        text(template, event)


def test_get_context_is_the_whole_event() -> None:
    event = {"b": [1, {"c": None}], "a": "x"}
    assert json.loads(text("{{ get_context() | json_encode(pretty=true) }}", event)) == event
    assert text("{{ get_context() }}", event) == "[object]"
    assert text("{% set a = 2 %}{{ get_context() | get(key='a') }}", event) == "x"


@pytest.mark.parametrize("value", ['say "hi"', "line\nend\\", [{"a": 'q"'}], {"k": 1.5}, 7, None, "é\u2028"])
def test_json_escape_fits_between_quotes(value: object) -> None:
    read = json.loads(text('"{{ v | json_escape }}"', {"v": value}))
    assert (read if isinstance(value, str) else json.loads(read)) == value


@pytest.mark.parametrize(
    "value",
    [1638403600, 1638403600123, 1638403600123456, 1638403600123456789, 1638403600.9, "1638403600123", "2021-12-02T00:06:40Z",  # noqa: E501
     "2021-12-02T02:06:40.5+02:00", "2021-12-02T00:06:40"],
)  # fmt: skip
def test_epoch_seconds_takes_every_unit(value: object) -> None:
    assert text("{{ v | epoch_seconds }}", {"v": value}) == "1638403600"
    assert text("{{ v | epoch_seconds | date(format='%H:%M') }}", {"v": value}) == "00:06"


@pytest.mark.parametrize("value", ["soon", True, None, [1], 1e300, ""])
def test_epoch_seconds_refuses_what_is_no_time(value: object) -> None:
    with pytest.raises(RenderFailed):
        text("{{ v | epoch_seconds }}", {"v": value})


def test_now_is_the_moment_that_was_given() -> None:
    moment = datetime(2021, 12, 2, 1, 6, 40, 500_000, tzinfo=timezone(timedelta(hours=1)))
    template = compile_template(
        "{{ now() }} {{ now(utc=true) }} {{ now(timestamp=true) }} {{ now() | date(format='%H') }}"
    )
    assert template.render({}, now=lambda: moment) == (
        "2021-12-02T01:06:40.500+01:00 2021-12-02T00:06:40.500+00:00 1638403600 01"
    )
    whole = moment.astimezone(UTC).replace(microsecond=0)
    assert compile_template("{{ now() }}").render({}, now=lambda: whole) == "2021-12-02T00:06:40+00:00"
    with pytest.raises(RenderFailed, match="time is not known"):
        template.render({})


def test_get_random_asks_the_given_dice() -> None:
    template = compile_template("{{ get_random(start=3, end=9) }}{{ get_random(end=2) }}")
    assert template.render({}, dice=lambda start, end: end - 1) == "81"
    with pytest.raises(RenderFailed):
        compile_template("{{ get_random(start=2, end=2) }}").render({})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("alertDef.priority == 'P1'", True),
        ("alertDef.priority == 'P2'", False),
        ("alertDef.nothing == 'P1'", False),
        ("nothing is containing('x')", False),
        ("nothing is not defined", True),
        ("not alertDef.nothing", True),
        ("  alertDef.priority in ['P1', 'P2'] and alertDef.count > 2  ", True),
        ("{{ alertDef.priority == 'P1' }}", True),
        ("{% if alertDef.nothing %}true{% else %}false{% endif %}", False),
        ("{{ alertDef.nothing == 1 }}", False),
        ("alertDef.flag", True),
        ("alertDef.written", True),
    ],
)
def test_a_condition(condition: str, holds: bool) -> None:
    event = {"alertDef": {"priority": "P1", "count": 3, "flag": True, "written": "true"}}
    assert compile_condition(condition).evaluate(event) is holds


@pytest.mark.parametrize(
    "condition",
    ["alertDef.priority", "alertDef.count + 1", "'yes'", "[true]", "alertDef.count < 'x'", "alertDef.priority is odd"],
)
def test_a_condition_that_is_no_boolean_is_an_error(condition: str) -> None:
    with pytest.raises(RenderFailed):
        compile_condition(condition).evaluate({"alertDef": {"priority": "P1", "count": 3}})
