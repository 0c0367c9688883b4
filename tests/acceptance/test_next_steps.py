"""What `sandbox up` and `demo --keep` say to try next works as it is printed, in a terminal that knows nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from streams.sandbox.process import Child

READY_SECONDS = 120
"""For Kafka, simulator and worker on a busy machine."""

LAST = "/metrics | grep '^pagerline_outcomes_total'"


async def hint(log: Path, sandbox: Child) -> list[str]:
    """The commands that the sandbox prints when it is up: the indented lines."""
    async with asyncio.timeout(READY_SECONDS):
        while not (text := log.read_text() if log.exists() else "").rstrip().endswith(LAST):
            assert sandbox.returncode is None, text
            await asyncio.sleep(0.2)
    return [line.strip() for line in text.splitlines() if line.startswith("  ")]


@pytest.mark.timeout(300)
async def test_every_command_of_the_hint_works(tmp_path: Path) -> None:
    log = tmp_path / "sandbox.log"
    program = (sys.executable, "-m", "streams.cli.main", "sandbox", "up")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PAGERLINE_")}
    sandbox = Child.start(program, log=log, env=env, cwd=tmp_path)
    try:
        commands = await hint(log, sandbox)
        assert sum("pagerline " in command for command in commands) >= 4
        script = "\n".join(["set -eux -o pipefail", *commands])
        shell = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            script,
            cwd=tmp_path,
            env={"PATH": os.defpath, "HOME": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await shell.communicate()
        text = output.decode()
        assert shell.returncode == 0, text
        assert "by-team" in text
        assert "PagerDuty's incident is open at account:main" in text.split("pagerline explain CASE-1")[1]
        assert "OK: every input has its outcome" in text
        assert 'pagerline_outcomes_total{reason="delivered"' in text
        sandbox.signal(signal.SIGINT)
        assert await sandbox.wait(60) == 0
    finally:
        await sandbox.kill()
        sandbox.close()
