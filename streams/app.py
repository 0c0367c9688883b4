"""What runs: one worker's topics, tables and agents."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import orjson

from streams.documents.log import Follower
from streams.documents.secrets import cipher_of
from streams.documents.snapshot import Snapshot
from streams.errors import SecretError
from streams.kafka.app import SafeApp, end_process
from streams.kafka.tables import ChangelogTable, owned_partitions
from streams.kafka.topics import ensure_topics
from streams.kafka.watchdog import Watchdog
from streams.pagerduty.events import EventsClient
from streams.settings import Settings, kafka_options
from streams.stages.brake import Brake, TokenBucket
from streams.stages.dispatch import IncidentsTable, SealedSender, make_dispatcher
from streams.stages.route import RouteStage
from streams.telemetry.health import HealthServer
from streams.telemetry.metrics import Metrics
from streams.topology import Topology, group_id

log = logging.getLogger("pagerline.worker")

PURGE_SECONDS = 600.0
"""How often closed incidents and pins are looked through; they stay for hours, so minutes do not matter."""

BEAT_SECONDS = 1.0
"""Between the main loop's signs of life; far below what the watchdog takes for standing still (60 s)."""

NAMED = 3
"""Connectors that one line names; there may be a thousand, and the first says which key it is about."""

NEVER = 2**63
"""An offset that no record has."""

YIELD_EVERY = 20
"""Events taken in one turn of the loop: some milliseconds, so that answers that arrive meanwhile do not wait long."""


class Worker:
    """One process: stages route and dispatch on the partitions that the group gives it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.topology = topology = Topology.of(settings)
        self.metrics = metrics = Metrics()
        options = kafka_options(settings)
        self.app = app = SafeApp(
            group_id(settings),
            options=options,
            session_seconds=settings.session_timeout,
            heartbeat_seconds=settings.heartbeat,
            partitions=settings.partitions,
            instance_id=settings.instance_id,
        )
        self.pins = self._table("pins")
        outcomes = app.new_producer()
        self.incidents = IncidentsTable(self._table("incidents"), outcomes)
        cipher = cipher_of(settings)
        self.documents = Follower(
            options, topology.connectors, cipher, crash=self.crash, changed=end_where_connectors_are_lost
        )
        self.health = HealthServer(str(settings.health_bind), metrics.registry, self.unready)
        self.watchdog = Watchdog(app)
        self.client = EventsClient(
            settings.events_url,
            timeout=settings.http_timeout,
            connections=settings.max_in_flight,
            may_send=lambda: app.lease.valid,
        )
        bucket = TokenBucket(settings.dead_letter_burst, settings.dead_letters_per_minute, time.monotonic)
        brake = Brake(bucket, clock=time.monotonic)
        metrics.dead_letters_waiting.set_function(lambda: brake.waiting)
        self.route = RouteStage(
            topology=topology,
            producer=app.records,
            pins=self.pins,
            connectors=lambda: self.documents.current,
            cipher=cipher,
            metrics=metrics,
            crash=self.crash,
            brake=brake,
            max_event_bytes=settings.max_event_bytes,
            now_ms=now_ms,
        )
        self.dispatch = make_dispatcher(
            topology=topology,
            table=self.incidents,
            producer=outcomes,
            brake=brake,
            sender=SealedSender(self.client, cipher, app.lease),
            metrics=metrics,
            clock=time.monotonic,
            now_ms=now_ms,
            crash=self.crash,
            in_flight=settings.max_in_flight,
            withheld=settings.max_withheld,
        )
        metrics.watch(lambda: self.dispatch.backlog, lambda: self.dispatch.refusing, self.lag)
        self._tasks: set[asyncio.Task[None]] = set()
        app.on_drain.append(self._drain)
        app.on_ready.append(self._ready)
        self._agents()

    def _table(self, name: str) -> ChangelogTable:
        settings = self.settings
        table = ChangelogTable(self.app, name=name, partitions=settings.partitions, folder=settings.state_dir)
        self.app.tables.add(table)
        return table

    def _agents(self) -> None:
        app, topology = self.app, self.topology

        async def route(stream: Any) -> None:
            async for event in current(app, stream):
                await self.route.take(event.message, event.ack)

        async def dispatch(stream: Any) -> None:
            async for event in current(app, stream):
                message = event.message
                fresh = message.offset >= app.log_ends.get(message.tp, NEVER)
                self.dispatch.accept(message.partition, read_outbox(message), event.ack, fresh=fresh)

        for name in topology.stages()["route"]:
            app.agent(self._topic(name), name=f"route-{name}")(route)
        app.agent(self._topic(topology.outbox), name="dispatch")(dispatch)

    def _topic(self, name: str) -> Any:
        return self.app.topic(
            name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
        )

    # -- life ---------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """All that must be there before the app starts. Raises PagerlineError when this worker cannot work."""
        await self.health.start()
        self.watchdog.start()
        self._begin(self._beat())
        self._begin(self._purge())
        states = await ensure_topics(
            self.topology.specs(),
            replication=self.settings.replication,
            options=self.app.client_options,
        )
        made = [state.spec.name for state in states if state.created]
        if made:
            log.info("created topics: %s", ", ".join(made))
        await self.documents.start()
        if locked := self.documents.snapshot.locked:
            raise SecretError(f"not started: {undecipherable(locked)}")
        await self.client.__aenter__()
        log.info("health on port %d; %d connector(s)", self.health.port, len(self.documents.current))

    async def _drain(self) -> None:
        inputs, incidents = len(self.route.lanes), self.dispatch.backlog
        log.info("giving partitions back: %d inputs and %d incidents under way", inputs, incidents)
        bound = self.settings.shutdown_seconds / 4
        await self.route.drain(bound)
        await self.dispatch.drain(bound)

    async def _ready(self) -> None:
        resumed = await self.dispatch.recover(self.incidents.rows())
        partitions = owned_partitions(self.app.consumer.assignment(), self.topology.outbox)
        log.info("at work on partitions %s; %d incidents to go on with", partitions, resumed)

    async def close(self) -> None:
        """After the app has stopped, however far it came: what it did not start."""
        for task in self._tasks:
            task.cancel()
        self.pins.rows.close()
        self.incidents.close()
        await self.client.__aexit__()
        await self.documents.stop()
        await self.health.stop()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until the end of the process; its failure stops the worker."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self.crash(error)

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _beat(self) -> None:
        """The main loop's sign of life; nothing else is awaited here, so that only a loop that stands still is late."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.watchdog.turned()

    async def _purge(self) -> None:
        """Look through closed incidents and pins every now and then, for as long as a broker may take over it."""
        while True:
            await asyncio.sleep(PURGE_SECONDS)
            ours = self._tenure()
            closed_before = now_ms() - round(self.settings.closed_retention_hours * 3_600_000)
            if ours():
                await self.route.purge(closed_before, ours)
            if ours():
                await self.dispatch.purge(self.incidents.rows(), closed_before)

    def _tenure(self) -> Callable[[], bool]:
        """Whether the partitions are still those that are ours now, and served."""
        app, generation = self.app, self.app.consumer_generation_id
        return lambda: app.serving and app.consumer_generation_id == generation

    def crash(self, error: BaseException) -> None:
        """A bug of ours: stop the worker; nothing unacknowledged is lost."""
        log.critical("stopping after an unexpected error", exc_info=error)
        self._crash = asyncio.ensure_future(self.app.crash(error))

    # -- seen from outside --------------------------------------------------------------------------------------

    def unready(self) -> str | None:
        """Why this worker does no work now, or None."""
        if not self.app.serving:
            return "joining its group and restoring its tables"
        return None if self.app.lease.valid else "out of touch with the group coordinator"

    def lag(self, stage: str) -> int:
        """Records of the owned partitions that are not committed yet."""
        if not self.app.serving:
            return 0
        consumer, topics = self.app.consumer, self.topology.stages()[stage]
        total = 0
        for tp in consumer.assignment():
            if tp.topic in topics:
                total += consumer.behind(tp) + consumer.withheld(tp)
        return total


