"""`pagerline preview` as it is typed, by documents from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.cli.preview_screen import difference_lines
from streams.routing.previewed import Difference

KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
DOCUMENTS = f"""
kind: connector
id: payments
type: PAGERDUTY
fields: {{integrationKey: {KEY}}}
---
kind: router
id: payments
name: Payments
labels: {{team: payments}}
rules:
  - {{name: urgent, entity: alerts, condition: alert.highestPriority == "P1", targets: [{{connector: payments}}]}}
"""
ALERT: dict[str, Any] = {
    "_context": {"entityLabels": {"routing.team": "payments"}},
    "alert": {"groupingKey": "disk/web-1", "status": "Triggered", "highestPriority": "P1"},
    "alertDef": {"name": "Disk full"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "documents.yaml").write_text(DOCUMENTS)
    (tmp_path / "alert.json").write_text(json.dumps(ALERT))
    return tmp_path


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["preview", *arguments], input=given)


def offline(*arguments: str, given: str | None = None) -> Result:
    return run("--with", "documents.yaml", "--offline", *arguments, given=given)


def test_what_would_be_sent_is_told_without_kafka_and_without_the_key(folder: Path) -> None:
    result = offline("--event", "alert.json")
    assert result.exit_code == 0, result.stderr
    for told in (
        "alert:disk/web-1: trigger",
        "router payments (team=payments): matches",
        "rule urgent: true, to payments",
        "fields.integrationKey: gives …0d1",
        "POST https://events.pagerduty.com/v2/enqueue",
        '"summary": "Disk full"',
        '"routing_key": "…0d1"',
    ):
        assert told in result.stdout
    assert KEY not in result.stdout


def test_as_json_from_standard_input(folder: Path) -> None:
    result = offline("--event", "-", "-o", "json", given=json.dumps(ALERT))
    assert result.exit_code == 0, result.stderr
    (outcome,) = json.loads(result.stdout)["preview"]["outcomes"]
    assert outcome["request"]["body"]["payload"]["summary"] == "Disk full"
    assert outcome["why"]["rule"] == "urgent"


def test_nothing_to_send_exits_1_and_says_why(folder: Path) -> None:
    (folder / "alert.json").write_text(json.dumps({**ALERT, "_context": {}}))
    result = offline("--event", "alert.json")
    assert result.exit_code == 1
    assert "the event: skipped, no_router_matched" in result.stdout


def test_an_event_that_would_be_a_dead_letter_exits_1(folder: Path) -> None:
    (folder / "alert.json").write_text('{"alert": {"status": "Odd"}}')
    result = offline("--event", "alert.json")
    assert result.exit_code == 1
    assert "wrong_shape" in result.stderr
    assert "/alert/status" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either by --event FILE or by --live"),
        (["--event", "alert.json", "--live"], "either by --event FILE or by --live"),
        (["--live", "--offline", "--with", "documents.yaml"], "--offline goes with"),
        (["--event", "alert.json", "--offline"], "--offline goes with"),
        (["--event", "documents.yaml", "--offline", "--with", "documents.yaml"], "documents.yaml"),
    ],
)
def test_used_wrongly(folder: Path, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_documents_that_are_wrong_are_told_with_their_place(folder: Path) -> None:
    (folder / "documents.yaml").write_text(DOCUMENTS.replace("condition:", "conditon:"))
    result = offline("--event", "alert.json")
    assert result.exit_code == 1
    assert "documents.yaml:12" in result.stderr


def test_the_screen_of_differences() -> None:
    sent = {"outcome": "send", "destination": "key:0123456789abcdef", "reason": "new_pin", "why": {"router": "r"}}
    skipped = {"outcome": "skip", "destination": None, "reason": "no_rule_matched", "why": None}
    found = [
        Difference("connector a", sent, None),
        Difference("the event", None, skipped),
        Difference("connector b: request.body.payload.summary", "before", "after"),
    ]
    assert [line.text for line in difference_lines(found)] == [
        "With the changed documents:",
        "  connector a",
        "    - send, key:0123456789abcdef, by router r",
        "  the event",
        "    + skip, no_rule_matched",
        "  connector b: request.body.payload.summary",
        "    - before",
        "    + after",
    ]
    assert [line.text for line in difference_lines([])] == ["With the changed documents: no difference"]
