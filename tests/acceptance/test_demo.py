"""The demo: its verdict is yes for the worker, and no for one that loses a single event or writes a comment twice."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

DEMO = (sys.executable, "-m", "streams.cli.main", "sandbox", "demo")
BROKEN = Path(__file__).with_name("broken_worker.py")
CARELESS = Path(__file__).with_name("careless_worker.py")


async def run(*arguments: str, folder: Path, **settings: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *DEMO,
        *arguments,
        cwd=folder,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.timeout(240)
async def test_the_worker_loses_nothing_and_both_sides_are_in_step(tmp_path: Path) -> None:
    code, output = await run(folder=tmp_path, PAGERLINE_PREFIX="of.something.else.")
    assert code == 0, output
    assert "every input has its outcome" in " ".join(output.split())
    assert "2 Cases beside their incidents" in output, output
    assert "every comment stands once on either side" in output, output
    assert output.count("in step") == 2, output


@pytest.mark.timeout(240)
async def test_one_lost_event_is_found_out(tmp_path: Path) -> None:
    code, output = await run("--worker", f"{sys.executable} {BROKEN}", folder=tmp_path)
    assert code == 1, output
    assert "missing" in output.lower(), output


@pytest.mark.timeout(240)
async def test_a_comment_written_twice_is_found_out(tmp_path: Path) -> None:
    code, output = await run("--worker", f"{sys.executable} {CARELESS}", folder=tmp_path)
    assert code == 1, output
    assert "comment_doubled" in output, output
    assert "missing" not in output.lower(), output
