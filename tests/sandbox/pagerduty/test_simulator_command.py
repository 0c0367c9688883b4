"""The command: a process that tells its URL, serves, and stops when it is told."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner
from simulator_driver import KEY, OTHER_KEY, sample_text, trigger

from streams.sandbox.pagerduty.cli import pagerduty

RUN = "from streams.sandbox.pagerduty.cli import pagerduty; pagerduty()"


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[Process, str]]:
    """The command as a process, and the URL that it printed."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, *arguments, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_it_is_told_to_stop(stop: signal.Signals) -> None:
    async with running("--limit", "1") as (process, url), aiohttp.ClientSession(url) as http:
        assert url.startswith("http://127.0.0.1:")
        for status in (202, 429):
            async with http.post("/v2/enqueue", json=trigger()) as response:
                assert response.status == status
        process.send_signal(stop)
        assert await process.communicate() == (b"", b"")
        assert process.returncode == 0


async def test_with_tls_it_writes_the_ca_where_it_is_told(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    async with running("--tls", "--ca-file", str(ca_file)) as (process, url), aiohttp.ClientSession(url) as http:
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(ca_file))
        async with http.get("/healthz", ssl=trust) as response:
            assert response.status == 200
        process.send_signal(signal.SIGTERM)
        assert await process.communicate() == (b"", f"CA certificate: {ca_file}\n".encode())
        assert process.returncode == 0


async def test_known_keys_and_no_limit(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n\n")
    async with running("--known-keys", str(keys), "--limit", "0") as (_, url), aiohttp.ClientSession(url) as http:
        async with http.post("/v2/enqueue", json=trigger(key=OTHER_KEY)) as response:
            assert (response.status, response.content_type) == (400, "text/plain")
            assert await response.text() == sample_text("response_400_unknown_routing_key.txt").strip()
        async with http.get("/sim/services") as response:
            assert await response.json() == {"services": []}
        async with http.post("/v2/enqueue", json=trigger()) as response:
            assert response.status == 202
        async with http.get("/sim/services") as response:
            assert (await response.json())["services"][0]["limit"] is None


async def test_rest_services_tokens_and_limit(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("first-token\nsecond-token\n")
    arguments = ("--service", "Checkout", "--service", "Search", "--tokens", str(tokens), "--rest-limit", "1")
    async with running(*arguments) as (_, url), aiohttp.ClientSession(url) as http:
        for token, status in (("first-token", 200), ("first-token", 429), ("second-token", 200), ("third", 401)):
            async with http.get("/services", headers={"Authorization": f"Token token={token}"}) as response:
                assert response.status == status
                if status == 200:
                    assert [one["name"] for one in (await response.json())["services"]] == ["Checkout", "Search"]


@pytest.mark.parametrize(
    ("arguments", "link"),
    [
        ((), "http://127.0.0.1:{port}/users/PUSERA1"),
        (("--bind", "0.0.0.0:0"), "http://127.0.0.1:{port}/users/PUSERA1"),
        (("--public-url", "http://pagerduty.example.com/"), "http://pagerduty.example.com/users/PUSERA1"),
    ],
)
async def test_links_lead_to_where_it_is_reached(arguments: tuple[str, ...], link: str) -> None:
    async with running(*arguments) as (_, url):
        port = url.rpartition(":")[2]
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Authorization": "Token token=x"}) as http,
            http.get("/users") as response,
        ):
            assert (await response.json())["users"][0]["self"] == link.format(port=port)


async def test_a_taken_port_is_told() -> None:
    async with running() as (_, url):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RUN, "--bind", url.removeprefix("http://"), stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert b"cannot listen on 127.0.0.1:" in err
        assert b"Traceback" not in err


def test_a_ca_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(pagerduty, ["--tls", "--ca-file", str(tmp_path / "nowhere" / "ca.pem")])
    assert result.exit_code == 1
    assert "nowhere/ca.pem': No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--bind", "localhost"], "'localhost' is not HOST:PORT"),
        (["--bind", "127.0.0.1:99999"], "is not HOST:PORT"),
        (["--limit", "-1"], "not in the range"),
        (["--ca-file", "ca.pem"], "--ca-file needs --tls"),
    ],
)
def test_wrong_use_exits_2(arguments: list[str], text: str) -> None:
    result = CliRunner().invoke(pagerduty, arguments)
    assert result.exit_code == 2
    assert text in result.stderr


def test_a_wrong_key_in_the_file_is_named_by_its_line_only(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\nnot-a-key\n")
    result = CliRunner().invoke(pagerduty, ["--known-keys", str(keys)])
    assert result.exit_code == 2
    assert "key 2 is not 32 letters and digits" in result.stderr
    assert "not-a-key" not in result.stderr


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(pagerduty, ["--help"])
    assert result.exit_code == 0
    assert "pagerline sandbox pagerduty --bind 127.0.0.1:8081" in result.stdout