async def current(app: SafeApp, stream: Any) -> AsyncIterator[Any]:
    """The events to work on; those from before a rebalance come again, and are dropped without an acknowledgement.

    Read from the stream's channel: iterating the stream itself would acknowledge, and turns the loop once for every
    single event, which halves the throughput.
    """
    handed_out = 0
    async for event in stream.channel:
        if app.serving and event.message.generation_id == app.consumer_generation_id:
            yield event
            handed_out += 1
            if handed_out % YIELD_EVERY == 0:
                await asyncio.sleep(0)


def end_where_connectors_are_lost(snapshot: Snapshot) -> None:
    """End the process, at once, when a connector exists of which no version can be read with the keys given.

    An event for it would be dead-lettered as one for an unknown connector. Unacknowledged, it waits for a worker that
    has the key. A connector that could be read before stays as it was, so that keys can be rotated.
    """
    if snapshot.lost:
        end_process(undecipherable(snapshot.lost))


def undecipherable(connectors: Sequence[str]) -> str:
    """What is to be done about stored connectors that the keys given do not open."""
    named = ", ".join(f"connector/{name}" for name in connectors[:NAMED])
    more = f" and {len(connectors) - NAMED} more" if len(connectors) > NAMED else ""
    return (
        f"PAGERLINE_SECRET_KEYS lacks the key that opens {named}{more}; "
        "add it at the end of the list, or delete what nobody can read (pagerline delete connector ID)"
    )


def read_outbox(message: Any) -> dict[str, Any]:
    """An outbox record; route wrote it, so that anything unreadable is a fault to stop at, not to skip."""
    record: dict[str, Any] = orjson.loads(message.value)
    return record


def now_ms() -> int:
    """Wall-clock time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
