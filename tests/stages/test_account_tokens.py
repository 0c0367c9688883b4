"""Accounts that nobody can speak to, for their token or the proxy: that is told, and stops nothing."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from streams.documents.integration import Integration
from streams.documents.secrets import Secret
from streams.documents.snapshot import NOTHING, Snapshot
from streams.pagerduty.answers import TryAgain
from streams.sandbox.pagerduty import Simulator
from streams.stages.accounts import AccountClients
from streams.sync.plan import Look


class OpenLease:
    """A worker that may always speak."""

    valid = True

    async def hold(self) -> None:
        return None


def clients_of(integration: Integration) -> AccountClients:
    documents = Snapshot(NOTHING.connectors, NOTHING.problems, MappingProxyType({"main": integration}))
    lease: Any = OpenLease()
    return AccountClients(
        documents=lambda: documents, lease=lease, api_url="", timeout=5.0, connections=1, now_ms=lambda: 0
    )


@pytest.mark.parametrize("content", ["token-of-ours\nanother-line\n", "token-of-ours\0"])
async def test_a_token_file_of_several_lines_is_named_and_not_sent(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    async with Simulator() as sim:
        integration = Integration("main", "Main", Secret(f"file:{file}"), "bot@example.com", base_url=sim.api_url)
        clients = clients_of(integration)
        try:
            answer = await clients.call("main", lambda api: api.abilities())
        finally:
            await clients.close()
    assert answer.status is None
    assert f"file {file} gives more than one line" in str(answer.error)
    assert "ours" not in str(answer.error)


async def test_a_proxy_that_cannot_be_used_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:hush@proxy:port")
    monkeypatch.setenv("NO_PROXY", "")
    integration = Integration("main", "Main", Secret("token"), "bot@example.com", base_url="http://pagerduty.example")
    clients = clients_of(integration)
    answer = await clients.call("main", lambda api: api.abilities())
    assert answer.status is None
    performed = await clients.perform({"integration": "main", "service": "x"}, Look("Q1", 0))
    assert isinstance(performed.result, TryAgain)
    for told in (str(answer.error), performed.result.words):
        assert told.startswith("HTTP_PROXY=")
        assert "hush" not in told


async def test_a_token_that_is_away_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with Simulator() as sim:
        integration = Integration("main", "Main", Secret(f"file:{file}"), "bot@example.com", base_url=sim.api_url)
        clients = clients_of(integration)
        try:
            away = await clients.perform({"integration": "main", "service": "x"}, Look("Q1", 0))
            file.write_text("token-of-ours")
            back = await clients.call("main", lambda api: api.abilities())
        finally:
            await clients.close()
    assert isinstance(away.result, TryAgain)
    assert str(file) in away.result.words
    assert back.status == 200
