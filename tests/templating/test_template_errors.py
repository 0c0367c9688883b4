"""Errors: of two kinds, with a place and a hint, and without a word of the template's or the event's secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streams import contracts
from streams.templating import DataMissing, RenderFailed, TemplateWrong, compile_condition, compile_template
from streams.templating.quiet import without_keys
from streams.templating.template import CACHED, _template

SECRET = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"


def wrong(template: str) -> TemplateWrong:
    with pytest.raises(TemplateWrong) as raised:
        compile_template(template)
    return raised.value


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ a | default('x') }}", "default(value="),
        ("{{ a | replace('a', 'b') }}", 'replace(from="a", to="b")'),
        ("{{ a | join(', ') }}", "join(sep="),
        ("{{ a | nth(1) }}", "named arguments"),
        ("{{ range(3) }}", "named arguments"),
        ("{{ a.upper() }}", "no methods"),
        ("{{ a if b else c }}", "{% if y %}"),
        ("{{ a && b }}", "`and`"),
        ("{{ a || b }}", "`or`"),
        ("{{ !a }}", "`not`"),
        ("{% if a = 1 %}{% endif %}", "`==`"),
        ("{{ not (a or b) }}", "negate its parts"),
        ("{{ a // b }}", "whole division"),
        ("{{ a ** b }}", "power"),
        ("{{ a[1:2] }}", "slice(start=1, end=3)"),
        ("{{ 'a' + b }}", "`~`"),
        ("{{ trueish }}", "begin with"),
        ("{{ 'a' is string }}", "only a variable"),
        ("{{ a == b == c }}", "chained"),
        ("{{ a == [1] }}", "arrays cannot be compared"),
        ("{% set a %}b{% endset %}", "{% set x = … %}"),
        ("{% elseif a %}", "`elif`"),
        ("{% if a %}{% elsif b %}{% endif %}", "`elif`"),
        ("{% with a = 1 %}{% endwith %}", "`set`"),
        ("{% import 'x' as y %}", "only this template"),
        ("{% extends 'x' %}", "only this template"),
        ("{% endif %}", "closes nothing"),
        ("{% fro a in b %}", "`for`"),
        ("{{ a | uper }}", "did you mean `upper`?"),
        ("{{ a | tojson }}", "`json_encode`"),
        ("{{ a is startswith('x') }}", "`starting_with`"),
        ("{{ a is defind }}", "did you mean `defined`?"),
        ("{{ rang(end=1) }}", "did you mean `range`?"),
        ("{{ upper(a=1) }}", "value | upper"),
        ("{{ get_env(name='HOME') }}", "machine"),
        ("{% macro line(x) %}{% endmacro %}{{ self::lime(x=1) }}", "did you mean `line`?"),
        ("{% if a %}{{ x | uper }}{% endif %}", "did you mean `upper`?"),
        ("{{ a", "expected `}}`"),
        ("{{ a b }}", "expected `}}`"),
        ("{% if a", "expected `%}`"),
    ],
)
def test_a_hint_says_what_to_write(template: str, hint: str) -> None:
    assert hint in str(wrong(template))


@pytest.mark.parametrize(
    ("template", "line", "column"),
    [
        ("{{ a | uper }}", 1, 8),
        ("x\n\n  {{ a b }}", 3, 8),
        ("{% if a %}\n{{ b }}", 1, 1),
        ("é {{ a | uper }}", 1, 10),
        ("{{ a }}\r\n{{ b is foo }}", 2, 9),
        ("{{ a | upper(x=) }}", 1, 16),
        ("ok {# no end", 1, 4),
    ],
)
def test_a_wrong_template_says_where(template: str, line: int, column: int) -> None:
    error = wrong(template)
    assert (error.line, error.column) == (line, column)


def test_a_caret_stands_under_the_place() -> None:
    template = "first\n{{ alert.name | uper }} rest"
    assert wrong(template).show(template).split("\n")[1:] == ["  {{ alert.name | uper }} rest", " " * 18 + "^"]
    # A long line is cut so that the caret stays on the screen.
    long = "x" * 5_000 + "{{ a | uper }}" + "y" * 5_000
    source, caret = wrong(long).show(long).split("\n")[1:]
    assert len(source) < 120
    assert source[caret.index("^") :].startswith("uper")


@pytest.mark.parametrize(
    ("template", "path", "present"),
    [
        ("{{ alertDef.nme }}", "alertDef.nme", ("name", "priority")),
        ("{{ alrt.status }}", "alrt.status", ("alert", "alertDef")),
        ("{{ alert.groups[7].host }}", "alert.groups[7].host", ("0",)),
        ("{{ alertDef.name.first }}", "alertDef.name.first", ()),
        ("{% for g in alert.groups %}{{ g.hots }}{% endfor %}", "g.hots", ("host",)),
        ("{{ alertDef[alertDef.name] }}", "alertDef[alertDef.name]", ("name", "priority")),
        ("{{ alert.nothing is containing('x') }}", "alert.nothing", ()),
    ],
)
def test_missing_data_says_which_and_what_there_is(template: str, path: str, present: tuple[str, ...]) -> None:
    event = {"alert": {"groups": [{"host": "w"}]}, "alertDef": {"name": "n", "priority": "P1"}}
    with pytest.raises(DataMissing) as raised:
        compile_template(template).render(event)
    assert (raised.value.path, raised.value.present) == (path, present)
    assert raised.value.line == 1
    assert path in str(raised.value)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ s | round }}", "the filter `round`: works on a number, not on a string"),
        ("{{ s | truncate(length='x') }}", "the argument `length` must be a whole number"),
        ("{{ s | replace(from='a') }}", "needs the argument `to`"),
        ("{{ s | date }}", "not a date"),
        ("{{ 1 | date(format='%Q') }}", "specifier"),
        ("{{ s + 1 }}", "a number is needed here, and this is a string"),
        ("{{ s < 1 }}", "a number is needed here"),
        ("{% for x in o %}{% endfor %}", "needs two names"),
        ("{{ throw(message='stop it') }}", "stop it"),
        ("{{ s is matching('(') }}", "not a regular expression"),
        ("{{ o | get(key='zz') }}", "there is no `zz`"),
        ("{{ 1 % 0 }}", "by zero"),
    ],
)
def test_a_failure_says_what_cannot_be_done(template: str, says: str) -> None:
    with pytest.raises(RenderFailed) as raised:
        compile_template(template).render({"s": "x", "o": {"a": 1}})
    assert says in str(raised.value)
    assert not isinstance(raised.value, DataMissing)


@pytest.mark.parametrize(
    "template",
    [
        f"{{% if a == '{SECRET}' %}}{SECRET}{{% endif",
        f"{SECRET} {{{{ a b '{SECRET}' }}}}",
        f"{{{{ '{SECRET}' | upper + 1 }}}}",
        f"{{{{ '{SECRET}' | uper }}}}",
        f"{{{{ '{SECRET}' ~ nothing }}}}",
        "{{ key + 1 }}",
        "{{ key | round }}",
        "{{ key | date }}",
        "{{ key.first }}",
        "{{ 1 | replace(from=key, to=key) }}",
        "{{ 'x' is matching(key) }}{{ u[key] }}",
        "{{ [key] | sort(attribute='x') }}",
        "{{ 1 in key }}",
    ],
)
def test_no_error_repeats_a_secret(template: str) -> None:
    with pytest.raises((TemplateWrong, RenderFailed)) as raised:
        compile_template(template).render({"key": SECRET, "a": 1})
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(raised.value)
    assert SECRET not in repr(vars(raised.value))


@pytest.mark.parametrize("key", ["930" + "a" * 26 + "0d1", "1" * 16 + "b" * 16, "9" * 32, "R" * 32])
@pytest.mark.parametrize(
    "template",
    [
        "{{% if x == {} y %}}",
        "{{{{ 1 | {} }}}}",
        "{{{{ 1 {} }}}}",
        "{{{{ alert.{} }}}}",
        "{{% {} %}}",
        "{{{{ {}(a=1) }}}}",
        "{{{{ x is {} }}}}",
        "{{{{ self::{}() }}}}",
        "{{{{ throw(message='{}') }}}}",
        "{{{{ alert['{}'] }}}}",
        "{{{{ alert | get(key='{}') }}}}",
    ],
)
def test_no_error_quotes_a_key_that_stands_where_a_name_belongs(template: str, key: str) -> None:
    with pytest.raises((TemplateWrong, RenderFailed)) as caught:
        compile_template(template.format(key)).render({"x": 1, "alert": {}})
    said = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert all(key[start : start + 6] not in said for start in range(27))


def test_a_text_is_compiled_once_and_the_cache_is_bounded() -> None:
    assert compile_template("{{ once }}") is compile_template("{{ once }}")
    assert _template.cache_parameters()["maxsize"] == CACHED
    # A wrong one is remembered too, and raised anew each time.
    first, second = wrong("{{ a | uper }}"), wrong("{{ a | uper }}")
    assert first is not second
    assert str(first) == str(second)


def test_a_condition_can_be_wrong_too() -> None:
    with pytest.raises(TemplateWrong) as raised:
        compile_condition("alertDef.name is starting_wiht('x')")
    assert "starting_with" in str(raised.value)
    with pytest.raises(TemplateWrong):
        compile_condition("a == 1 }} {{ b")


def test_names_of_members_are_shown_and_keys_are_not() -> None:
    with pytest.raises(DataMissing) as raised:
        compile_template("{{ alertDef.nme }}").render({"alertDef": {"incidentSettings": 1, "name": 2, SECRET: 3}})
    assert raised.value.present == ("…0d1", "incidentSettings", "name")
    for name in ("a" * 24, "incidentSettings" * 2, "R02ABCDEFGHIJKLM"):
        assert name not in without_keys(f"there is: {name}"), name


def test_no_name_of_the_schemas_is_taken_for_a_key() -> None:
    def names(schema: Any) -> Iterator[str]:
        inside = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        yield from schema.get("properties", ()) if isinstance(schema, dict) else ()
        for one in inside:
            yield from names(one)

    found = {name for topic in ("alerts", "cases") for name in names(contracts.schema(topic))}
    assert "incidentSettings" in found
    assert [name for name in found if without_keys(name) != name] == []


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("alert.groups['hots']", "in `alert.groups` there is: host, team"),
        ("alert.groups[2].status", "in `alert.groups` there is: 0 to 1"),
        ("alert.tags['a']", "in `alert.tags` there is: 0"),
        ("alert.none[0]", "there is nothing in `alert.none`"),
    ],
)
def test_a_list_says_what_it_can_be_asked_for(path: str, there: str) -> None:
    groups = [{"keyValues": {"host": "web-7"}}, {"keyValues": {"team": "a"}}]
    with pytest.raises(DataMissing) as raised:
        compile_template(f"{{{{ {path} }}}}").render({"alert": {"groups": groups, "tags": ["x"], "none": []}})
    assert raised.value.message == f"`{path}` is not there; {there}"
