"""The first cut of the dialect: what the documented connector examples need."""

import json
from pathlib import Path

import pytest

from streams.errors import DataMissing, TemplateWrong
from streams.templating import compile_template

BY_TEAM = (Path(__file__).parent.parent / "routing" / "fixtures" / "service_key_by_team.tera").read_text()


def rendered(text: str, **context: object) -> str:
    return compile_template(text).render(context)


@pytest.mark.parametrize(
    "groups",
    [
        {"team_name": "alpha"},
        [{"keyValues": {"host": "a"}}, {"keyValues": {"team_name": "alpha"}}, {"keyValues": {"team_name": "beta"}}],
        {"first": {"keyValues": {"host": "a"}}, "second": {"keyValues": {"team_name": "alpha"}}},
    ],
    ids=["object", "list of groups", "object of groups"],
)
def test_a_group_value_is_found_by_name_in_every_shape_of_groups(groups: object) -> None:
    assert rendered("{{ alert.groups['team_name'] }}", alert={"groups": groups}) == "alpha"
    assert rendered("{{ alert.groups.team_name }}", alert={"groups": groups}) == "alpha"


@pytest.mark.parametrize("groups", [{}, [], [{"keyValues": {}}], [1, None, "team_name"], "team_name", None])
def test_a_group_value_nobody_has_is_data_missing(groups: object) -> None:
    with pytest.raises(DataMissing):
        rendered(BY_TEAM, alert={"groups": groups})


def test_groups_keep_their_numeric_index() -> None:
    groups = [{"priority": "P2", "keyValues": {"host": "a"}}]
    assert rendered("{{ alert.groups[0].keyValues.host }}{{ alert.groups[0].priority }}", alert={"groups": groups}) == (
        "aP2"
    )
    with pytest.raises(DataMissing):
        rendered("{{ alert.groups[1].priority }}", alert={"groups": groups})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ name | lower }}", "cpu usage"),
        ("{{ name | upper }}", "CPU USAGE"),
        ("{{ '  x ' | trim }}", "x"),
        ("{{ name | replace(' ', '_') }}", "CPU_usage"),
        ("{{ missing | default('x') }}", "x"),
        ("{{ missing | default(value='x') }}", "x"),
        ("{{ null | default(value='x') }}", "x"),
        ("{{ null }}|{{ yes }}", "|true"),
        ("{{ alert.missing | default(value=name) }}", "CPU usage"),
        ("{% if missing is defined %}a{% else %}b{% endif %}", "b"),
        ("{% for n in list %}{{ loop.index }}{{ n }}{% endfor %}", "1a2b"),
        ("{{ items }}", "mine"),
        ("<b>{{ html }}</b>", "<b><i></b>"),
    ],
)
def test_the_language(text: str, expected: str) -> None:
    context: dict[str, object] = {"name": "CPU usage", "null": None, "yes": True, "alert": {}, "list": ["a", "b"]}
    assert rendered(text, **context, items="mine", html="<i>") == expected


@pytest.mark.parametrize("text", ["{{ d.items }}", "{{ d.keys }}", "{{ s.upper }}", "{{ d.__class__ }}", "{{ range }}"])
def test_python_is_out_of_reach(text: str) -> None:
    with pytest.raises(DataMissing):
        rendered(text, d={"a": 1}, s="text")


def test_a_key_called_like_a_method_is_the_key() -> None:
    assert rendered("{{ d.items }}{{ d.keys }}", d={"items": 1, "keys": 2}) == "12"


@pytest.mark.parametrize("text", ["{% if %}", "{{ a | nosuch }}", "{{ 'a' + 1 }}", "{{ 1 / 0 }}", "{{ s() }}"])
def test_a_wrong_template_says_so_every_time(text: str) -> None:
    for _ in range(2):
        with pytest.raises(TemplateWrong):
            rendered(text, a=1, s="text")


def test_a_wrong_template_names_its_line() -> None:
    with pytest.raises(TemplateWrong) as caught:
        compile_template("first\n{% if x %}\n{% endfor %}")
    assert caught.value.line == 3


@pytest.mark.parametrize("key", ["930" + "a" * 26 + "0d1", "1" * 16 + "b" * 16, "9" * 32, "R" * 32])
@pytest.mark.parametrize("text", ["{{% if x == {} y %}}", "{{{{ 1 | {} }}}}", "{{{{ 1 {} }}}}", "{{{{ alert.{} }}}}"])
def test_no_error_text_quotes_a_key(text: str, key: str) -> None:
    with pytest.raises((TemplateWrong, DataMissing)) as caught:
        compile_template(text.format(key)).render({"x": 1, "alert": {}})
    assert all(key[start : start + 6] not in str(caught.value) for start in range(27))


def test_a_text_is_compiled_once() -> None:
    assert compile_template("{{ a }}") is compile_template("{{ a }}")


def test_the_fixture_is_the_published_example() -> None:
    assert json.dumps(BY_TEAM).count("930") == 3
