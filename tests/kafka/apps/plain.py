"""A worker on Faust as it comes: what its own documentation would have one write."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import faust
import uvloop
from common import Journal, begin, inject, seek, work

from streams.telemetry.logs import logging_config

job = begin()
journal = Journal(job.journal, job.who)
uvloop.install()
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)

app = faust.App(
    job.group,
    env_prefix="PLAIN_",
    broker=f"kafka://{job.brokers}",
    key_serializer="raw",
    value_serializer="raw",
    broker_session_timeout=job.session,
    broker_heartbeat_interval=job.heartbeat,
    broker_commit_interval=job.commit,
    broker_max_poll_interval=job.poll_interval,
    consumer_metadata_max_age_ms=round(job.metadata_age * 1000),
    producer_request_timeout=job.produce_timeout,
    stream_wait_empty=job.wait_empty,
    stream_recovery_delay=0.0,
    topic_allow_declare=False,
    topic_disable_leader=True,
    topic_partitions=job.partitions,
    table_standby_replicas=0,
    web_enabled=False,
    worker_redirect_stdouts=False,
)
table = app.Table(job.table, partitions=job.partitions, key_type=bytes, value_type=bytes) if job.table else None
session: aiohttp.ClientSession | None = None


async def send(event: dict[str, Any]) -> None:
    """Tell the recorder and the out topic that this worker works on the event."""
    global session
    if job.recorder:
        session = session or aiohttp.ClientSession()
        async with session.post(job.recorder, json={"who": job.who, "id": event["id"]}) as response:
            await response.read()
    if job.out:
        value = json.dumps({"who": job.who, "id": event["id"]}).encode()
        await app.topic(job.out, value_type=bytes).send(value=value)


def declare(name: str) -> None:
    topic = app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def agent(stream: Any) -> None:
        async for event in stream.events():
            await work(journal, event.message, send)
            if table is not None:
                table[event.message.key] = event.message.value

    app.agent(topic, name=f"agent-{name}", concurrency=job.concurrency)(agent)


for name in job.topics:
    declare(name)


@app.on_rebalance_complete.connect
async def ready(*_args: Any, **_kwargs: Any) -> None:
    rows = {key.decode(): value.decode() for key, value in table.items()} if table is not None else {}
    owned = sorted([tp.topic, tp.partition] for tp in app.consumer.assignment() if tp.topic in job.topics)
    journal("ready", owned=owned, rows=rows)


@app.task
async def ask() -> None:
    await asyncio.gather(inject(app, job, journal), seek(app, job, journal))


faust.Worker(app, loop=loop, loglevel="info", logging_config=logging_config("INFO")).execute_from_commandline()
