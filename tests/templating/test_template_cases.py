"""The language case by case, each compared with Tera: one line for everything that surprised, and for what a
comparison by chance once found."""

from __future__ import annotations

from typing import Any

import pytest
from tera_compare import difference
from tera_oracle import Oracle

EVENT: dict[str, Any] = {
    "a": 1, "b": 2.0, "s": "x", "n": None, "t": True, "o": {"z": 1, "a": 2, "B": 3}, "key": "b", "i": 1, "text": "say \"hi\"\r\n<b>",  # noqa: E501
    "l": [3, 1, 2], "mixed": [1, "x", None, True, 1.5, {"a": 1}, [1]], "max": 2**63 - 1, "min": -(2**63), "big": 2**63, "huge": 2**64 - 1,  # noqa: E501
    "f": 1e300, "tie": 900719925474099.25, "nested": {"b": {"c": 5}, "k.v": 6, "x y": 7}, "rows": [{"k": "x", "n": 1}, {"k": "y"}, {"k": "x", "n": None}],  # noqa: E501
    "empty": [], "floats": [1.0, 1e16, 1e-7, -0.0, 0.1], "combined": "e\u0301a", "date": "2021-12-02T00:06:40.5+02:00", "seconds": 1638403600,  # noqa: E501
    "milliseconds": 1638403600123, "quoted": {"it's": 1, 'a"b': 2, "a[b]": 3, "a/b": 4, "~1": 5, "": 6, "a\\b": 7}, "odd": 'a"b', "bracket": "a[b]",  # noqa: E501
}  # fmt: skip

