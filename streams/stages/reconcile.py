"""The net under the webhooks: every so often each account is asked what has happened, and what is told goes to the
rows.

One pass: the log since the cursor, then how the open incidents of Cases stand, then whether the subscription is in
order. The cursor moves only when the broker has all that follows from what was read, so that a pass that ends early is
repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final

import orjson

from streams.dispatch.dispatcher import Dispatcher
from streams.dispatch.rows import cursor_key
from streams.documents.integration import Integration
from streams.documents.snapshot import Snapshot
from streams.kafka.home import home_partition
from streams.pagerduty.poll import Cursor, Health, News, incidents_now, log_since, subscription_health
from streams.pagerduty.rest_answers import RestAnswer
from streams.stages.accounts import AccountClients
from streams.sync.said import Ignored, Said, from_incident, from_log_entry, gone
from streams.telemetry.metrics import Metrics

log = logging.getLogger("pagerline.reconcile")

EVERY_SECONDS: Final = 20.0
"""Between two passes over an account: what webhooks missed is made good within a minute, for some ten of the 960 calls
a minute that the account takes."""

FIRST_BACK_MS: Final = 3_600_000
"""How far the log of an account is read when there is no cursor yet."""

PASSES: Final = 50
"""Of one look at the log: what is further back is read by the next one."""


class Reconciler:
    """Asks the accounts whose partition this worker owns.

    `owned` gives the partitions of the outbox that are ours, while they are served; none otherwise.
    """

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        clients: AccountClients,
        documents: Callable[[], Snapshot],
        owned: Callable[[], Iterable[int]],
        partitions: int,
        metrics: Metrics,
        now_ms: Callable[[], int],
        every: float = EVERY_SECONDS,
    ) -> None:
        self._dispatcher = dispatcher
        self._clients = clients
        self._documents = documents
        self._owned = owned
        self._partitions = partitions
        self._metrics = metrics
        self._now_ms = now_ms
        self._every = every
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Go round for ever. An account that does not answer holds up no other one."""
        while True:
            owned = frozenset(self._owned())
            for integration in list(self._documents().integrations.values()):
                partition = home_partition(integration.destination.encode(), self._partitions)
                if partition in owned and integration.id not in self._under_way:
                    self._begin(integration, partition)
            await asyncio.sleep(self._every)
            for task in list(self._under_way.values()):
                if task.done() and (error := task.exception()) is not None:
                    raise error

    def _begin(self, integration: Integration, partition: int) -> None:
        task = asyncio.get_running_loop().create_task(self.look_at(integration, partition))
        self._under_way[integration.id] = task
        task.add_done_callback(lambda done: self._ended(integration.id, done))

    def _ended(self, integration_id: str, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._under_way.pop(integration_id, None)

    def stop(self) -> None:
        """The partitions are given back: what is under way is left."""
        for task in self._under_way.values():
            task.cancel()

    async def look_at(self, integration: Integration, partition: int) -> None:
        """One pass over one account."""
        account, key = integration.destination, cursor_key(integration.destination)

        async def call(put: Callable[[Any], Awaitable[RestAnswer]]) -> RestAnswer:
            destination = await self._dispatcher.desk.turn(partition, account, integration.rate_limit)
            try:
                return await self._clients.call(integration.id, put)
            finally:
                destination.give_back()

        row = self._dispatcher.table.read(partition, key)
        started = self._now_ms()
        at = orjson.loads(row)["at"] if row else started - FIRST_BACK_MS
        for _ in range(PASSES):
            news: News = await log_since(call, Cursor(at), self._now_ms())
            if news.trouble is not None:
                log.warning("the log of %s cannot be read: %s", account, news.trouble.words)
                return
            await self._tell(partition, account, map(from_log_entry, news.entries))
            at = news.cursor.at
            await self._dispatcher.table.write(partition, key, orjson.dumps({"at": at}))
            if not news.more:
                break
        await self._compare(integration, partition, call)
        if integration.subscription is not None:
            self._health(account, await subscription_health(call, integration.subscription))

    async def _compare(self, integration: Integration, partition: int, call: Any) -> None:
        """Where PagerDuty has another status than a row, without a log entry that said so."""
        ids = self._dispatcher.desk.open_incidents(integration.destination)
        if not ids:
            return
        now = await incidents_now(call, ids)
        said: list[Said | Ignored] = [from_incident(one) for one in now.found.values()]
        said += [gone(one, self._now_ms()) for one in now.gone]
        await self._tell(partition, integration.destination, said)

    async def _tell(self, partition: int, account: str, said: Iterable[Said | Ignored]) -> None:
        """Returns when the broker has all that follows."""
        waiting: list[asyncio.Future[None]] = []
        for one in said:
            if isinstance(one, Ignored):
                continue
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting.append(done)
            what = self._dispatcher.desk.hear(partition, account, one, partial(_set, done))
            self._metrics.heard.labels("poll", what).inc()
            if what == "dropped":
                raise asyncio.CancelledError
        if waiting:
            await asyncio.gather(*waiting)

    def _health(self, account: str, health: Health) -> None:
        self._metrics.subscription_healthy.labels(account).set(health.state in ("enabled", "enabled_again"))
        if health.state == "enabled_again":
            log.warning("PagerDuty had disabled the webhook subscription of %s; it is enabled again", account)
        elif health.state != "enabled":
            words = health.trouble.words if health.trouble is not None else "pagerline doctor says what to do"
            log.warning("the webhook subscription of %s is %s: %s", account, health.state.replace("_", " "), words)


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
