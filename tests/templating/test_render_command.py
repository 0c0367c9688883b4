"""`pagerline render`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.render import render


@pytest.fixture
def event(tmp_path: Path) -> str:
    path = tmp_path / "event.json"
    path.write_text('{"alertDef": {"name": "CPU é"}}', encoding="utf-8")
    return str(path)


def test_the_text_alone_is_printed(event: str) -> None:
    result = CliRunner().invoke(render, ["a\r\n{{ alertDef.name | lower }}", "--context", event])
    assert (result.exit_code, result.stdout_bytes, result.stderr) == (0, "a\r\ncpu é".encode(), "")


def test_a_template_can_come_from_standard_input(event: str) -> None:
    result = CliRunner().invoke(render, ["-", "--context", event], input="{{ alertDef.name }}\n")
    assert (result.exit_code, result.stdout) == (0, "CPU é\n")


def test_missing_data_is_the_answer_no(event: str) -> None:
    result = CliRunner().invoke(render, ["{{ alertDef.nme }}", "--context", event])
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        "cannot be rendered: line 1, column 4: `alertDef.nme` is not there; in `alertDef` there is: name"
        in result.stderr
    )
    assert result.stderr.endswith("     ^\n")


def test_a_wrong_template_is_the_answer_no() -> None:
    result = CliRunner().invoke(render, ["{{ a | default('x') }}"])
    assert result.exit_code == 1
    assert "the template is wrong" in result.stderr
    assert "default(value=" in result.stderr


def test_check_only_compiles() -> None:
    assert CliRunner().invoke(render, ["--check", "{{ not_there }}"]).exit_code == 0
    assert CliRunner().invoke(render, ["--check", "{{ a | uper }}"]).exit_code == 1


def test_now_is_known(event: str) -> None:
    result = CliRunner().invoke(render, ["{{ now() | date(format='%Y') | length }}", "--context", event])
    assert (result.exit_code, result.stdout) == (0, "4")


@pytest.mark.parametrize(("content", "says"), [("{", "not JSON"), ("[1]", "a JSON object")])
def test_a_context_that_is_no_event_is_wrong_use(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(content)
    result = CliRunner().invoke(render, ["x", "--context", str(path)])
    assert result.exit_code == 2
    assert says in result.stderr
