"""`pagerline doctor`: from an installation with nothing set up to webhooks that arrive, and what it says in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from streams.documents.follower import Follower
from streams.documents.secrets import Cipher
from streams.documents.snapshot import Snapshot
from streams.sandbox.pytest_plugin import StartWorker
from streams.settings import load
from streams.web.app import web_app
from tests.acceptance.running import Installation
from tests.acceptance.test_replay import pagerline

KEY = "930" + "a" * 26 + "0d1"
TOKEN = "u+" + "t" * 18

CONNECTOR = f"""
kind: connector
id: payments
type: PAGERDUTY
name: Payments
fields: {{integrationKey: "{KEY}"}}
"""
ACCOUNT = f"""
kind: integration
id: main
name: Main
token: "{TOKEN}"
from: alex@example.com
baseUrl: URL
---
kind: connector
id: cases
type: PAGERDUTY_INCIDENTS
name: Cases
fields: {{integrationId: main, service: Payments}}
"""


@asynccontextmanager
async def webserver(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """What `pagerline web` serves, in this process; gives its URL."""
    for name, value in installation.settings.items():
        monkeypatch.setenv(name, value)
    runner = web.AppRunner(web_app(load(None)), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Clinic:
    """An installation, and somebody who asks how it is."""

    def __init__(self, embedded: Installation, folder: Path) -> None:
        self.embedded = embedded
        self._folder = folder

    async def doctor(self, *arguments: str) -> tuple[int | None, str]:
        """Exit code and output. No secret may be in it."""
        code, out, err = await pagerline(self.embedded.settings, self._folder, "doctor", *arguments)
        for secret in (KEY, TOKEN, *(one.secret for one in self.embedded.simulator.webhooks.subscriptions)):
            assert secret not in out + err
        return code, out + err

    async def apply(self, yaml: str) -> None:
        Path(self._folder, "documents.yaml").write_text(yaml)
        code, _, err = await pagerline(self.embedded.settings, self._folder, "apply", "-f", "documents.yaml")
        assert code == 0, err


@pytest.fixture
def clinic(embedded: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setenv("NO_PROXY", "*")
    return Clinic(embedded, tmp_path)


async def documents(installation: Installation) -> Snapshot:
    topic = f"{installation.prefix}connectors"
    async with Follower(installation.options, topic, Cipher([installation.key])) as follower:
        return follower.snapshot


async def test_an_installation_as_it_comes_to_be(clinic: Clinic, pagerline_worker: StartWorker) -> None:
    embedded = clinic.embedded
    code, told = await clinic.doctor()
    assert code == 0
    assert "there is no connector" in told
    await clinic.apply(CONNECTOR)
    worker = await pagerline_worker(**embedded.settings)
    code, told = await clinic.doctor()
    assert (code, "wrong" in told) == (0, False), told
    assert "ok    keys: PagerDuty knows 1 of 1" in told
    assert embedded.simulator.incidents(KEY) == []
    await worker.close()
    embedded.simulator.fail("status", status=400, body=b"Invalid routing key")
    code, told = await clinic.doctor()
    assert (code, "wrong keys: …0d1 of connector payments is refused (unknown_routing_key)" in told) == (1, True), told
    code, told = await clinic.doctor("-o", "json", "--offline")
    assert code == 0
    assert {one["about"] for one in orjson.loads(told)} == {"brokers", "topics", "workers", "documents"}


async def test_webhooks_from_nothing_to_their_arrival(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded, sim = clinic.embedded, clinic.embedded.simulator
    sim.rest.add_service("Payments")
    await clinic.apply(ACCOUNT.replace("URL", sim.api_url))
    code, told = await clinic.doctor("--integration", "main")
    assert (code, "wrong subscription: there is none" in told) == (1, True), told
    async with webserver(embedded, monkeypatch) as url:
        code, told = await clinic.doctor("--integration", "main", "--webhook-url", url, "--repair")
        assert (code, "ok    webhooks: a test came from PagerDuty into Kafka" in told) == (0, True), told
        [made] = sim.webhooks.subscriptions
        stored = (await documents(embedded)).integrations["main"]
        assert stored.subscription == made.id
        assert [one.reveal() for one in stored.webhook_secrets] == [made.secret]
        # The same files, applied once more, do not name what the doctor has stored, and take nothing away.
        await clinic.apply(ACCOUNT.replace("URL", sim.api_url))
        sim.webhooks.disable(made.id)
        code, told = await clinic.doctor("--integration", "main")
        assert (code, "because its webhooks failed" in told) == (1, True), told
        code, told = await clinic.doctor("--integration", "main", "--repair")
        assert code == 0, told
    code, told = await clinic.doctor("--integration", "main")
    assert (code, "has not come within" in told) == (1, True), told


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--repair"], 2, "add --integration ID"),
        (["--integration", "main", "--offline"], 2, "leave --offline out"),
        (["--integration", "nobody"], 1, "there is no integration/nobody; there is: none"),
    ],
)
async def test_what_cannot_be_done_is_said(clinic: Clinic, arguments: list[str], code: int, words: str) -> None:
    found, told = await clinic.doctor(*arguments)
    assert (found, words in told) == (code, True), told


async def test_without_a_broker_and_without_topics(clinic: Clinic) -> None:
    embedded = clinic.embedded
    embedded.brokers, brokers = "127.0.0.1:1", embedded.brokers
    code, told = await clinic.doctor()
    assert (code, told.startswith("wrong brokers: no Kafka broker answers at 127.0.0.1:1")) == (1, True), told
    embedded.brokers, embedded.prefix = brokers, "nowhere-"
    code, told = await clinic.doctor()
    assert code == 1
    assert "wrong topics: missing: nowhere-alerts, nowhere-cases, " in told
    assert told.count("wrong topics") == 1
