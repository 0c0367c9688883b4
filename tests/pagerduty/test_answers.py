"""What every status and every failure of the connection leads to is what docs/answers.md says."""

from __future__ import annotations

import asyncio

import pytest
from answers_page import EVENTS, by_status, table
from failing_peers import TIMEOUT, WAYS, answering, failing

from streams.pagerduty.answers import EVENT_REFUSED, Accepted, Answer, Refused, TryAgain, Verdict, judge
from streams.pagerduty.events import EventsClient
from streams.sandbox.pagerduty import Simulator

STATUSES = range(100, 600)
KEY = "00" + "c" * 30
RECORD = {"action": "trigger", "dedup_key": "db-1/disk", "payload": {"summary": "s", "source": "x", "severity": "info"}}

UNKNOWN_KEY = b'{"status":"Not found","message":"Routing key is not known"}'
INVALID = b'{"status":"invalid event","message":"Event object is invalid","errors":["\'routing_key\' is missing"]}'


def told(verdict: Verdict) -> tuple[str, str]:
    """A verdict in the words of the page."""
    match verdict:
        case Accepted():
            return "accepted", "delivered"
        case TryAgain():
            return verdict.reason, "again"
        case Refused():
            return verdict.reason, "plain, dead letter" if verdict.reason in EVENT_REFUSED else "dead letter"


def test_every_status_means_what_the_page_says() -> None:
    assert {status: told(judge(Answer(status))) for status in STATUSES} == by_status(EVENTS)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"not json", b'{"errors": 7}', b"\xff\xfe", b"[" * 5_000])
def test_no_body_changes_what_a_status_means(body: bytes) -> None:
    assert {status: told(judge(Answer(status, body))) for status in STATUSES} == by_status(EVENTS)


def test_a_400_about_the_key_alone_is_told_apart() -> None:
    assert told(judge(Answer(400, UNKNOWN_KEY))) == table(EVENTS)["400, names the routing key alone"]
    assert told(judge(Answer(400, INVALID))) == table(EVENTS)["400"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_time_that_pagerduty_names_is_handed_on(status: int) -> None:
    verdict = judge(Answer(status, retry_after=7.0))
    assert isinstance(verdict, TryAgain)
    assert verdict.after == 7.0


def test_pagerdutys_words_travel_within_a_bound() -> None:
    assert judge(Answer(400, INVALID)).words == "invalid event: Event object is invalid: 'routing_key' is missing"
    assert judge(Answer(502, b"<html>bad gateway</html>")).words == "<html>bad gateway</html>"
    assert len(judge(Answer(500, b"x" * 100_000)).words) == 1_000
    assert len(judge(Answer(None, error="x" * 100_000)).words) == 1_000


async def asked(url: str) -> Answer:
    async with EventsClient(url, timeout=TIMEOUT, connections=1) as client:
        return await client.enqueue(RECORD, KEY)


def test_every_failure_of_a_connection_is_tried() -> None:
    statuses = {answer for answer in table(EVENTS) if answer[0].isdigit()}
    assert set(table(EVENTS)) - statuses == set(WAYS)


@pytest.mark.parametrize("way", WAYS)
async def test_a_connection_that_fails_is_an_answer_like_any_other(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    async with failing(way) as url:
        answer = await asked(url)
    assert answer.status is None
    assert told(judge(answer)) == table(EVENTS)[way]
    assert judge(answer).words, "a person must be able to read what went wrong"
    assert KEY not in judge(answer).words


async def test_an_answer_dropped_after_the_event_was_taken_in_may_be_asked_for_again() -> None:
    async with Simulator() as simulator, EventsClient(simulator.events_url, timeout=5, connections=1) as client:
        simulator.fail("drop_after_accept", count=1)
        answers = [await client.enqueue(RECORD, KEY) for _ in range(2)]
        assert [told(judge(answer))[1] for answer in answers] == ["again", "delivered"]
        assert len(simulator.incidents()) == 1


@pytest.mark.parametrize(("header", "seconds"), [("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("", None)])
async def test_retry_after_is_read_in_seconds(header: str, seconds: float | None) -> None:
    async with Simulator() as simulator:
        simulator.fail("status", status=429, headers={"Retry-After": header})
        assert (await asked(simulator.events_url)).retry_after == seconds


@pytest.mark.parametrize("status", [202, 400, 502])
async def test_an_answer_that_repeats_the_request_is_kept_without_its_key(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    body = f'<pre>POST /v2/enqueue {{"routing_key":"{KEY}"}}</pre>'.encode()
    head = f"HTTP/1.1 {status} Echo\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()

    async def echo(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)

    async with answering(echo) as url:
        answer = await asked(url)
    assert answer.status == status
    assert KEY.encode() not in answer.body
    assert '"routing_key":"…ccc"' in judge(answer).words


async def test_an_error_that_repeats_the_request_is_kept_without_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")

    async def babbles(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"routing_key={KEY}\r\n\r\n".encode())

    async with answering(babbles) as url:
        answer = await asked(url)
    assert answer.status is None
    assert "ccc" in (answer.error or "")
    assert KEY not in repr(answer)


async def test_a_record_that_says_where_goes_there_and_another_to_the_clients_own() -> None:
    async with (
        Simulator() as own,
        Simulator() as other,
        EventsClient(own.events_url, timeout=5, connections=2) as client,
    ):
        for record in ({**RECORD, "events_url": other.events_url}, RECORD):
            assert (await client.enqueue(record, KEY)).status == 202
        assert (len(own.journal), len(other.journal)) == (1, 1)


async def test_an_unusable_proxy_to_another_url_is_an_answer_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator() as own, EventsClient(own.events_url, timeout=5, connections=2) as client:
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("https_proxy", "socks://nowhere")
        answer = await client.enqueue({**RECORD, "events_url": "https://events.eu.pagerduty.com"}, KEY)
    assert told(judge(answer))[1] == "again"
    assert "HTTPS_PROXY" in judge(answer).words
