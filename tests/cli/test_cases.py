"""`pagerline cases`, as a user runs it."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from streams import contracts
from streams.cli.cases import describe
from streams.cli.main import main
from streams.project.row import CaseRow
from streams.updates import Update

LINKED, ACKNOWLEDGED, COMMENT, FAILED, REOPENED = contracts.schema("case-updates")["examples"]

Run = Callable[..., Result]
Put = Callable[..., None]


def folded(case: str, *examples: dict[str, Any], at: int = 0) -> CaseRow:
    row = CaseRow(case)
    for example in examples:
        row = row.after(Update.from_json({**example, "case": case}), example["recorded_at"] + at)
    return row


@pytest.fixture
def put(pagerline_kafka: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Put:
    """Writes rows (None: a tombstone) as stage project does."""
    prefix = f"t{uuid.uuid4().hex[:12]}."
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGERLINE_BROKERS", pagerline_kafka.bootstrap)
    monkeypatch.setenv("PAGERLINE_PREFIX", prefix)
    monkeypatch.setenv("PAGERLINE_PARTITIONS", "3")
    assert CliRunner().invoke(main, ["topics", "apply"]).exit_code == 0

    async def write(rows: dict[str, CaseRow | None]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=pagerline_kafka.bootstrap) as producer:
            for case, row in rows.items():
                value = None if row is None else orjson.dumps(row.to_json())
                await producer.send_and_wait(f"{prefix}pagerline-cases-changelog", value, case.encode())

    return lambda **rows: asyncio.run(write(rows))


@pytest.fixture
def run() -> Run:
    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, ["cases", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def test_a_new_installation_has_no_cases(put: Put, run: Run) -> None:
    assert run("list").stderr == "pagerline: no such Case\n"
    assert run("list", "-o", "json").stdout == "[]\n"
    shown = run("show", "CASE-1")
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "nothing is known of Case CASE-1" in shown.stderr


def test_listing_and_filtering_and_one_of_them(put: Put, run: Run) -> None:
    put(A=folded("A", LINKED), B=folded("B", FAILED, at=1), GONE=folded("GONE", LINKED))
    put(
        A=folded("A", LINKED, ACKNOWLEDGED, COMMENT, at=2),
        C=folded("C", LINKED, REOPENED, at=3),
        GONE=None,
    )

    def listed(*arguments: str) -> list[str]:
        result = run("list", "-o", "json", *arguments)
        assert result.exit_code == 0
        return [row["case"] for row in json.loads(result.stdout)]

    assert listed() == ["C", "A", "B"]
    assert listed("--status", "resolved") == ["C"]
    assert listed("--conflicts") == ["C"]
    assert listed("--errors") == ["B"]
    assert listed("--unlinked") == ["B"]
    assert listed("--unlinked", "--conflicts") == ["C", "B"]
    assert listed("--status", "OPEN", "--conflicts") == []

    table = run("list").stdout.splitlines()
    assert table[0].split()[:3] == ["CASE", "STATUS", "INCIDENT"]
    assert table[2].split()[:7] == ["A", "OPEN", "#42", "acknowledged", "Payments", "1", "comment"]
    assert "error: no service is called Paymnets" in table[3]

    shown = run("show", "C")
    assert shown.exit_code == 0
    assert "conflict   the Case is resolved; the incident was reopened by Ada" in shown.stdout
    assert json.loads(run("show", "A", "-o", "json").stdout)["links"]["account:main"]["comments_total"] == 1
    assert run("show", "GONE").exit_code == 1


def test_what_comes_from_outside_cannot_steer_the_terminal() -> None:
    hostile = {**COMMENT, "actor": {"kind": "user", "id": None, "name": "\x1b[2Jx\nrm", "email": None}}
    text = "\n".join(describe(folded("C\x1b[31m", LINKED, hostile)))
    assert "\x1b[2J" not in text
    assert "\x1b[31m" not in text
    assert "�[2Jx rm" in text


def test_a_status_that_is_none_is_refused(run: Run) -> None:
    assert run("list", "--status", "DONE").exit_code == 2
