"""`pagerline explain` as a command: how it ends, and what goes where."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.documents.secrets import new_key
from tests.explain.records import A, delivery

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, ["explain", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation in which the incidents alert:gk and case:gk have each been delivered; older ones, too."""
    bootstrap = request.getfixturevalue("pagerline_kafka").bootstrap
    prefix = f"t{uuid.uuid4().hex[:12]}."
    monkeypatch.setenv("PAGERLINE_BROKERS", bootstrap)
    monkeypatch.setenv("PAGERLINE_PREFIX", prefix)
    monkeypatch.setenv("PAGERLINE_PARTITIONS", "3")
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
    assert CliRunner().invoke(main, ["topics", "apply"]).exit_code == 0
    now = time.time_ns() // 1_000_000

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            for kind in ("alert", "case"):
                for offset, action in ((1, "trigger"), (2, "resolve"), (3, "trigger"), (4, "resolve")):
                    record = delivery(offset, action)
                    at = now - (200 - 20 * offset) * 60_000
                    record["incident"] = f"{kind}:gk"
                    record["source"]["timestamp"] = record["outcome"]["at"] = at
                    value, key = orjson.dumps(record), f"{kind}:gk".encode()
                    await producer.send_and_wait(f"{prefix}deliveries", value, key, timestamp_ms=at)

    asyncio.run(write())


def test_the_newest_life_or_everything(told: None, run: Run) -> None:
    result = run("alert:gk", "-o", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert (document["v"], document["asked"]) == (1, "alert:gk")
    (story,) = document["stories"]
    assert [one["source"] for one in story["inputs"]] == ["alerts/3/3", "alerts/3/4"]
    assert (story["complete"], story["now"]["state"]) == (True, "resolved")
    for window in (("--all",), ("--since", "23h")):
        (story,) = json.loads(run("alert:gk", "-o", "json", *window).stdout)["stories"]
        assert [one["source"] for one in story["inputs"]] == [f"alerts/3/{number}" for number in range(1, 5)]


def test_a_bare_key_tells_alert_and_case(told: None, run: Run) -> None:
    result = run("gk")
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if line in ("alert:gk", "case:gk")] == ["alert:gk", "case:gk"]
    assert f"resolved at {A}" in result.stdout


def test_nothing_is_known(told: None, run: Run) -> None:
    for name in ("nobody", "alerts/0/99"):
        result = run(name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"nothing is known of {name} since " in result.stderr
        assert "--all looks at everything" in result.stderr
    assert "since" not in run("nobody", "--all").stderr.splitlines()[0]


@pytest.mark.parametrize("arguments", [[], [" "], ["x", "--since", "1h", "--all"], ["x", "-o", "yaml"]])
def test_used_wrongly(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_topics_that_are_missing(told: None, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERLINE_PREFIX", "elsewhere.")
    result = run("gk")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "elsewhere.deliveries: missing (pagerline topics apply creates it)" in result.stderr


def test_no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERLINE_BROKERS", "127.0.0.1:1")
    result = run("gk")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "broker answers" in result.stderr


def test_help_has_an_example(run: Run) -> None:
    assert "  pagerline explain case:" in run("--help").output.partition("Example")[2]
