"""The rules are pure: HTTP, files and the machine's clock stay at the rim."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import streams.sandbox.pagerduty

PACKAGE = Path(streams.sandbox.pagerduty.__file__).parent
PURE = ["destination", "answers", "validation", "window", "incidents", "journal", "faults", "maintenance", "events_api"]
RIM = {"aiohttp", "asyncio", "ssl", "time", "datetime", "click", "cryptography", "uvloop", "pathlib"}


@pytest.mark.parametrize("module", PURE)
def test_the_core_knows_nothing_of_the_rim(module: str) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            imported.add(node.module.partition(".")[0])
            assert node.module.rpartition(".")[2] not in ("events_http", "control", "simulator", "tls", "cli")
    assert "streams" in imported or module in ("destination", "answers", "validation")
    assert not imported & RIM
