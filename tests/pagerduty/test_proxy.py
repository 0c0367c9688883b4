"""Proxies: what is taken from the environment, and what never comes out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams.errors import SettingsError
from streams.pagerduty.answers import Answer, judge
from streams.pagerduty.events import EventsClient
from streams.pagerduty.proxy import proxy_of

KEY = "00" + "c" * 30
PASSWORD = "s3cr:t@p4ss"
USER = "user:s3cr%3At%40p4ss@"
BASIC = "Basic dXNlcjpzM2NyOnRAcDRzcw=="
RECORD = {"action": "resolve", "dedup_key": "db-1/disk"}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def proxy(answer: bytes) -> AsyncIterator[tuple[int, list[str]]]:
    """A proxy that gives one answer to everything; its port and the heads of the requests."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heads


async def asked(url: str) -> Answer:
    async with EventsClient(url, timeout=5, connections=1) as client:
        return await client.enqueue(RECORD, KEY)


async def test_a_refusing_proxy_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as (port, heads):
        monkeypatch.setenv("https_proxy", f"http://{USER}127.0.0.1:{port}")
        answer = await asked("https://events.pagerduty.com")
    assert heads[0].startswith("CONNECT events.pagerduty.com:443 ")
    assert f"Proxy-Authorization: {BASIC}\r\n" in heads[0]
    assert answer.error == "ClientHttpProxyError: 407 Proxy Authentication Required"
    for secret in (PASSWORD, "s3cr", BASIC.split()[1]):
        assert secret not in repr(answer)


async def test_a_plain_request_identifies_itself_to_the_proxy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}") as (port, heads):
        monkeypatch.setenv("http_proxy", f"http://{USER}127.0.0.1:{port}")
        answer = await asked("http://events.example.com")
    assert answer.status == 202
    assert heads[0].startswith("POST http://events.example.com/v2/enqueue ")
    assert f"Proxy-Authorization: {BASIC}\r\n" in heads[0]


async def test_a_proxy_that_is_not_there_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://{USER}127.0.0.1:1")
    answer = await asked("https://events.pagerduty.com")
    assert judge(answer).words.startswith("ClientProxyConnectionError")
    assert "s3cr" not in repr(answer)


@pytest.mark.parametrize(
    "given",
    [
        f"socks5://{USER}proxy:1080",
        f"{USER}proxy:3128",
        "proxy:3128",
        f"http://{USER}proxy:port",
        f"http://{USER}proxy:99999",
        f"http://{USER}",
        f"http://{USER}[::1",
        "http://user:s3cr/et@proxy:3128",
    ],
)
def test_an_unusable_proxy_is_refused_at_start_without_its_password(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", given)
    with pytest.raises(SettingsError) as refused:
        EventsClient("https://events.pagerduty.com", timeout=1, connections=1)
    assert str(refused.value).startswith("HTTPS_PROXY=")
    assert "must be http://host:port" in str(refused.value)
    assert "s3cr" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_what_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_of("https://events.pagerduty.com") is None
    monkeypatch.setenv("https_proxy", f"http://{USER}[::1]:3128/")
    found = proxy_of("https://events.pagerduty.com")
    assert found is not None
    assert found.url == "http://[::1]:3128"
    assert "s3cr" not in repr(found)
    assert proxy_of("http://events.pagerduty.com") is None
    monkeypatch.setenv("no_proxy", "pagerduty.com")
    assert proxy_of("https://events.pagerduty.com") is None
