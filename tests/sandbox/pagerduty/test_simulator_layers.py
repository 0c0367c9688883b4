"""The rules are pure: HTTP, files and the machine's clock stay at the rim."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import streams.sandbox.pagerduty

PACKAGE = Path(streams.sandbox.pagerduty.__file__).parent
PURE = [
    *("destination", "answers", "validation", "window", "incidents", "journal", "faults", "maintenance", "events_api"),
    *("card", "desk", "directory", "due", "edits", "history", "ids", "reply"),
    *("rest/access", "rest/answers", "rest/api", "rest/directory", "rest/incidents", "rest/journal"),
    *("rest/operations", "rest/subscriptions", "rest/updates"),
    *("webhooks/deliveries", "webhooks/signature", "webhooks/subscriptions", "webhooks/webhooks"),
]
WRITES_TIMES = ["shapes", "rest/request", "webhooks/events"]
"""Pure too, but for the module that knows how a time is written."""
ALONE = {"destination", "answers", "validation", "ids", "rest/journal", "webhooks/deliveries", "webhooks/signature"}
RIM = {"aiohttp", "asyncio", "ssl", "time", "datetime", "click", "cryptography", "uvloop", "pathlib"}
RIM_MODULES = ("control", "courier", "events_http", "http", "http_rim", "simulator", "timer", "tls", "cli")


@pytest.mark.parametrize("module", [*PURE, *WRITES_TIMES])
def test_the_core_knows_nothing_of_the_rim(module: str) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            imported.add(node.module.partition(".")[0])
            assert node.module.rpartition(".")[2] not in RIM_MODULES
    assert "streams" in imported or module in ALONE
    assert not imported & (RIM - {"datetime"} if module in WRITES_TIMES else RIM)