TEMPLATES = """
{{ a }}|{{ b }}|{{ s }}|{{ n }}|{{ t }}|{{ o }}|{{ mixed }}|{{ f }}|{{ tie }}|{{ floats }}
{{ 1.0 }} {{ 0.10 }} {{ -0.0 }} {{ 'a' }} {{ "b" }} {{ `c` }} {{ True }} {{ -1 }}
{{ 01 }}
{{ 1e5 }}
{{ 1. }}
{{ 9223372036854775807 }}
{{ 9223372036854775808 }}
{{ a + 1 * 2 - 3 / 4 % 5 }} {{ (a + 1) * 2 }} {{ 7 / 2 }} {{ 8 / 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 % 2 }}
{{ 1 / 0 }} {{ 0 / 0 }} {{ f * f }} {{ max / 0.3 }}
{{ f + f }}
{{ max + 1 }}
{{ min - 1 }}
{{ min * -1 }}
{{ min % -1 }}
{{ big + 1 }} {{ big - big }} {{ big * 1 }} {{ huge - 1 }} {{ big + a }}
{{ huge + 1 }}
{{ a - big }}
{{ big + min }}
{{ a % 0 }}
{{ b % 0 }} {{ 1.5 % 0.0 }}
{{ s + 1 }}
{{ t + 1 }}
{{ 1 + a | round }} {{ b | round + 1 }} {{ l | length * 2 }} {{ 1 + 'x' }}
{{ 'abc' | length + 1 }}
{{ a == 1 }} {{ a == 1.0 }} {{ a == '1' }} {{ a != '1' }} {{ t == true }} {{ t == 1 }} {{ n == n }} {{ l == l }} {{ s != 'x' }}
{{ a < 2 }} {{ a <= b }} {{ max > b }} {{ max >= max }}
{{ 'a' < 'b' }}
{{ a < 'b' }}
{{ a == 1 == 2 }}
{{ not a == 1 }} {{ not a == 2 }} {{ not t }} {{ not u }} {{ not n }} {{ (not t) }} {{ not a == 'x' }}
{% if not a == 1 %}1{% else %}2{% endif %}{% if not a == 'x' %}1{% else %}2{% endif %}{% if not u %}1{% endif %}{% if (not t) %}1{% endif %}
{{ not (a) }}
{{ not (a or t) }}
{{ not not t }}
{{ a and t or n }} {{ n or u }} {{ t or u.v.w }} {{ (a and n) or t }} {{ n and u == 1 }}
{{ t and u == 1 }}
{% if u %}1{% elif u.v %}2{% elif a | upper %}3{% elif not a | upper %}4{% else %}5{% endif %}
{% if u == 1 %}1{% endif %}
{% if 'a' %}1{% endif %}{% if '' %}2{% endif %}{% if 0 %}3{% endif %}{% if 0.5 %}4{% endif %}{% if 1 - 1 %}5{% endif %}{% if a ~ s %}6{% endif %}
{% if range(end=1) %}1{% endif %}
{% if 'a' | length %}1{% endif %}{% if '' | length %}2{% endif %}
{{ 1 in l }} {{ 1.0 in l }} {{ t in mixed }} {{ 'a' in o }} {{ 'x' in s }} {{ 1 not in l }} {{ not 1 in l }} {{ not 9 not in l }} {{ 1 in[1, 2] }}
{{ 1 in s }}
{{ 1 in o }}
{{ 1 in a }}
{{ a in range(end=3) }}
{{ a inl }}
{{ s ~ a ~ b ~ 1.0 ~ 'y' }} {{ s ~ range(end=1) }}
{{ a ~ b ~ 1.0 }} {{ floats[1] ~ floats[2] }} {{ 'a' ~ 'b' | upper }}
{{ n ~ s }}
{{ s | upper ~ 'a' }}
{{ trueish }}
{{ falsey is defined }}
{{ o.z }} {{ o['z'] }} {{ o["z"] }} {{ o[`z`] }} {{ nested[key].c }} {{ nested.b['c'] }} {{ nested['k.v'] }} {{ nested["x y"] }} {{ l.0 }} {{ l[0] }} {{ l[i] }} {{ mixed[5].a }}
{{ o[`z`] }}
{{ l[-1] }}
{{ l[9] }}
{{ l.01 }}
{{ l[o] }}
{{ o[u] }}
{{ o.nothing }}
{{ a.b }}
{{ o [ 'z' ] }}
{{ nested.b.c[s] is defined }} {{ u[u] is defined }} {{ u[o] | default(value=1) }}
{{ quoted["it's"] }}
{{ quoted['a"b'] }}
{{ quoted[odd] }}
{{ quoted[bracket] }}
{{ quoted["a[b]"] }}
{{ quoted["a/b"] }}
{{ quoted["~1"] }}
{{ quoted[""] }}
{{ quoted["a\\b"] }}
{{ u | default(value=1) }} {{ n | default(value='d') }} {{ a | default(value=2) }} {{ u | default(value=u2 | default(value=3)) }} {{ not u | default(value=true) }}
{{ u | upper | default(value=1) }}
{{ a | default }} {{ a | safe }} {{ 1 | default(value=2) }}
{{ u | default }}
{{ a | default('x') }}
{{ s | replace(from='x', to='y',) }} {{ s | replace(from = 'x' , to = 'y') }} {{ s | replace(to='1', to='2', from='x') }}
{{ s|upper|lower }}
{{ s | upper() }}
{{ a is number }} {{ a is not number }} {{ u is defined }} {{ u is undefined }} {{ n is defined }} {{ a is divisibleby(1) }} {{ o is containing('z') }} {{ l is containing(1.0) }}
{{ a isnumber }} {{ a is notnumber }}
{{ u is string }}
{{ a is number(1) }}
{{ s is matching('(') }}
{{ a is containing([1]) }}
{{ 'x' is string }}
{{ [1, 'a', [2], a + 1, t and n] }}
{{ [[1]] }}
{{ [] }} {{ [1,] }}
{{ [,] }}
{{ [1] == [1] }}
{{ [1, 2] | length }} {{ [1, 2][0] }}
{{ [3, 1] | sort | first }}
{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ x }};{% endfor %}
{% for k, v in o %}{{ k }}={{ v }};{% endfor %}
{% for k,v in rows | group_by(attribute='k') %}{{ k }}{{ v | length }}{% endfor %}
{% for x in o %}{% endfor %}
{% for k, v in l %}{% endfor %}
{% for x in a %}{% endfor %}
{% for x in 'abc' %}{{ x }}{% endfor %}
{% for x in s %}{{ x }}{% endfor %}
{% for x in combined %}{{ x }}{% endfor %}
{% for x in combined %}{{ x }}{% break %}{% endfor %}
{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% for x in range(end=9) %}{% if x > 2 %}{% break %}{% endif %}{{ x }}{% endfor %}{{ x | default(value='gone') }}
{% for x in empty %}1{% else %}2{% endfor %}{% for x in l %}1{% else %}2{% endfor %}{% for x in empty %}1{% else %}2{% else %}3{% endfor %}
{% for x in l %}{% for y in empty %}{% else %}{% break %}{% endfor %}{{ x }}{% endfor %}
{% for x in empty %}{% else %}{% break %}{% endfor %}
{% break %}
{% for x in l %}{% filter upper %}{% break %}{% endfilter %}{% endfor %}
{% for x in l %}{% block b %}{% endblock %}{% endfor %}
{% for x in l or o %}{% endfor %}
{% for x in a + 1 %}{% endfor %}
{% for x in l %}{% for y in l %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}{% endfor %}
{% for loop in l %}{{ loop }}{% endfor %}
{% for x in l %}{{ loop['index'] }}{% endfor %}
{% for x in l %}{{ loop }}{% endfor %}
{% set x = 1 %}{% for y in l %}{{ x }}{% set x = y %}{{ x }}{% endfor %}{{ x }}
{% set x = 1 %}{% for y in l %}{% set_global x = y %}{{ x }}{% endfor %}{{ x }}
{% for y in l %}{% set x = y %}{% set_global x = 9 %}{{ x }}{% endfor %}{{ x }}
{% if t %}{% set x = 1 %}{% endif %}{{ x }}
{% for y in l %}{% if y == 1 %}{% set x = y %}{% endif %}{{ x | default(value='-') }}{% endfor %}
{% set o = 1 %}{{ o.z }}{{ o }}
{% for o in l %}{{ o }}{{ o.z }}{% endfor %}
{% set x = [1, a] %}{{ x }}{% set x = a == 1 %}{{ x }}{% set x = s ~ 1 %}{{ x }}
{% set x %}1{% endset %}
{% set x.y = 1 %}
{% macro m(p, q=2) %}{{ p }}{{ q }}{{ s }}{% endmacro %}{{ self::m(p=1) }}{{ self::m(p=1, q='z', r=u) }}
{% macro m(p) %}{{ p }}{% endmacro %}{{ self::m() }}
{% macro m(p) %}{{ y }}{% endmacro %}{% set y = 1 %}{{ self::m(p=1) }}
{% macro m(n) %}{% if n > 1 %}{{ n }}-{{ self::m(n=n - 1) }}{% else %}1{% endif %}{% endmacro %}{{ self::m(n=5) | length }} {{ self::m(n=3) }}
{% macro m(p = 1) %}{% endmacro %}
{% macro m(p=1, p2='x', p3=1.5, p4=true) %}{{ p }}{{ p2 }}{{ p3 }}{{ p4 }}{% set_global g = 1 %}{% endmacro %}{{ self::m() }}{{ g | default(value='-') }}
{{ self::m() }}
{{ other::m() }}
{% macro m() %}a{% endmacro m %}{% macro m() %}b{% endmacro %}
{% if t %}{% macro m() %}{% endmacro %}{% endif %}
{% macro m() %}{% endmacro %}{{ self::m() + 1 }}
{% filter upper %}a{{ s }}{% for x in l %}{{ x }}{% endfor %}{% endfilter %}{% filter safe %}<{% endfilter %}{% filter replace(from='a', to='b') %}a{% endfilter %}
{% filter default(value=1) %}a{% endfilter %}
{% filter length %}abc{% endfilter %}
{% raw %}{{ a }}{% if %}{% endraw %}{%raw%}{# x #}{%- endraw -%}  |
{% raw %}
{# a #}  {#- b -#}  {# c -#}  d
{#- first -#}  x {#- second -#}  y
{##}
{#-#}
{# {{ a }} #}|{# #}
{{- a -}}  x  {{- a }}  {{ a -}}
{{-1}} {{--1}}
a  {%- if t -%}  b  {%- else -%}  c  {%- endif -%}  d
a {%- for x in l -%} {{ x }} {%- endfor -%} b
a {%- set x = 1 -%} b {%- raw -%} c {%- endraw -%} d {%- filter upper -%} e {%- endfilter -%} f
{% if t -%} a {%- elif n -%} b {%- endif %} c {%- if n %} d {% else -%} e {% endif -%} f
{% block x %}a{% block y %}b{% endblock y %}{% endblock %}{% block z -%} c {%- endblock z %}
{% block x %}{% endblock %}{% block x %}{% endblock %}
{% block x %}{{ super() }}{% endblock %}
{{ super() }}
{% include 'x' %}
{% include 'x' ignore missing %}{% include ['x', "y"] ignore missing %}ok
{% extends 'x' %}
{% import 'x' as y %}
{% if(t) %}{% endif %}
{% if t%}1{%endif%}{%if t %}2{% endif%}
{% else %}
{% if t %}{% else %}{% elif n %}{% endif %}
{% if t %}
{% endif %}
{% unknown %}
{{ }}
{{ a }
{{ a
a }} b %} c #} { {
{% %}
{{ a b }}
{{ a | }}
{{ | upper }}
{{ a.. }}
{{ .a }}
{{ a.b. }}
{{ __tera_context }}
{% for x in l %}{% set y = x %}{% if loop.last %}{{ __tera_context }}{% endif %}{% endfor %}
{{ seconds | date }} {{ seconds | date(format='%Y-%m-%d %H:%M', timezone='Europe/Berlin') }} {{ date | date(format='%+') }} {{ milliseconds | date(format='%Y') }}
{{ seconds | date(format='%Z') }}
{{ seconds | date(format='%Q') }}
{{ date | date(timezone='Nowhere') }}
{{ b | date }}
{{ text | json_encode }} {{ floats | json_encode }} {{ o | json_encode(pretty=true) }} {{ n | json_encode }}
{{ range(end=3) }} {{ range(start=1, end=6, step_by=2) }} {{ range(end=0) }}
{{ range(end=-1) }}
{{ range(start=3, end=1) }}
{{ range() }}
{{ throw(message='no') }}
{{ nothing() }}
{{ a | nothing }}
{{ a is nothing }}
{{ now }}
""".strip("\n").split("\n")  # noqa: E501


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_case_is_as_tera_has_it(template: str, tera: Oracle) -> None:
    assert difference(tera, template, EVENT) == ""


@pytest.mark.parametrize(
    "template",
    [
        "{{ a }}\n",
        "\n\n{% if t %}\n a\n{% endif %}\n",
        "a\r\n{%- if t %}\r\nb{% endif %}",
        "{% raw %}\n x\n{% endraw %}\n",
        "\u00a0{{- a -}}\u2003x",
        "",
    ],
)
def test_white_space_stays_where_no_tag_asks_for_it_to_go(template: str, tera: Oracle) -> None:
    assert difference(tera, template, EVENT) == ""


def test_slugs_of_latin_greek_and_cyrillic_are_as_tera_has_them(tera: Oracle) -> None:
    letters = [
        f"a{chr(code)}b"
        for start, end in (
            (0x20, 0x7F),
            (0xA0, 0x180),
            (0x386, 0x3CF),
            (0x400, 0x460),
            (0x1E00, 0x1E9A),
            (0x1EA0, 0x1EFA),
        )
        for code in range(start, end)
    ]
    assert difference(tera, "{% for x in v %}{{ x | slugify }} {% endfor %}", {"v": letters}) == ""
