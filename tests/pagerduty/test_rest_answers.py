"""What every status, code and failure of a REST call leads to is what docs/answers.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from answers_page import REST, by_status, is_statuses, table
from failing_peers import TIMEOUT, WAYS, failing

from streams.documents.secrets import Secret
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import (
    ACCOUNT_REFUSED,
    AGAIN,
    ALREADY,
    CODES,
    Ok,
    RestAnswer,
    RestVerdict,
    judge_rest,
)

SAMPLES = Path(__file__).parents[1] / "fixtures" / "pagerduty" / "rest"
STATUSES = range(100, 600)
TOKEN = "u+" + "t" * 18

SAID = {
    "code 2002, the key is in use": "Open incident with matching dedup key already exists on this service",
    "code 2002, beyond the 10,000th": "Offset+limit exceeds maximum allowed value of 10000.",
    "code 2016, names the From header": 'You must specify a user\'s email address in the "From" header',
}
"""What PagerDuty says where its code alone does not tell."""


def told(verdict: RestVerdict) -> tuple[str, str]:
    """A verdict in the words of the page."""
    match verdict:
        case Ok():
            return "already" if verdict.already else "ok", "done"
        case TryAgain():
            return verdict.reason, "again"
        case Refused(reason="duplicate_incident_key"):
            return verdict.reason, "adopt"
        case Refused():
            return verdict.reason, f"dead letter{', account' if verdict.reason in ACCOUNT_REFUSED else ''}"


def error(code: int, *errors: str, message: str = "Something is wrong") -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "errors": list(errors)}}


def sample(name: str) -> RestAnswer:
    return RestAnswer(400, orjson.loads((SAMPLES / f"error_400_{name}.json").read_bytes()))


def test_every_status_means_what_the_page_says() -> None:
    assert {status: told(judge_rest(RestAnswer(status))) for status in STATUSES} == by_status(REST)


def test_every_code_means_what_the_page_says() -> None:
    rows = {name: meaning for name, meaning in table(REST).items() if name.startswith("code ")}
    found = {}
    for row in rows:
        code = int(row.removeprefix("code ").partition(",")[0])
        found[row] = told(judge_rest(RestAnswer(400, error(code, SAID.get(row, "")))))
    assert found == rows
    assert {int(row.removeprefix("code ").partition(",")[0]) for row in rows} == {
        *CODES, *ALREADY, *AGAIN, 2002, 2016
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "<html>502</html>",
        [],
        7,
        {},
        {"error": None},
        {"error": "a text"},
        {"error": ["a list"]},
        {"error": {"code": "2001"}},
        {"error": {"errors": {"title": ["is missing"]}}},
        {"error": {"message": [{"deep": [[[[["down"]]]]]}]}},
    ],
)
def test_no_body_changes_what_a_status_means(body: Any) -> None:
    assert {status: told(judge_rest(RestAnswer(status, body))) for status in STATUSES} == by_status(REST)


@pytest.mark.parametrize("code", [2100, 2010, 1001, 2002])
def test_a_code_does_not_soften_a_refusal_by_status_nor_an_error_of_the_server(code: int) -> None:
    for status in (401, 402, 403, 404, 429, 500, 503):
        if code in ALREADY and status < 429:
            continue  # with whatever refusal it comes, the incident is as it was asked for
        assert told(judge_rest(RestAnswer(status, error(code)))) == by_status(REST)[status]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("duplicate_incident_key", "duplicate_incident_key"),
        ("from_header_missing", "from_unusable"),
        ("malformed_from", "from_unusable"),
        ("requester_not_found", "requester_unknown"),
        ("offset_limit", "too_far_back"),
        ("users_me_account_token", "invalid_request"),
    ],
)
def test_what_pagerduty_is_known_to_answer(name: str, reason: str) -> None:
    verdict = judge_rest(sample(name))
    assert isinstance(verdict, Refused)
    assert verdict.reason == reason
    assert verdict.words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (error(2001, "Title is too long", "Service is gone", message="Invalid Input Provided"),
         "Invalid Input Provided: Title is too long: Service is gone"),
        ({"error": {"message": "No", "errors": "one text"}}, "No: one text"),
        ({"error": "We were unable to tell who you are."}, "We were unable to tell who you are."),
        ({"error": ["links should have at most 50 item(s)"]}, "links should have at most 50 item(s)"),
        ({"error": {"errors": {"title": ["is missing"]}}}, "is missing"),
        ({"message": "Forbidden by the gateway"}, "Forbidden by the gateway"),
        ("<html>no</html>", "<html>no</html>"),
        (None, ""),
        ("x" * 100_000, "x" * 1_000),
    ],
)  # fmt: skip
def test_pagerdutys_words_travel_in_whatever_form_within_a_bound(body: Any, words: str) -> None:
    verdict = judge_rest(RestAnswer(400, body))
    assert isinstance(verdict, Refused)
    assert verdict.words == words


def test_a_time_that_pagerduty_names_is_handed_on() -> None:
    for answer, after in (
        (RestAnswer(429, reset=20.0), 20.0),
        (RestAnswer(429, retry_after=7.0, reset=20.0), 7.0),
        (RestAnswer(429), None),
        (RestAnswer(503, retry_after=7.0, reset=20.0), 7.0),
        (RestAnswer(500, reset=20.0), None),  # the limit's window, which has nothing to do with it
    ):
        verdict = judge_rest(answer)
        assert isinstance(verdict, TryAgain)
        assert verdict.after == after


def test_every_failure_of_a_connection_is_tried() -> None:
    rest = {row for row in table(REST) if not is_statuses(row) and not row.startswith("code ")}
    assert rest == set(WAYS)


@pytest.mark.parametrize("way", WAYS)
async def test_a_connection_that_fails_is_an_answer_like_any_other(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    async with failing(way) as url:
        client = RestClient(url, Secret(TOKEN), "bot@example.com", timeout=TIMEOUT, connections=1)
        async with client as api:
            answer = await api.incident("Q1")
    assert answer.status is None
    verdict = judge_rest(answer)
    assert told(verdict) == table(REST)[way]
    assert verdict.words, "a person must be able to read what went wrong"
    assert TOKEN not in repr(answer) + verdict.words
