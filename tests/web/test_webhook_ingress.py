"""What PagerDuty hears of each kind of delivery, and what of it reaches Kafka."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streams import contracts
from streams.documents.references import References
from streams.documents.snapshot import NOTHING, Unreadable
from streams.web import webhooks
from streams.web.flood import BURST, MOST_SOURCES, FloodLimit
from tests.web.webhook_sender import (
    SAMPLES,
    SECRET,
    TOKEN,
    Broker,
    Ingress,
    headers,
    integration,
    sample,
    serving,
    snapshot,
)

BODY = sample("incident.acknowledged__user")
NAMES = sorted(path.stem for path in SAMPLES.glob("*.*.json"))


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.mark.parametrize("name", NAMES)
async def test_every_kind_of_event_is_taken_as_it_came(broker: Broker, name: str) -> None:
    body = sample(name)
    async with serving(broker.send, integration()) as ingress:
        answer = await ingress.post(body, headers(body))
    assert answer == ((202, "ping") if name == "pagey.ping" else (202, "accepted"))
    [(key, record)] = broker.records
    assert key == record["destination"] == "account:main"
    assert record["body"].encode() == body
    assert contracts.problem("pagerduty-webhooks", record) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":{"id":"x","event_type":"incident.moved_to_mars","data":{"type":"planet"}}}',
        b"not json",
        b"[]",
        b"",
        b"\xff\xfe",
        b'{"event":"pagey.ping"}',
        ('{"event":{"text":"' + "\u20ac" * 80_000 + '"}}').encode(),
        b'{"x":"' + b"y" * 299_000 + b'"}',
    ],
)
async def test_what_is_genuine_is_never_refused_for_what_it_says(broker: Broker, body: bytes) -> None:
    async with serving(broker.send, integration()) as ingress:
        assert await ingress.post(body, headers(body)) == (202, "accepted")
    [(_, record)] = broker.records
    assert contracts.problem("pagerduty-webhooks", record) is None
    assert len(str(record)) < 2_000_000  # what the topic takes


async def test_headers_that_are_not_pagerdutys_stay_out_of_the_topic(broker: Broker) -> None:
    async with serving(broker.send, integration()) as ingress:
        await ingress.post(BODY, headers(BODY, authorization="Bearer hush", x_api_key="hush", cookie="a=hush"))
    [(_, record)] = broker.records
    assert "hush" not in str(record)
    assert sorted(record["headers"]) == [
        "content-type",
        "user-agent",
        "x-pagerduty-signature",
        "x-webhook-id",
        "x-webhook-subscription",
    ]


async def test_an_id_that_is_missing_is_made_of_the_body(broker: Broker) -> None:
    head = headers(BODY)
    del head["x-webhook-id"]
    async with serving(broker.send, integration()) as ingress:
        assert await ingress.post(BODY, head) == (202, "accepted")
    assert broker.records[0][1]["id"].startswith("sha256:")


async def test_any_secret_of_the_integration_will_do_and_no_other_ones(broker: Broker) -> None:
    async with serving(broker.send, integration(secrets=("new", "old")), integration("other")) as ingress:
        assert await ingress.post(BODY, headers(BODY, "old")) == (202, "accepted")
        assert await ingress.post(BODY, headers(BODY, "older", x_webhook_subscription="P")) == (401, "wrong_signature")
        assert await ingress.post(BODY, headers(BODY, "old", x_webhook_subscription="P"), "other") == (
            401,
            "wrong_signature",
        )
    assert [key for key, _ in broker.records] == ["account:main"]


async def test_forged_ones_are_refused_and_counted(broker: Broker) -> None:
    head = headers(BODY, x_webhook_subscription="PSTRANGE")
    async with serving(broker.send, integration()) as ingress:
        bare = {name: value for name, value in head.items() if name != "x-pagerduty-signature"}
        assert await ingress.post(BODY, bare) == (401, "unsigned")
        assert await ingress.post(BODY, {**head, "x-pagerduty-signature": "v1=" + "0" * 64}) == (401, "wrong_signature")
        assert await ingress.post(BODY + b" ", head) == (401, "wrong_signature")
        assert ingress.counts() == {"unsigned": 1, "wrong_signature": 2}
    assert broker.records == []


async def test_a_replayed_one_is_answered_and_not_taken_again(broker: Broker) -> None:
    async with serving(broker.send, integration()) as ingress:
        assert await ingress.post(BODY, headers(BODY)) == (202, "accepted")
        # With another id, which is not signed.
        assert await ingress.post(BODY, headers(BODY, number=2)) == (202, "replayed")
        assert ingress.counts() == {"accepted": 1, "replayed": 1}
    assert len(broker.records) == 1


async def test_the_same_body_for_two_accounts_is_two_deliveries(broker: Broker) -> None:
    async with serving(broker.send, integration(), integration("other")) as ingress:
        assert await ingress.post(BODY, headers(BODY)) == (202, "accepted")
        assert await ingress.post(BODY, headers(BODY), "other") == (202, "accepted")


async def test_oversized_ones_are_refused_with_and_without_a_length(broker: Broker) -> None:
    body = b"x" * (webhooks.MOST_BYTES + 1)

    async def chunks() -> Any:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async with serving(broker.send, integration()) as ingress:
        assert await ingress.post(body, headers(body)) == (413, "oversized")
        url = f"{ingress.url}/webhooks/pagerduty/main"
        async with ingress.session.post(url, data=chunks(), headers=headers(body)) as response:
            assert response.status == 413
        assert ingress.counts() == {"oversized": 2}
    assert broker.records == []


async def test_an_encoded_body_is_not_unpacked(broker: Broker) -> None:
    packed = gzip.compress(b"0" * 10_000_000)
    async with serving(broker.send, integration()) as ingress:
        head = headers(packed, content_encoding="gzip")
        assert await ingress.post(packed, head) == (415, "encoded")
    assert broker.records == []


async def cut_off(ingress: Ingress, *, length: int | None) -> None:
    """Send half of a delivery and hang up."""
    host, port = ingress.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    size = f"content-length: {length}" if length else "transfer-encoding: chunked"
    head = "".join(f"{name}: {value}\r\n" for name, value in headers(BODY).items())
    writer.write(f"POST /webhooks/pagerduty/main HTTP/1.1\r\nhost: x\r\n{head}{size}\r\n\r\n".encode())
    writer.write(BODY[:100] if length else b"64\r\n" + BODY[:100])
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("length", [len(BODY), None])
async def test_truncated_ones_are_counted(broker: Broker, length: int | None) -> None:
    async with serving(broker.send, integration()) as ingress:
        await cut_off(ingress, length=length)
        async with asyncio.timeout(10):
            while not ingress.count("truncated"):
                await asyncio.sleep(0.01)
        assert ingress.counts() == {"truncated": 1}
    assert broker.records == []


async def test_a_body_that_does_not_come_is_not_waited_for(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.2)

    async def drops() -> Any:
        yield BODY[:10]
        await asyncio.Event().wait()

    async with serving(broker.send, integration()) as ingress:
        url = f"{ingress.url}/webhooks/pagerduty/main"
        async with ingress.session.post(url, data=drops(), headers=headers(BODY)) as response:
            assert (response.status, (await response.json())["outcome"]) == (503, "slow")


async def test_without_a_broker_pagerduty_tries_again_and_nothing_is_taken_twice(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.1)
    broker.away = True
    async with serving(broker.send, integration()) as ingress:
        for _ in range(3):
            assert await ingress.post(BODY, headers(BODY)) == (503, "unconfirmed")
        monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 30.0)
        retry = asyncio.create_task(ingress.post(BODY, headers(BODY)))
        broker.back()
        assert await retry == (202, "replayed")
        assert await ingress.post(BODY, headers(BODY)) == (202, "replayed")
    assert len(broker.records) == 1
    assert "no broker has confirmed" in caplog.text


async def test_what_waits_for_a_broker_has_a_bound(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(webhooks, "MOST_WAITING_BYTES", 2 * len(BODY))
    broker.away = True
    async with serving(broker.send, integration()) as ingress:
        bodies = [BODY.replace(b"Q0ACME00000015", f"Q0ACME000{number:05}".encode()) for number in range(4)]
        found = [await ingress.post(body, headers(body)) for body in bodies]
        assert found == [(503, "unconfirmed")] * 2 + [(503, "full")] * 2
        broker.back()
        assert (await ingress.post(bodies[3], headers(bodies[3])))[0] == 202


async def test_a_record_that_the_broker_refuses_comes_again(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(key: bytes, value: bytes) -> asyncio.Future[None]:
        raise MessageSizeTooLargeError("too large")

    async with serving(refuse, integration()) as ingress:
        assert await ingress.post(BODY, headers(BODY)) == (503, "unconfirmed")
    assert "Kafka refuses a webhook" in caplog.text


async def test_what_may_be_genuine_and_cannot_be_checked_comes_again(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(broker.send, integration(secrets=())) as ingress:
        assert await ingress.post(BODY, headers(BODY)) == (503, "no_secret")
        assert await ingress.post(BODY, headers(BODY), "nobody") == (503, "unknown_integration")
        # Our own subscription, and another secret than ours: PagerDuty would give it up after three answers of 4xx.
        ingress.documents.append(snapshot(integration(secrets=("wrong",))))
        assert await ingress.post(BODY, headers(BODY)) == (503, "wrong_secret")
        ingress.documents.append(snapshot(integration()))
        assert await ingress.post(BODY, headers(BODY)) == (202, "accepted")
    told = caplog.text
    for words in (
        "has no webhook secret",
        "for the integration 'nobody'; there is none of that id",
        "signed with another secret",
    ):
        assert words in told
    assert SECRET not in told
    assert TOKEN not in told
    assert len(broker.records) == 1


async def test_an_integration_that_cannot_be_read_is_told_with_the_reason(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(broker.send) as ingress:
        locked = Unreadable("PAGERLINE_SECRET_KEYS lacks the key", "connectors/0/7", locked=True)
        ingress.documents.append(replace(NOTHING, problems={"integration/main": locked}))
        assert await ingress.post(BODY, headers(BODY)) == (503, "unknown_integration")
    assert "it cannot be read: PAGERLINE_SECRET_KEYS lacks the key" in caplog.text


async def test_secrets_may_stand_in_variables(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    environment = {"HOOK": SECRET}
    known = integration(secrets=("${ENV:GONE}", "${ENV:HOOK}"))
    async with serving(broker.send, known, references=References(environment)) as ingress:
        assert await ingress.post(BODY, headers(BODY)) == (202, "accepted")
        del environment["HOOK"]
        assert await ingress.post(BODY + b" ", headers(BODY + b" ")) == (503, "no_secret")
    assert "the variable GONE is not set" in caplog.text


async def test_a_flood_is_told_in_few_lines_and_read_in_small_parts(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    large = b"{" + b" " * webhooks.MOST_BYTES_FLOODED + b"}"
    strange = {"x_webhook_subscription": "PSTRANGE"}
    async with serving(broker.send, integration()) as ingress:
        for _ in range(BURST + 5):
            status, _ = await ingress.post(BODY, headers(BODY, "wrong", **strange))
        assert (status, ingress.count("wrong_signature")) == (429, BURST)
        assert await ingress.post(large, headers(large)) == (429, "flooded")  # comes again; small ones are let through
        assert await ingress.post(BODY, headers(BODY)) == (202, "accepted")
        assert await ingress.post(BODY, headers(BODY, "wrong")) == (503, "wrong_secret")
    assert len(caplog.records) == 2


async def test_alarms_say_how_often(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    async with serving(broker.send, clock=lambda: now) as ingress:
        for _ in range(5):
            await ingress.post(BODY, headers(BODY), "nobody")
        now = 61.0
        await ingress.post(BODY, headers(BODY), "nobody")
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(lines) == 2
    assert lines[1].endswith("(4 more since it was last said)")


def test_a_flood_is_over_when_nothing_more_comes() -> None:
    now = 0.0
    flood = FloodLimit(lambda: now)
    for _ in range(BURST - 1):
        flood.bad("a")
    assert not flood.flooding("a")
    flood.bad("a")
    assert flood.flooding("a")
    assert not flood.flooding("b")
    now = 2.0
    assert not flood.flooding("a")
    for number in range(MOST_SOURCES):
        flood.bad(f"source {number}")
    assert not flood.flooding("a")  # forgotten


def test_docs_webhooks_tells_every_answer() -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page, re.MULTILINE)
    assert {(name, int(status)) for status, name in rows} == {(one.name, one.status) for one in webhooks.OUTCOMES}
    assert len(rows) == len(webhooks.OUTCOMES)
