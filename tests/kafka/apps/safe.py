"""The same worker on Pagerline's layer, written as its stages are: lanes, an awaited write, an acknowledgement last."""

from __future__ import annotations

import asyncio
import json
from logging.config import dictConfig
from typing import Any

import faust
import uvloop
from common import Journal, begin, inject, seek, work

from streams.app import current
from streams.kafka.app import SafeApp
from streams.kafka.lanes import Lanes
from streams.kafka.tables import ChangelogTable
from streams.kafka.topics import TopicSpec, ensure_topics
from streams.kafka.watchdog import Watchdog
from streams.pagerduty.events import EventsClient, StaleWorker
from streams.telemetry.logs import logging_config

job = begin()
journal = Journal(job.journal, job.who)
logging = logging_config("INFO")
dictConfig(logging)
uvloop.install()
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)

options = {"bootstrap_servers": [job.brokers]}
app = SafeApp(
    job.group,
    options=options,
    session_seconds=job.session,
    heartbeat_seconds=job.heartbeat,
    partitions=job.partitions,
)
table: ChangelogTable | None = None
if job.table:
    table = ChangelogTable(app, name=job.table, partitions=job.partitions)
    app.tables.add(table)
lanes = Lanes(lambda error: loop.create_task(app.crash(error)), job.lanes)
watchdog = Watchdog(app)
client = EventsClient(job.recorder or "", timeout=10.0, connections=4, may_send=lambda: app.lease.valid)


async def send(event: dict[str, Any]) -> None:
    """Tell the recorder and the out topic, in the way the dispatch stage sends."""
    if job.recorder:
        while True:
            await app.lease.hold()
            try:
                await client.enqueue({"action": job.who, "dedup_key": event["id"]}, "key")
                break
            except StaleWorker:
                continue
    if job.out:
        await app.records.send(job.out, None, json.dumps({"who": job.who, "id": event["id"]}).encode())


async def finish(message: Any, ack: Any) -> None:
    await work(journal, message, send)
    if table is not None:
        await table.write(app.records, message.partition, message.key, message.value)
        journal("written", key=message.key.decode())
    ack()


def declare(name: str) -> None:
    topic = app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def agent(stream: Any) -> None:
        async for event in current(app, stream):
            message, ack = event.message, event.ack
            lane = f"{message.partition}/{message.key!r}"
            await lanes.put(lane, lambda message=message, ack=ack: finish(message, ack))

    app.agent(topic, name=f"agent-{name}")(agent)


async def prepare() -> None:
    watchdog.start()
    await client.__aenter__()
    specs = [TopicSpec(*spec) for spec in job.ensure]
    if specs:
        states = await ensure_topics(specs, replication=1, options=options)
        journal("topics", created=[state.spec.name for state in states if state.created])


async def drain() -> None:
    journal("drain")
    await lanes.drain(job.drain)
    journal("drained")


async def ready() -> None:
    rows = [] if table is None else list(table.rows.items())
    journal(
        "ready",
        owned=sorted([tp.topic, tp.partition] for tp in app.consumer.assignment() if tp.topic in job.topics),
        rows={key.decode(): value.decode() for _partition, key, value in rows},
        partitions=sorted({partition for partition, _key, _value in rows}),
    )


async def beat() -> None:
    while True:
        await asyncio.sleep(0.5)
        watchdog.turned()


for name in job.topics:
    declare(name)
app.on_prepare.append(prepare)
app.on_drain.append(drain)
app.on_ready.append(ready)
loop.create_task(beat())
loop.create_task(inject(app, job, journal))
loop.create_task(seek(app, job, journal))


class Process(faust.Worker):
    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await client.__aexit__()


Process(app, loop=loop, loglevel="info", logging_config=logging).execute_from_commandline()
