"""What runs: one worker, its stages, and their life."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from streams.documents.log import Follower
from streams.documents.secrets import cipher_of
from streams.documents.snapshot import Snapshot
from streams.errors import SecretError
from streams.kafka.app import SafeApp, end_process
from streams.kafka.tables import owned_partitions
from streams.kafka.topics import ensure_topics
from streams.kafka.watchdog import Watchdog
from streams.rotation.members import client_id
from streams.settings import Settings, kafka_options
from streams.stages.brake import Brake, TokenBucket
from streams.stages.case_page import CasePage
from streams.stages.parts import PARTS, Common, Part, ProjectPart, Take
from streams.telemetry.health import HealthServer
from streams.telemetry.metrics import Metrics
from streams.topology import STAGES, Topology, group_id

log = logging.getLogger("pagerline.worker")

PURGE_SECONDS = 600.0
"""How often the tables are looked through for what is over; they stay for hours, so minutes do not matter."""

RENEW_SECONDS = 15.0
RENEW_AGAIN_SECONDS = 1.0
"""Between two looks for what an older secret key sealed: some 10 µs a row. Soon again after one that found something:
`pagerline secrets rotate` waits for it."""

BEAT_SECONDS = 1.0
"""Between the main loop's signs of life; far below what the watchdog takes for standing still (60 s)."""

NAMED = 3
"""Documents that one line names; there may be a thousand, and the first says which key it is about."""

YIELD_EVERY = 20
"""Events taken in one turn of the loop: some milliseconds, so that answers that arrive meanwhile do not wait long."""


class Worker:
    """One process: its stages on the partitions that the group gives it.

    Workers of one group may run different stages. Faust's assignor shares out a topic among the members that read it,
    and all topics of a stage (its table's changelog is one) go the same way.
    """

    def __init__(self, settings: Settings, stages: Sequence[str] = STAGES) -> None:
        self.settings = settings
        self.topology = topology = Topology.of(settings)
        self.metrics = metrics = Metrics()
        options = kafka_options(settings)
        cipher = cipher_of(settings)
        self._rotating = cipher.rotating
        self.app = app = SafeApp(
            group_id(settings),
            options=options,
            session_seconds=settings.session_timeout,
            heartbeat_seconds=settings.heartbeat,
            partitions=settings.partitions,
            instance_id=settings.instance_id,
            client_id=client_id(cipher),
        )
        self.documents = Follower(
            options, topology.connectors, cipher, crash=self.crash, changed=end_where_connectors_are_lost
        )
        self.watchdog = Watchdog(app)
        bucket = TokenBucket(settings.dead_letter_burst, settings.dead_letters_per_minute, time.monotonic)
        brake = Brake(bucket, clock=time.monotonic)
        metrics.dead_letters_waiting.set_function(lambda: brake.waiting)
        common = Common(
            settings=settings,
            topology=topology,
            app=app,
            metrics=metrics,
            brake=brake,
            cipher=cipher,
            documents=self.documents,
            crash=self.crash,
            now_ms=now_ms,
        )
        self.parts: dict[str, Part] = {name: PARTS[name](common) for name in STAGES if name in stages}
        project = self.parts.get("project")
        self.case_page = CasePage(
            owners=app,
            topic=topology.case_updates,
            partitions=settings.partitions,
            row=project.stage.row if isinstance(project, ProjectPart) else None,
            bind=settings.health_bind.host,
            token=settings.web_token,
        )
        self.health = HealthServer(
            str(settings.health_bind), metrics.registry, self.unready, more=self.case_page.routes
        )
        metrics.watch_lag(tuple(self.parts), self.lag)
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = False
        app.on_drain.append(self._drain)
        app.on_ready.append(self._ready)
        for part in self.parts.values():
            for topic, take in part.reads.items():
                self._agent(topic, take)

    def _agent(self, name: str, take: Take) -> None:
        app = self.app
        topic = app.topic(
            name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
        )

        async def agent(stream: Any) -> None:
            async for event in current(app, stream):
                await take(event.message, event.ack)

        app.agent(topic, name=name)(agent)

    # -- life ---------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """All that must be there before the app starts. Raises PagerlineError when this worker cannot work."""
        await self.health.start()
        self.app.advertise(self.settings.advertised_url or self.health.url)
        self.watchdog.start()
        self._begin(self._beat())
        self._begin(self._purge())
        if self._rotating:
            self._begin(self._renew())
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
        for part in self.parts.values():
            await part.open()
        log.info(
            "stages %s; health on port %d; %d connector(s)",
            ", ".join(self.parts),
            self.health.port,
            len(self.documents.current),
        )

    async def _drain(self) -> None:
        if self._at_work:  # a group's first rebalance takes nothing away
            under_way = " and ".join(part.under_way for part in self.parts.values())
            log.info("giving partitions back: %s under way", under_way)
        bound = self.settings.shutdown_seconds / 4
        await asyncio.gather(*(part.drain(bound) for part in self.parts.values()))

    async def _ready(self) -> None:
        resumed = [told for part in self.parts.values() if (told := await part.ready())]
        assignment = self.app.consumer.assignment()
        owned = {name: owned_partitions(assignment, next(iter(part.reads))) for name, part in self.parts.items()}
        shown = "; ".join(f"{name} on partitions {partitions}" for name, partitions in owned.items())
        self._at_work = True
        log.info("at work: %s%s", shown, f"; {', '.join(resumed)} to go on with" if resumed else "")

    async def close(self) -> None:
        """After the app has stopped, however far it came: what it did not start."""
        for task in self._tasks:
            task.cancel()
        for part in self.parts.values():
            await part.close()
        await self.documents.stop()
        await self.health.stop()
        await self.case_page.close()

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
            for part in self.parts.values():
                if ours():
                    await part.purge(ours)

    async def _renew(self) -> None:
        """Seal rows anew that an older key sealed, for as long as there is an older key in the settings."""
        found = 0
        while True:
            await asyncio.sleep(RENEW_AGAIN_SECONDS if found else RENEW_SECONDS)
            ours, found = self._tenure(), 0
            for part in self.parts.values():
                if ours():
                    found += await part.renew(ours)
            if found:
                log.info("sealing %d rows and waiting events with the newest of PAGERLINE_SECRET_KEYS", found)

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


def undecipherable(documents: Sequence[str]) -> str:
    """What is to be done about stored documents (`connector/payments`) that the keys given do not open."""
    more = f" and {len(documents) - NAMED} more" if len(documents) > NAMED else ""
    return (
        f"PAGERLINE_SECRET_KEYS lacks the key that opens {', '.join(documents[:NAMED])}{more}; "
        "add it at the end of the list, or delete what nobody can read (pagerline delete connector ID)"
    )


def now_ms() -> int:
    """Wall-clock time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
