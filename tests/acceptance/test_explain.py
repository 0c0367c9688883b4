"""What `pagerline explain` tells of lives with every kind of end, while they go on and afterwards; and no secret."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from streams.documents.secrets import destination_id
from streams.sandbox.kafka import Kafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.verify import secrets_found
from tests.acceptance.running import Installation, alert, case
from tests.acceptance.test_replay import pagerline

ALPHA = "930" + "a" * 26 + "0d1"
FALLBACK = "931" + "f" * 26 + "0d2"
UNKNOWN = "932" + "e" * 26 + "0d3"

CONNECTORS = f"""
kind: connector
id: teams
type: PAGERDUTY
name: Teams
fields:
  integrationKey: "{FALLBACK}"
  dynamicintegrationKey: "{{% if alert.groups['team_name'] == 'alpha' %}} {ALPHA} {{% endif %}}"
---
kind: connector
id: broken
type: PAGERDUTY
name: Broken
fields: {{integrationKey: "{UNKNOWN}"}}
"""

WAIT_SECONDS = 60.0


class Night:
    """An installation, and somebody who asks."""

    def __init__(self, real: Installation, folder: Path) -> None:
        self.real = real
        self._folder = folder
        self.shown: list[tuple[str, bytes]] = []

    async def send(self, topic: str, key: str, document: dict[str, Any] | bytes) -> str:
        """Produce one record; returns its coordinates without the prefix."""
        value = document if isinstance(document, bytes) else orjson.dumps(document)
        async with AIOKafkaProducer(**self.real.options, acks="all") as producer:
            sent = await producer.send_and_wait(f"{self.real.prefix}{topic}", value, key.encode())
        return f"{topic}/{sent.partition}/{sent.offset}"

    async def alert(self, name: str, status: str = "Triggered", *, to: str = "teams", **more: Any) -> str:
        return await self.send("alerts", name, alert(name, status, destinations=[{"connectorId": to}], **more))

    async def ask(self, *arguments: str) -> tuple[int | None, str, str]:
        code, out, err = await pagerline(self.real.settings, self._folder, "explain", *arguments)
        self.shown.append((" ".join(arguments), (out + err).encode()))
        return code, out, err

    async def story(self, *arguments: str) -> dict[str, Any]:
        """The only story of an id."""
        code, out, err = await self.ask(*arguments, "-o", "json")
        assert code == 0, err
        (story,) = orjson.loads(out)["stories"]
        return dict(story)

    async def until(self, name: str, reason: str, message: str = "", tried: int = 0) -> dict[str, Any]:
        """The story once its input waits for that reason, and has been tried so often."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            story = await self.story(name)
            ends = [ending for one in story["inputs"] for ending in one["endings"]]
            told = any(ending["reason"] == reason and ending["attempts_total"] >= tried for ending in ends)
            if told and message in story["now"]["message"]:
                return story
            assert time.monotonic() < end, story
            await asyncio.sleep(0.3)


