"""What docs/tutorial.md and docs/api.md tell people to paste works as it stands, in a terminal that knows nothing."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from streams.sandbox.process import Child, free_port
from tests.acceptance.test_next_steps import hint

DOCS = Path(__file__).parents[2] / "docs"
WEB_SECONDS = 60
"""For the web process on a busy machine; the tutorial itself asks for patience of its reader."""


def blocks(page: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


async def pasted(lines: list[str], home: Path) -> str:
    """Run the lines in one shell that ends at the first that fails; returns all that was printed."""
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        "\n".join(["set -eu -o pipefail", "trap 'kill $(jobs -p) 2>/dev/null' EXIT", *lines]),
        cwd=home,
        env={"PATH": os.defpath, "HOME": str(home)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await shell.communicate()
    text = output.decode()
    assert shell.returncode == 0, text
    return text


@pytest.mark.timeout(300)
async def test_the_tutorial_and_the_page_of_the_api(tmp_path: Path) -> None:
    log = tmp_path / "sandbox.log"
    program = (sys.executable, "-m", "streams.cli.main", "sandbox", "up")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PAGERLINE_")}
    sandbox = Child.start(program, log=log, env=env, cwd=tmp_path)
    try:
        commands = await hint(log, sandbox)
        settings = [command for command in commands if command.startswith((". ", "export "))]
        port = free_port()
        # Other tests may have the port of the tutorial; and what it waits for may be slow here.
        bind = f"export PAGERLINE_WEB_BIND=127.0.0.1:{port}"
        waiting = f"curl -s --retry {WEB_SECONDS} --retry-delay 1 --retry-connrefused"
        tutorial = [
            block.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
            .replace("sleep 3", "settled")
            .replace("curl -s", waiting)
            for block in blocks("tutorial.md")
        ]
        settled = "settled() { until pagerline lag --max 0 >/dev/null 2>&1; do sleep 0.3; done; }"
        *first, last = tutorial
        told = await pasted(
            [*settings, bind, settled, *first, f"export API=http://127.0.0.1:{port}", *blocks("api.md"), last], tmp_path
        )
    finally:
        sandbox.signal(signal.SIGINT)
        await sandbox.kill()
        sandbox.close()
    at = 0
    for part in (
        "connector by-team",
        "that would change",
        "connector/storage created",
        "connector/by-team deleted",
        "router-storage",
        "…001",
        "is open at key:",
        "is resolved at key:",
        "alertDef.nmae",
        "unknown_connector",
        "delivered\t1",
        '{"stages":{"route":0',
        '"result":{"success"',
        '"verb":"created","document":"router/router-example"',
    ):
        at = told.find(part, at)
        assert at >= 0, f"{part} is missing, or too early, in\n{told}"
