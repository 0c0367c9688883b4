"""`pagerline sandbox cases`, as a person uses it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from streams.sandbox.case_system.cli import cases


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cases, ["--db", str(folder / "cases.sqlite"), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_case_is_shown_with_what_is_wrong(tmp_path: Path) -> None:
    run(tmp_path, "open", "Checkout is slow", "--description", "5 s for a page")
    run(tmp_path, "comment", "CASE-1", "Looking at it")
    told = run(tmp_path, "show", "CASE-1")
    assert "  description: 5 s for a page\n" in told
    assert "Looking at it" in told
