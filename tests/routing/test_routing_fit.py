"""Whatever comes in, what goes out is a valid event; and it keeps as much as fits."""

from __future__ import annotations

from typing import Any

import pytest
from event_checker import faults
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.routing import Message, fit
from streams.routing.fit import FALLBACK_SUMMARY

GOOD: dict[str, Any] = {"summary": "CPU usage high", "source": "server1", "severity": "error"}

any_text = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(exclude_categories=()), max_size=40),  # halves of surrogate pairs too
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=5), st.integers(1, 3_000)),
    st.sampled_from(
        ["", " ", "\x00", "\u200b", "\u2028", "P1", "Critical ", "https://example.com/a", "http://[", "1e400"]
    ),
)
any_scalar = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    any_text,
    st.sampled_from([2**63, 2**64, -(10**400), 1638403600]),
)
any_value = st.recursive(
    any_scalar, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(any_text, inner, max_size=5), max_leaves=12
)
NAMES = ["summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details", "else"]
payloads = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, any_value))
links = st.lists(
    any_value | st.fixed_dictionaries({"href": any_text | st.just("https://example.com")}, optional={"text": any_value})
)


@settings(max_examples=400, deadline=None)
@given(payload=payloads, client=any_value, client_url=any_value, links=links)
@example(payload={}, client=None, client_url=None, links=[])
def test_anything_becomes_a_valid_event(
    payload: dict[str, Any], client: Any, client_url: Any, links: list[Any]
) -> None:
    assert faults(fit(payload, client=client, client_url=client_url, links=links)) == []


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"in": [value]}
    return value


