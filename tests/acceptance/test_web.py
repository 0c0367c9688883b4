"""`pagerline web` and `pagerline send` on a running installation, with a key that PagerDuty knows and another."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from streams.sandbox.kafka import Kafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.process import Child
from streams.sandbox.pytest_plugin import StartWorker
from tests.acceptance.running import Installation, alert
from tests.acceptance.test_replay import pagerline

KNOWN = "930" + "a" * 26 + "0d1"
UNKNOWN = "931" + "b" * 26 + "0d1"
TOKEN = "a-token-of-the-tests"
WITHIN = 60
"""Seconds that a test waits before it fails."""


def connector(name: str, key: str) -> str:
    return f'{{kind: connector, id: {name}, type: PAGERDUTY, name: {name}, fields: {{integrationKey: "{key}"}}}}'


class Web:
    """`pagerline web` as a process, and a client of it."""

    def __init__(self, folder: Path, settings: dict[str, str], bind: str = "127.0.0.1:0") -> None:
        self.log = folder / "web.log"
        self.log.unlink(missing_ok=True)
        env = {**settings, "PAGERLINE_WEB_BIND": bind, "PAGERLINE_WEB_TOKEN": TOKEN}
        self.child = Child.start((sys.executable, "-m", "streams.cli.main", "web"), env=env, cwd=folder, log=self.log)
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})

    async def __aenter__(self) -> Web:
        async with asyncio.timeout(WITHIN):
            while (found := re.search(r"(http://127\.0\.0\.1:\d+)", self.log.read_text())) is None:
                assert self.child.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)
        self.url = found[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self.child.kill()
        self.child.close()

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status and parsed body."""
        async with self._session.request(method, self.url + path, **more) as answer:
            body = await answer.read()
            assert KNOWN.encode() not in body
            assert UNKNOWN.encode() not in body
            return answer.status, orjson.loads(body)


async def test_send_and_the_api_on_a_running_installation(
    pagerline_kafka: Kafka, pagerline_prefix: str, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    async with Simulator(limit=None, known_keys=[KNOWN]) as simulator:
        running = Installation(pagerline_kafka.bootstrap, pagerline_prefix, simulator)
        await running.make_topics()
        await running.apply(f"{connector('good', KNOWN)}\n---\n{connector('bad', UNKNOWN)}")
        await pagerline_worker(**running.settings)

        code, out, told = await pagerline(running.settings, tmp_path, "send", "--connector", "good")
        assert (code, out) == (0, "success: Event processed\n"), told
        assert [line.split()[1] for line in told.splitlines()][1:] == ["trigger", "resolve"]
        (incident,) = simulator.incidents()
        assert incident.status == "resolved"
        code, out, told = await pagerline(running.settings, tmp_path, "send", "--connector", "bad", "-o", "json")
        assert code == 1
        assert orjson.loads(out)["trigger"]["reason"] == "unknown_routing_key"
        code, out, told = await pagerline(running.settings, tmp_path, "send", "--connector", "nobody")
        assert (code, out) == (1, "")
        assert "there is no connector/nobody" in told

        async with Web(tmp_path, running.settings) as web:
            await the_api(web, running, simulator)
            web.child.signal(signal.SIGTERM)
            assert await web.child.wait(WITHIN) == 0
        assert "Traceback" not in web.log.read_text()
        assert TOKEN not in web.log.read_text()


async def the_api(web: Web, running: Installation, simulator: Simulator) -> None:
    status, sent = await web.ask("POST", "/api/v1/send", json={"connectorId": "good", "entityType": "CASES"})
    assert (status, sent["ok"], sent["message"]) == (200, True, "success: Event processed")
    assert sent["incident"].startswith("case:pagerline-test/")
    assert {incident.status for incident in simulator.incidents()} == {"resolved"}
    path = "/notifications/notification-center/v1/connectors:test"
    status, tested = await web.ask("POST", path, json={"connectorId": "bad", "payloadType": "triggered"})
    assert status == 200
    assert "routing_key" in tested["result"]["failure"]["message"], tested

    status, told = await web.ask("GET", f"/api/v1/explain/{sent['incident']}")
    assert (status, told["stories"][0]["now"]["state"]) == (200, "resolved")
    status, told = await web.ask("GET", "/api/v1/explain/nothing-of-that-name")
    assert (status, told["type"]) == (404, "urn:pagerline:problem:not-found")

    await running.send("alerts", "disk/web-1", [alert("disk/web-1", destinations=[{"connectorId": "bad"}])])
    await running.settled()
    status, listed = await web.ask("GET", "/api/v1/dead-letters?reason=unknown_routing_key")
    assert status == 200
    letter = next(one["id"] for one in listed["deadLetters"] if one["incident"] == "alert:disk/web-1")
    for name in (letter, letter.replace("/", "%2F").replace("@", "%40")):
        status, shown = await web.ask("GET", f"/api/v1/dead-letters/{name}")
        assert (status, shown["deadLetters"][0]["incident"]) == (200, "alert:disk/web-1")
    replay = "/api/v1/dead-letters/replay"
    status, done = await web.ask("POST", replay, json={"ids": [letter], "to": "good", "dryRun": True})
    assert (status, [one["id"] for one in done["sent"]]) == (200, [letter])
    status, done = await web.ask("POST", replay, json={"ids": [letter], "to": "good"})
    assert (status, done["sent"][0]["result"]["status"]) == (200, "delivered")
    status, done = await web.ask("POST", replay, json={"ids": [letter]})
    assert (status, done["sent"], [one["id"] for one in done["before"]]) == (200, [], [letter])
    status, told = await web.ask("POST", replay, json={"ids": ["alerts/0/99@-"]})
    assert (status, "alerts/0/99@-" in told["detail"]) == (404, True)
    status, told = await web.ask("POST", replay, json={})
    assert (status, told["errors"][0]["field"]) == (400, "ids")

    status, told = await web.ask("POST", "/api/v1/preview", json={"event": alert("disk/web-1"), "connectorId": "good"})
    assert status == 200
    assert told["preview"]["outcomes"][0]["request"]["body"]["routing_key"].startswith("…")
    headers = {"Content-Type": "application/yaml"}
    document = connector("better", KNOWN).encode()
    status, told = await web.ask("POST", "/api/v1/documents/apply", data=document, headers=headers)
    assert (status, told["changes"]) == (200, [{"verb": "created", "document": "connector/better"}])
    status, told = await web.ask("GET", "/api/v1/documents/connector/better")
    assert (status, told["fields"]["integrationKey"]) == (200, "…0d1")
    # PagerDuty knows no token of ours; here it is told to try again, as long as there is no such integration.
    status, told = await web.ask("POST", "/webhooks/pagerduty/nobody", headers={"Authorization": ""}, data=b"{}")
    assert (status, told["outcome"]) == (503, "unknown_integration")

    await running.settled()
    status, lag = await web.ask("GET", "/api/v1/lag")
    assert (status, lag["stages"]["route"], lag["stages"]["dispatch"]) == (200, 0, 0)


async def test_it_refuses_to_listen_for_everybody_without_a_token(tmp_path: Path) -> None:
    settings = {"PAGERLINE_WEB_BIND": "0.0.0.0:0", "PAGERLINE_SECRET_KEYS": Installation("", "", Simulator()).key}
    code, out, told = await pagerline(settings, tmp_path, "web")
    assert (code, out) == (2, "")
    assert told.startswith("pagerline: PAGERLINE_WEB_BIND=0.0.0.0:0: can be reached from other machines")
    assert "PAGERLINE_WEB_TOKEN" in told
