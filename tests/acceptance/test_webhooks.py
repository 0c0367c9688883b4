"""Forged, replayed, truncated and oversized webhooks against `pagerline web` on Apache Kafka, 2,000 a second.

`pytest -s` shows how long the genuine ones took meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from pathlib import Path

import aiohttp
import orjson
import pytest

from streams.kafka.home import home_partition
from streams.sandbox.verify.collect import Reader
from streams.web.webhooks import MOST_BYTES
from tests.acceptance.running import PARTITIONS, Installation
from tests.acceptance.test_replay import pagerline
from tests.acceptance.test_web import TOKEN, Web
from tests.web.webhook_sender import SECRET, SUBSCRIPTION, headers, sample

FORGER = Path(__file__).parents[1] / "web" / "forger.py"
RATE = 2_000
SECONDS = 30 if os.environ.get("FULL_BARS") else 4
PAGERDUTY_WAITS = 5.0
"""Seconds, after which PagerDuty takes a delivery for failed (webhooks v3, delivery)."""
GENUINE = 10 * SECONDS
PATH = "/webhooks/pagerduty/main"

ACCOUNT = f"""
kind: integration
id: main
name: Main
token: "u+tttttttttttttttttt"
from: bot@example.com
webhookSecrets: ["{SECRET}"]
subscription: {SUBSCRIPTION}
"""


class Sender:
    """Sends webhooks to `pagerline web`. `took`: seconds of each genuine one."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url + PATH
        self._session = session
        self.took: list[float] = []

    async def post(self, body: bytes, head: dict[str, str]) -> tuple[int, str]:
        async with self._session.post(self._url, data=body, headers=head) as response:
            return response.status, (await response.json())["outcome"]

    async def genuine(self) -> None:
        """Ten deliveries a second, as long as the forger works, each answered before PagerDuty gives up waiting."""
        started = time.monotonic()
        for number in range(GENUINE):
            await asyncio.sleep(max(0.0, started + number / 10 - time.monotonic()))
            body = sample("incident.acknowledged__user", id=f"genuine-{number:06}")
            sent = time.monotonic()
            async with asyncio.timeout(PAGERDUTY_WAITS):
                assert await self.post(body, headers(body, number=number)) == (202, "accepted")
            self.took.append(time.monotonic() - sent)

    async def nonsense(self) -> None:
        """What else an attacker may try, between the others."""
        known = sample("incident.acknowledged__user", id="genuine-000000")
        large = b"x" * (MOST_BYTES + 1)
        for number in range(GENUINE):
            assert await self.post(known[:-1], headers(known)) == (503, "wrong_secret")  # names our subscription
            assert (await self.post(known[:-1], headers(known, x_webhook_subscription="P")))[0] in (401, 429)
            assert (await self.post(large, headers(large)))[0] in (413, 429)
            if number > GENUINE // 2:
                assert await self.post(known, headers(known, number=number)) == (202, "replayed")


async def counts(web: Web, session: aiohttp.ClientSession) -> dict[str, int]:
    """What the process says of itself."""
    async with session.get(f"{web.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
        page = await response.text()
    found = re.findall(r'^pagerline_webhooks_total\{outcome="(\w+)"\} (\d+)', page, re.MULTILINE)
    return {outcome: int(number) for outcome, number in found}


@pytest.mark.kafka
async def test_forged_webhooks_neither_get_in_nor_in_the_way(real: Installation, tmp_path: Path) -> None:
    Path(tmp_path, "account.yaml").write_text(ACCOUNT)
    code, _, told = await pagerline(real.settings, tmp_path, "apply", "-f", "account.yaml")
    assert code == 0, told
    async with Web(tmp_path, real.settings) as web, aiohttp.ClientSession() as session:
        sender = Sender(web.url, session)
        host, port = web.url.removeprefix("http://").split(":")
        forger = await asyncio.create_subprocess_exec(
            *(sys.executable, str(FORGER), host, port, PATH, str(RATE), str(SECONDS)), stdout=asyncio.subprocess.PIPE
        )
        _, _, (out, _) = await asyncio.gather(sender.genuine(), sender.nonsense(), forger.communicate())
        forged, counted, log = orjson.loads(out), await counts(web, session), web.log.read_text()
    median, most = sorted(sender.took)[GENUINE // 2], max(sender.took)
    print(f"\n{RATE * SECONDS} forged in {forged['seconds']:.1f} s; genuine: median {median:.3f} s, most {most:.3f} s")
    assert forged["answers"] == {"503": RATE * SECONDS}
    assert counted["wrong_secret"] == RATE * SECONDS + GENUINE
    assert counted["accepted"] == GENUINE
    assert counted["replayed"] == GENUINE - GENUINE // 2 - 1
    assert counted["wrong_signature"] + counted["flooded"] + counted["oversized"] == 2 * GENUINE
    assert len(log.splitlines()) < 20
    assert SECRET not in log
    async with Reader(real.brokers) as reader:
        records = [record async for record in reader.records([f"{real.prefix}pagerduty-webhooks"])]
    events = [orjson.loads(orjson.loads(record.value or b"")["body"])["event"]["id"] for record in records]
    assert sorted(events) == [f"genuine-{number:06}" for number in range(GENUINE)]
    assert {record.partition for record in records} == {home_partition(b"account:main", PARTITIONS)}