@pytest.mark.parametrize(
    "details",
    [
        {"numbers": [float("nan"), float("inf"), 2**63, -(2**63) - 1]},
        {"half \ud800": "half \udfff"},
        {"log": "x" * 2_000_000},
        {"log": "é" * 2_000_000},
        {"log": '"' * 2_000_000},
        {"log": "\x01" * 2_000_000},
        {f"label{number}": "€" * 200 for number in range(5_000)},
        {f"label{number}": number for number in range(200_000)},
        {"list": list(range(300_000))},
        {"list": ["y" * 50] * 19_000},
        {"k" * 100_000: {"k" * 100_000: 1}},
        {"pagerline": "z" * 600_000},
        {"pagerline": [1.0000000000000002] * 300_000},
        {"pagerline": {str(number) + "k" * 250: "w" * 60 for number in range(19_000)}},
        nested(5_000),
        {"number": 10**6_000},
        "w" * 700_000,
        [nested(20)] * 3_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_huge_and_the_deep_fit(details: Any) -> None:
    message = fit({**GOOD, "custom_details": details})
    assert faults(message) == []
    assert message.payload["summary"] == GOOD["summary"]


def test_everything_huge_at_once_fits() -> None:
    huge = "€" * 600_000
    message = fit(
        {**dict.fromkeys(["summary", "source", "component", "group", "class"], huge), "custom_details": {"a": huge}},
        client=huge,
        client_url="https://example.com/" + "€" * 2_020,
        links=[{"href": f"https://example.com/{number}/" + "€" * 2_000, "text": huge} for number in range(90)],
    )
    assert faults(message) == []


def test_the_longest_texts_are_shortened_before_anything_is_dropped() -> None:
    message = fit({**GOOD, "custom_details": {"log": "x" * 600_000, "query": "q" * 5_000, "team": "payments"}})
    details = message.payload["custom_details"]
    assert details["query"] == "q" * 5_000
    assert details["team"] == "payments"
    assert details["log"] == "x" * 65_535 + "…"
    assert message.render_errors["custom_details"] == "texts shortened to 65,536 characters: the event was too large"


def test_what_cannot_be_shortened_is_dropped_largest_first_and_its_origin_last() -> None:
    many = {str(number): "t" * 60 for number in range(9_000)}
    details = {"big": many, "middle": {str(number): number for number in range(900)}, "pagerline": {"source": "a/0/1"}}
    message = fit({**GOOD, "custom_details": details})
    assert message.payload["custom_details"] == {name: details[name] for name in ("middle", "pagerline")}
    assert "dropped" in message.render_errors["custom_details"]


def test_more_values_than_anybody_reads_are_cut_and_noted() -> None:
    most = fit({**GOOD, "custom_details": {"list": [1] * 19_998}})
    assert (len(most.payload["custom_details"]["list"]), most.render_errors) == (19_998, {})
    more = fit({**GOOD, "custom_details": {"list": [1] * 20_000}})
    assert len(more.payload["custom_details"]["list"]) == 19_998
    assert more.render_errors == {"custom_details": "cut after 20,000 values"}


def test_an_ordinary_event_is_left_alone() -> None:
    details = {"log": "line 1\n\tline 2", "numbers": [1, 2.5, None, True], "nested": {"a": {"b": "c"}}}
    payload = {**GOOD, "timestamp": "2021-12-02T00:06:40.000Z", "component": "api", "custom_details": details}
    assert fit(payload, client="Pagerline") == Message(payload, client="Pagerline")


@pytest.mark.parametrize("character", ["a", "é", "👩‍🚒", "한"])
def test_a_long_summary_is_cut_on_a_character_and_kept_whole_in_the_details(character: str) -> None:
    text = character * 1_500
    message = fit({**GOOD, "summary": text})
    summary = message.payload["summary"]
    assert len(summary) <= 1_024
    assert summary.endswith("…")
    assert text.startswith(summary[:-1])
    assert message.payload["custom_details"]["full_summary"] == text


def test_a_summary_of_exactly_the_limit_is_not_cut() -> None:
    message = fit({**GOOD, "summary": "s" * 1_024})
    assert message.payload["summary"] == "s" * 1_024
    assert message.payload["custom_details"] == {}


@pytest.mark.parametrize("given_", [None, "", " \n\t ", "\u200b\u200d", "\x00", {}, [1]])
def test_summary_and_source_are_never_blank(given_: Any) -> None:
    message = fit({"summary": given_, "source": given_, "severity": "info"})
    assert message.payload["summary"] == FALLBACK_SUMMARY
    assert message.payload["source"] == "unknown source"
    assert set(message.render_errors) == {"summary", "source"}


@pytest.mark.parametrize(
    ("given_", "severity", "noted"),
    [
        ("critical", "critical", False),
        ("\n  Warning\n", "warning", False),
        ("INFO", "info", False),
        ("none", "critical", True),
        ("", "critical", True),
        (None, "critical", True),
        (2, "critical", True),
    ],
)
def test_severity_is_one_of_the_four(given_: Any, severity: str, noted: bool) -> None:
    message = fit({**GOOD, "severity": given_})
    assert (message.payload["severity"], "severity" in message.render_errors) == (severity, noted)


def test_a_timestamp_that_is_none_is_left_out_and_noted() -> None:
    message = fit({**GOOD, "timestamp": "yesterday"})
    assert "timestamp" not in message.payload
    assert message.render_errors == {"timestamp": "left out: text that is no point in time"}


def test_links_are_kept_once_each_and_only_if_they_open() -> None:
    given_ = ["https://a.example", {"href": "javascript:alert(1)"}, {"href": "https://a.example", "text": "A\nB"}]
    message = fit(GOOD, links=[*given_, {"href": "https://a.example"}, {"href": "http://b.example", "text": 7}])
    assert message.links == (
        {"href": "https://a.example", "text": "A B"},
        {"href": "http://b.example", "text": "7"},
    )


def test_texts_lose_what_no_screen_shows_and_keep_their_lines() -> None:
    message = fit(
        {**GOOD, "summary": "a\r\nb\x00\u2028 c\x7f", "custom_details": {"log": "\x1b[31mred\n\tx\x00", "\x07k": 1}}
    )
    assert message.payload["summary"] == "a b c"
    assert message.payload["custom_details"] == {"log": " [31mred\n\tx ", "k": 1}


@pytest.mark.parametrize(
    "address",
    [
        "https://",
        "https:///a",
        "http://[",
        "https://a b",
        "https://a\nb",
        "ftp://a",
        "//a",
        "https://a/" + "x" * 2_048,
        1,
    ],
)
def test_what_no_browser_opens_is_no_address(address: Any) -> None:
    message = fit(GOOD, client_url=address, links=[{"href": address}])
    assert (message.client_url, message.links) == (None, ())
    assert message.render_errors == {"client_url": "left out: no http or https address"}