def ends_of(story: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["action"], ending["status"], ending["reason"]) for one in story["inputs"] for ending in one["endings"]]


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_every_end_is_told(
    pagerline_apache_kafka: Kafka, pagerline_prefix: str, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    async with Simulator(limit=None, known_keys=[ALPHA, FALLBACK]) as simulator:
        real = Installation(pagerline_apache_kafka.bootstrap, pagerline_prefix, simulator)
        night = Night(real, tmp_path)
        await real.make_topics()
        await real.apply(CONNECTORS)
        first = await pagerline_worker(**real.settings)

        await night.alert("ok", groups={"team_name": "alpha"}, alertDef={"name": "Disk", "priority": "P9"})
        await simulator.seen(lambda entry: entry.dedup_key == "ok", timeout=WAIT_SECONDS)
        resolved = await night.alert("ok", "Resolved")
        await night.alert("x" * 300)
        await simulator.seen(lambda entry: str(entry.dedup_key).startswith("sha256:"), timeout=WAIT_SECONDS)
        simulator.fail("status", destination_id(FALLBACK), action="trigger", status=503, body=b"try later", count=2)
        await night.alert("flaky")
        malformed = await night.send("alerts", "bad", b"not json")
        await night.send("cases", "C-1", case("C-1", "PENDING_ACTIVATION", destinations=[{"connectorId": "teams"}]))
        refused = await night.alert("refused", to="broken")
        nowhere = await night.alert("nowhere", to="absent")
        await real.settled()

        await told_whole(night, resolved)
        await told_of_refusals(night, malformed, refused, nowhere)
        await told_while_it_waits(night, first, pagerline_worker)

        code, out, err = await night.ask("nobody-knows-it")
        assert (code, out) == (1, "")
        assert "nothing is known of nobody-knows-it since 20" in err
        assert "--all" in err
        assert secrets_found(night.shown, [ALPHA, FALLBACK, UNKNOWN, real.key]) == []
        pieces = [key[start : start + 12] for key in (ALPHA, FALLBACK, UNKNOWN) for start in range(0, 21)]
        assert not any(piece.encode() in shown for piece in pieces for _, shown in night.shown)
        assert not any(b"gAAAA" in shown for _, shown in night.shown)


async def told_whole(night: Night, resolved: str) -> None:
    """Delivered: by every form of its id; and a retried one."""
    story = await night.story("alert:ok")
    assert ends_of(story) == [("trigger", "delivered", "delivered"), ("resolve", "delivered", "delivered")]
    trigger, resolve = (one["endings"][0] for one in story["inputs"])
    assert trigger["destination"] == resolve["destination"] == destination_id(ALPHA)
    assert trigger["choice"]["chosen"] == "fields.dynamicintegrationKey"
    assert trigger["choice"]["key"] == "…0d1"
    assert trigger["choice"]["template"] == "{% if alert.groups['team_name'] == 'alpha' %} …0d1 {% endif %}"
    assert resolve["choice"]["pinned"]
    assert "severity" in trigger["render_errors"]
    assert [attempt["status"] for attempt in trigger["attempts"]] == [202]
    assert (story["now"]["state"], story["complete"]) == ("resolved", True)
    assert [(pin["connector"], pin["open"]) for pin in story["pins"]] == [("teams", False)]
    for name in ("ok", "id-ok", resolved, f"{night.real.prefix}{resolved}"):
        other = await night.story(name)
        assert other["incident"] == "alert:ok"
        assert ends_of(other) == ends_of(story)
    hashed = (await night.story("x" * 300))["dedup_key"]
    assert hashed.startswith("sha256:")
    assert (await night.story(hashed))["incident"] == "alert:" + "x" * 300

    (ending,) = (await night.story("flaky"))["inputs"][0]["endings"]
    assert [(one["status"], one["error"]) for one in ending["attempts"]] == [
        (503, "try later"),
        (503, "try later"),
        (202, None),
    ]
    (over,) = ending["choice"]["passed_over"]
    assert over["candidate"] == "fields.dynamicintegrationKey"
    assert "…0d1" in over["template"]

    code, screen, _ = await night.ask("ok")
    print(screen)
    assert code == 0
    assert "\x1b" not in screen
    for words in ("connector teams → key:", "field severity fell back", "202", "│ {% if", "where it is pinned"):
        assert words in screen


async def told_of_refusals(night: Night, malformed: str, refused: str, nowhere: str) -> None:
    """Malformed, skipped, refused by PagerDuty, and without a destination."""
    story = await night.story(malformed)
    assert (story["incident"], ends_of(story)) == (None, [(None, "dead", "not_json")])
    assert ends_of(await night.story("C-1")) == [(None, "skipped", "not_yet_active")]
    story = await night.story("refused")
    (ending,) = story["inputs"][0]["endings"]
    assert (ending["status"], ending["reason"]) == ("dead", "unknown_routing_key")
    assert [attempt["status"] for attempt in ending["attempts"]] == [400]
    assert story["now"]["state"] == "dead"
    assert f"dead-letters replay {night.real.prefix}{refused}@key:" in story["now"]["message"]
    assert ends_of(await night.story(nowhere)) == [("trigger", "dead", "unknown_connector")]


async def told_while_it_waits(night: Night, first: Any, start: StartWorker) -> None:
    """An outage, a superseded trigger, a killed worker, and how it ends."""
    simulator = night.real.simulator
    fault = simulator.fail("status", destination_id(ALPHA), status=503, body=b"down")
    alpha = {"team_name": "alpha"}
    before = await night.alert("slow", groups=alpha)
    story = await night.until("slow", "retrying")
    assert ends_of(story) == [("trigger", "waiting", "retrying")]
    assert story["now"]["state"] == "waiting"
    by = await night.alert("slow", groups=alpha)
    story = await night.until("slow", "superseded_by_trigger")
    assert [ending[1] for ending in ends_of(story)] == ["superseded", "waiting"]
    assert story["inputs"][0]["source"] == f"{night.real.prefix}{before}"
    assert story["inputs"][0]["endings"][0]["by"] == f"{night.real.prefix}{by}"

    story = await night.until("slow", "retrying", tried=2)
    tried = story["inputs"][1]["endings"][0]
    assert {(one["status"], one["error"]) for one in tried["attempts"]} == {(503, "down")}
    await first.kill()
    assert (await night.story("slow"))["inputs"][1]["endings"][0]["attempts_total"] >= tried["attempts_total"]
    await night.alert("unrouted")
    story = await night.until("unrouted", "not_routed", "no worker is running")
    assert story["workers"] == 0
    assert re.search(r"the trigger of \S+alerts/\d+/\d+ has not been routed yet", story["now"]["message"])
    code, screen, _ = await night.ask("slow")
    print(screen)
    assert (code, "no worker is running" in screen) == (0, True)

    simulator.heal(fault)
    await start(**night.real.settings)
    await night.real.settled()
    story = await night.story("slow")
    assert [ending[1] for ending in ends_of(story)] == ["superseded", "delivered"]
    assert story["inputs"][0]["endings"][0]["attempts_total"] >= 1
    ending = story["inputs"][1]["endings"][0]
    assert ending["attempts_total"] > tried["attempts_total"]
    assert [one["status"] for one in ending["attempts"]][:: len(ending["attempts"]) - 1] == [503, 202]
    assert ends_of(await night.story("unrouted")) == [("trigger", "delivered", "delivered")]
