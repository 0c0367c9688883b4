"""A worker that cannot work says so in a line and ends, instead of dead-lettering what another could deliver."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.documents.secrets import new_key
from streams.sandbox.process import Child
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.verify.collect import Reader
from streams.topology import Topology
from tests.acceptance.running import Installation, alert

KEY = "930" + "a" * 26 + "0d1"
CONNECTOR = "{{kind: connector, id: {id}, type: PAGERDUTY, name: N, fields: {{integrationKey: " + KEY + "}}}}"

WITHIN = 60
"""Seconds that a test waits before it fails."""


async def ended(folder: Path, **settings: str) -> tuple[int, list[str]]:
    """Exit code and lines of a worker that ends by itself."""
    log = folder / "refused.log"
    log.unlink(missing_ok=True)
    settings = {"PAGERLINE_HEALTH_BIND": "127.0.0.1:0", "PAGERLINE_LOG_LEVEL": "WARNING", **settings}
    worker = Child.start((sys.executable, "-m", "streams.cli.main", "worker"), env=settings, cwd=folder, log=log)
    try:
        code = await worker.wait(WITHIN)
    finally:
        await worker.kill()
        worker.close()
    return code, log.read_text().splitlines()


async def test_a_second_worker_on_the_port_of_the_first(
    embedded: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    first = await pagerline_worker(ready=False, **embedded.settings)
    bind = first.url.removeprefix("http://")
    async with asyncio.timeout(WITHIN):
        while "health on port" not in first.log():
            await asyncio.sleep(0.1)
    code, lines = await ended(tmp_path, **embedded.settings, PAGERLINE_HEALTH_BIND=bind)
    assert (code, lines) == (
        2,
        [f"pagerline: PAGERLINE_HEALTH_BIND={bind}: Address already in use; name a free port, or 0"],
    )


async def test_no_broker_and_topics_of_another_shape(embedded: Installation, tmp_path: Path) -> None:
    code, lines = await ended(tmp_path, **{**embedded.settings, "PAGERLINE_BROKERS": "127.0.0.1:1"})
    assert (code, len(lines)) == (2, 1)
    assert "no Kafka broker answers at 127.0.0.1:1" in lines[0]
    code, lines = await ended(tmp_path, **{**embedded.settings, "PAGERLINE_PARTITIONS": "3"})
    assert code == 2
    owned_alike = [spec.name for spec in Topology.of(embedded.naming).specs() if spec.exact]
    assert len(lines) == len(owned_alike) > 6
    assert all("PAGERLINE_PARTITIONS says 3" in line for line in lines)


async def test_told_to_end_while_a_broker_keeps_it_waiting(embedded: Installation, tmp_path: Path) -> None:
    connected = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        brokers = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = {**embedded.settings, "PAGERLINE_BROKERS": brokers, "PAGERLINE_HEALTH_BIND": "127.0.0.1:0"}
        program = (sys.executable, "-m", "streams.cli.main", "worker")
        worker = Child.start(program, env=settings, cwd=tmp_path, log=tmp_path / "log")
        try:
            await asyncio.wait_for(connected.wait(), WITHIN)
            worker.signal(signal.SIGTERM)
            assert await worker.wait(WITHIN) == 0, worker.tail()
        finally:
            await worker.kill()
            worker.close()


async def test_a_worker_without_the_right_key_does_not_start(embedded: Installation, tmp_path: Path) -> None:
    await embedded.apply(CONNECTOR.format(id="payments"))
    code, lines = await ended(tmp_path, **{**embedded.settings, "PAGERLINE_SECRET_KEYS": new_key()})
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith(
        "pagerline: not started: PAGERLINE_SECRET_KEYS lacks the key that opens connector/payments; "
    )


@pytest.mark.timeout(240)
async def test_an_event_for_a_connector_that_cannot_be_read_waits_for_a_worker_that_can(
    embedded: Installation, pagerline_worker: StartWorker, tmp_path: Path
) -> None:
    old, new = embedded.key, new_key()
    await embedded.apply(CONNECTOR.format(id="first"))
    worker = await pagerline_worker(**embedded.settings)
    newer = replace(embedded, key=new)
    await newer.apply(CONNECTOR.format(id="first"))  # the version before goes on being used
    await embedded.send("alerts", "one", [alert("one", destinations=[{"connectorId": "first"}])])
    await embedded.simulator.seen(lambda entry: entry.dedup_key == "one", timeout=WITHIN)
    assert worker.returncode is None
    await newer.apply(CONNECTOR.format(id="second"))
    async with asyncio.timeout(WITHIN):
        while worker.returncode is None:
            await asyncio.sleep(0.1)
    assert worker.returncode == 1
    assert (
        "CRITICAL pagerline.kafka: worker ends: PAGERLINE_SECRET_KEYS lacks the key that opens connector/second; "
        in (worker.log())
    )
    await embedded.send("alerts", "two", [alert("two", destinations=[{"connectorId": "second"}])])
    code, _ = await ended(tmp_path, **embedded.settings)
    assert code == 2
    await pagerline_worker(**{**embedded.settings, "PAGERLINE_SECRET_KEYS": f"{new},{old}"})
    await embedded.simulator.seen(lambda entry: entry.dedup_key == "two", timeout=WITHIN)
    await embedded.settled()
    letters: list[Any] = []
    async with Reader(embedded.brokers) as reader:
        async for record in reader.records([f"{embedded.prefix}dead-letters"]):
            letters.append(orjson.loads(record.value or b""))
    assert letters == []
