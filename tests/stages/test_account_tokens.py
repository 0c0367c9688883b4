"""An account's token stands in a header of every call: what can be in none is told, and stops nothing."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from streams.documents.integration import Integration
from streams.documents.secrets import Secret
from streams.documents.snapshot import NOTHING, Snapshot
from streams.sandbox.pagerduty import Simulator
from streams.stages.accounts import AccountClients


class OpenLease:
    """A worker that may always speak."""

    valid = True

    async def hold(self) -> None:
        return None


@pytest.mark.parametrize("content", ["token-of-ours\nanother-line\n", "token-of-ours\0"])
async def test_a_token_file_of_several_lines_is_named_and_not_sent(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    async with Simulator() as sim:
        integration = Integration("main", "Main", Secret(f"file:{file}"), "bot@example.com", base_url=sim.api_url)
        documents = Snapshot(NOTHING.connectors, NOTHING.problems, MappingProxyType({"main": integration}))
        lease: Any = OpenLease()
        clients = AccountClients(
            documents=lambda: documents, lease=lease, api_url="", timeout=5.0, connections=1, now_ms=lambda: 0
        )
        try:
            answer = await clients.call("main", lambda api: api.abilities())
        finally:
            await clients.close()
    assert answer.status is None
    assert f"file {file} gives more than one line" in str(answer.error)
    assert "ours" not in str(answer.error)
