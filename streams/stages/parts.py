"""The stages as a worker runs them: what each reads, how it begins with partitions, gives them back and cleans up.

One class a stage. The worker (`streams.app`) knows no stage by name; it runs the parts that it was told to run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from streams.documents.log import Follower
from streams.documents.renewal import Renewal
from streams.documents.secrets import Cipher
from streams.kafka.app import SafeApp
from streams.kafka.tables import ChangelogTable, owned_partitions
from streams.pagerduty.events import EventsClient
from streams.settings import Settings
from streams.stages.accounts import AccountClients
from streams.stages.brake import Brake
from streams.stages.dispatch import IncidentsTable, SealedSender, make_dispatcher
from streams.stages.project import KEPT_DAYS, ProjectStage
from streams.stages.reconcile import Reconciler
from streams.stages.route import RouteStage
from streams.sync.said import Ignored, Said, from_webhook
from streams.telemetry.metrics import Metrics
from streams.topology import Topology

NEVER = 2**63
"""An offset that no record has."""

HOUR_MS = 3_600_000

Take = Callable[[Any, Callable[[], None]], Awaitable[None]]
"""Take a Kafka message and what acknowledges it; returns when the next one may come."""


@dataclass(frozen=True, slots=True)
class Common:
    """What the stages of one worker share. `now_ms`: wall-clock time in ms since the epoch."""

    settings: Settings
    topology: Topology
    app: SafeApp
    metrics: Metrics
    brake: Brake
    cipher: Cipher
    documents: Follower
    crash: Callable[[BaseException], None]
    now_ms: Callable[[], int]

    def table(self, name: str) -> ChangelogTable:
        """A table of this worker: its rows are on this machine for the partitions that are ours."""
        settings = self.settings
        table = ChangelogTable(self.app, name=name, partitions=settings.partitions, folder=settings.state_dir)
        self.app.tables.add(table)
        return table


class Part(Protocol):
    """One stage of a worker. `reads`: what takes the messages of each topic."""

    @property
    def reads(self) -> Mapping[str, Take]: ...
    @property
    def under_way(self) -> str:
        """What is begun and not done, for the log."""

    async def open(self) -> None:
        """Once, before the worker joins its group."""

    async def ready(self) -> str:
        """The tables are restored, and nothing is delivered yet. Returns what is gone on with, for the log."""

    async def drain(self, seconds: float) -> None:
        """The partitions are given back: finish what runs within `seconds`, drop the rest unacknowledged."""

    async def purge(self, ours: Callable[[], bool]) -> None:
        """Delete rows that are over, while `ours` says that the partitions are still those of the beginning."""

    async def renew(self, ours: Callable[[], bool]) -> int:
        """Seal anew what an older key of PAGERLINE_SECRET_KEYS sealed, in the same way; returns how many rows."""

    async def close(self) -> None:
        """After the end, however far the worker came."""


class RoutePart:
    """Inputs to the outbox."""

    def __init__(self, common: Common) -> None:
        settings = common.settings
        self._common = common
        self._pins = common.table("pins")
        self.stage = RouteStage(
            topology=common.topology,
            producer=common.app.records,
            pins=self._pins,
            documents=lambda: common.documents.snapshot,
            cipher=common.cipher,
            metrics=common.metrics,
            crash=common.crash,
            brake=common.brake,
            max_event_bytes=settings.max_event_bytes,
            now_ms=common.now_ms,
            max_age_ms=round(settings.max_event_age * 1000),
            event_time=settings.event_time,
        )
        self.reads: Mapping[str, Take] = dict.fromkeys(common.topology.stages()["route"], self.stage.take)

    @property
    def under_way(self) -> str:
        return f"{len(self.stage.lanes)} inputs"

    async def open(self) -> None:
        return None

    async def ready(self) -> str:
        return ""

    async def drain(self, seconds: float) -> None:
        await self.stage.drain(seconds)

    async def purge(self, ours: Callable[[], bool]) -> None:
        await self.stage.purge(closed_before(self._common), ours)

    async def renew(self, ours: Callable[[], bool]) -> int:
        return await self.stage.renew(ours)

    async def close(self) -> None:
        self._pins.rows.close()


class DispatchPart:
    """The outbox to PagerDuty."""

    def __init__(self, common: Common) -> None:
        settings, app = common.settings, common.app
        self._common = common
        outcomes = app.new_producer()
        self._incidents = IncidentsTable(common.table("incidents"), outcomes)
        self._client = EventsClient(
            settings.events_url,
            timeout=settings.http_timeout,
            connections=settings.max_in_flight,
            may_send=lambda: app.lease.valid,
        )
        self._accounts = AccountClients(
            documents=lambda: common.documents.snapshot,
            lease=app.lease,
            api_url=settings.api_url,
            timeout=settings.http_timeout,
            connections=settings.max_in_flight,
            now_ms=common.now_ms,
        )
        self.dispatcher = make_dispatcher(
            topology=common.topology,
            table=self._incidents,
            producer=outcomes,
            brake=common.brake,
            sender=SealedSender(self._client, common.cipher, app.lease),
            accounts=self._accounts,
            metrics=common.metrics,
            clock=time.monotonic,
            now_ms=common.now_ms,
            crash=common.crash,
            in_flight=settings.max_in_flight,
            withheld=settings.max_withheld,
        )
        common.metrics.watch_dispatch(lambda: self.dispatcher.backlog, lambda: self.dispatcher.refusing)
        self._reconciler = Reconciler(
            dispatcher=self.dispatcher,
            clients=self._accounts,
            documents=lambda: common.documents.snapshot,
            owned=self._owned,
            partitions=settings.partitions,
            metrics=common.metrics,
            now_ms=common.now_ms,
        )
        self._going_round: asyncio.Task[None] | None = None
        self.reads: Mapping[str, Take] = {common.topology.outbox: self._take, common.topology.webhooks: self._hear}

    async def _take(self, message: Any, ack: Callable[[], None]) -> None:
        fresh = message.offset >= self._common.app.log_ends.get(message.tp, NEVER)
        self.dispatcher.accept(message.partition, read_outbox(message), ack, fresh=fresh)

    async def _hear(self, message: Any, ack: Callable[[], None]) -> None:
        destination, said = read_webhook(message.value)
        if isinstance(said, Said):
            what = self.dispatcher.desk.hear(message.partition, destination, said, ack)
        else:
            what = said.reason
            ack()
        self._common.metrics.heard.labels("webhook", what).inc()

    def _owned(self) -> list[int]:
        app = self._common.app
        return owned_partitions(app.consumer.assignment(), self._common.topology.outbox) if app.serving else []

    @property
    def under_way(self) -> str:
        return f"{self.dispatcher.backlog} incidents"

    async def open(self) -> None:
        await self._client.__aenter__()
        self._going_round = asyncio.get_running_loop().create_task(self._reconciler.run())
        self._going_round.add_done_callback(self._went_round)

    def _went_round(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._common.crash(error)

    async def ready(self) -> str:
        return f"{await self.dispatcher.recover(self._incidents.rows())} incidents"

    async def drain(self, seconds: float) -> None:
        self._reconciler.stop()
        await self.dispatcher.drain(seconds)

    async def purge(self, ours: Callable[[], bool]) -> None:
        if ours():
            await self.dispatcher.purge(self._incidents.rows(), closed_before(self._common))

    async def renew(self, ours: Callable[[], bool]) -> int:
        return await self.dispatcher.renew(self._incidents.rows(), Renewal(self._common.cipher)) if ours() else 0

    async def close(self) -> None:
        if self._going_round is not None:
            self._going_round.cancel()
        self._reconciler.stop()
        self._incidents.close()
        await self._accounts.close()
        await self._client.__aexit__()


class ProjectPart:
    """What became of Cases to table `cases`."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._table = common.table("cases")
        self.stage = ProjectStage(
            table=self._table,
            producer=common.app.new_producer(),  # of its own: a page must not wait behind a look-up table
            metrics=common.metrics,
            crash=common.crash,
        )
        self.reads: Mapping[str, Take] = {common.topology.case_updates: self.stage.take}

    @property
    def under_way(self) -> str:
        return f"{len(self.stage.lanes)} case updates"

    async def open(self) -> None:
        return None

    async def ready(self) -> str:
        return ""

    async def drain(self, seconds: float) -> None:
        await self.stage.lanes.drain(seconds)

    async def purge(self, ours: Callable[[], bool]) -> None:
        await self.stage.purge(self._common.now_ms() - KEPT_DAYS * 24 * HOUR_MS, ours)

    async def renew(self, ours: Callable[[], bool]) -> int:
        return 0

    async def close(self) -> None:
        self._table.rows.close()


PARTS: Final[Mapping[str, Callable[[Common], Part]]] = {
    "route": RoutePart,
    "dispatch": DispatchPart,
    "project": ProjectPart,
}
"""By stage, in the order in which an event passes them."""


def closed_before(common: Common) -> int:
    """When an incident must have ended for its row to be deleted, in ms since the epoch."""
    return common.now_ms() - round(common.settings.closed_retention_hours * HOUR_MS)


def read_webhook(value: bytes) -> tuple[str, Said | Ignored]:
    """A record of `pagerduty-webhooks`: the account and what PagerDuty said. What is no such record is unreadable."""
    try:
        record = orjson.loads(value or b"")
        return str(record["destination"]), from_webhook(orjson.loads(record["body"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return "", Ignored("unreadable")


def read_outbox(message: Any) -> dict[str, Any]:
    """An outbox record; route wrote it, so that anything unreadable is a fault to stop at, not to skip."""
    record: dict[str, Any] = orjson.loads(message.value)
    return record
