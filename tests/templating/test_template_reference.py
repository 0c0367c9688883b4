"""The reference: every example gives what it says, here and in Tera, and the page has the tables of the code."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tera_oracle import Oracle

from streams.templating import TemplateError, compile_template
from streams.templating.reference import EVENT, filters, tables
from streams.templating.registry import FILTERS, FUNCTIONS, TESTS, Entry

PAGE = Path(__file__).parents[2] / "docs" / "templates.md"
# What Tera 1.20's manual lists.
TERA_FILTERS = [
    "lower",
    "upper",
    "wordcount",
    "capitalize",
    "replace",
    "addslashes",
    "slugify",
    "title",
    "trim",
    "trim_start",
    "trim_end",
    "trim_start_matches",
    "trim_end_matches",
    "truncate",
    "linebreaksbr",
    "spaceless",
    "indent",
    "striptags",
    "first",
    "last",
    "nth",
    "length",
    "reverse",
    "sort",
    "unique",
    "slice",
    "group_by",
    "filter",
    "map",
    "concat",
    "join",
    "urlencode",
    "urlencode_strict",
    "abs",
    "pluralize",
    "round",
    "filesizeformat",
    "date",
    "escape",
    "escape_xml",
    "safe",
    "get",
    "split",
    "int",
    "float",
    "json_encode",
    "as_str",
    "default",
]
TERA_TESTS = [
    "defined",
    "undefined",
    "odd",
    "even",
    "string",
    "number",
    "divisibleby",
    "iterable",
    "object",
    "starting_with",
    "ending_with",
    "containing",
    "matching",
]
TERA_FUNCTIONS = ["range", "now", "throw", "get_random"]  # and get_env, which is refused
ENTRIES = [*filters(), *TESTS.values(), *FUNCTIONS.values()]


def test_everything_in_teras_manual_is_here() -> None:
    assert {entry.name for entry in filters() if not entry.ours} == set(TERA_FILTERS)
    assert set(TESTS) == set(TERA_TESTS)
    assert {name for name, entry in FUNCTIONS.items() if not entry.ours} == set(TERA_FUNCTIONS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_example_gives_what_the_reference_says(entry: Entry) -> None:
    moment = datetime(2021, 12, 2, 0, 6, 40, tzinfo=UTC)
    assert (
        compile_template(entry.example).render(EVENT, now=lambda: moment, dice=random.Random(1).randrange)
        == entry.gives
    )
    assert entry.name in entry.example


@pytest.mark.parametrize("entry", [e for e in ENTRIES if not e.ours and e.name != "now"], ids=lambda entry: entry.name)
def test_an_example_gives_the_same_in_tera(entry: Entry, tera: Oracle) -> None:
    assert tera.render(entry.example, EVENT).text == entry.gives


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_filter_refuses_what_it_does_not_work_on(name: str) -> None:
    # Each filter refuses at least one of these; those that take anything are named.
    values = [None, True, 1.5, "x", [1], {"a": 1}]
    refusals = 0
    for value in values:
        try:
            compile_template("{{ v | " + name + " }}").render({"v": value})
        except TemplateError:
            refusals += 1
    assert (refusals == 0) == (name in {"as_str", "json_encode", "json_escape"})


def test_the_page_has_the_tables_of_the_code() -> None:
    page = PAGE.read_text()
    assert tables() in page, "docs/templates.md: put in the output of `python -m streams.templating.reference`"


def blocks() -> list[tuple[str, str]]:
    """The examples of the page: a `jinja` block and the `text` block after it."""
    return re.findall(r"```jinja\n(.*?)\n```\n+gives\n+```text\n(.*?)\n?```", PAGE.read_text(), re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(blocks()) >= 5


@pytest.mark.parametrize(("template", "text"), blocks())
def test_an_example_of_the_page_gives_its_text(template: str, text: str) -> None:
    assert compile_template(template).render(EVENT).strip("\n") == text.strip("\n")


@pytest.mark.parametrize(
    ("written", "gives"),
    re.findall(r"^\| `((?:\{\{|\{%)[^`]*)` \| `([^`]*)` \|$", PAGE.read_text() if PAGE.exists() else "", re.MULTILINE),
)
def test_a_row_of_the_page_gives_its_text(written: str, gives: str) -> None:
    assert compile_template(written.replace("\\|", "|")).render(EVENT) == gives
