"""The Case system's two topics: updates from `case-updates`, notices to `cases`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final, Self

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.sandbox.case_system.store import CaseStore
from streams.updates import Update

log = logging.getLogger("pagerline.sandbox.cases")

LOOK_SECONDS: Final = 0.05
"""Between two looks for new notices: another process may write them, and a look costs microseconds."""

BATCH: Final = 200
"""Notices sent at once, and updates between two commits."""


class CaseLink:
    """Runs both directions while it is open: `async with CaseLink(store, "127.0.0.1:9092"): ...`

    Updates: applied in the store, then committed. Killed in between, they come again, and the store knows them.
    Notices: sent in their order and confirmed, then marked. Killed in between, the last ones are sent twice, which
    Pagerline takes as one.
    """

    def __init__(
        self,
        store: CaseStore,
        bootstrap: str,
        *,
        prefix: str = "",
        group: str = "sample-case-system",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        client: dict[str, Any] = {"bootstrap_servers": bootstrap, **(options or {})}
        self._store = store
        self._cases = f"{prefix}cases"
        self._producer = AIOKafkaProducer(**client, acks="all", enable_idempotence=True)
        self._consumer = AIOKafkaConsumer(
            f"{prefix}case-updates",
            **client,
            group_id=f"{prefix}{group}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._producer.start()
        await self._consumer.start()
        self._tasks = [asyncio.create_task(self._updates()), asyncio.create_task(self._notices())]
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()

    async def run(self) -> None:
        """Until one of the directions fails, which raises what it failed with."""
        await asyncio.gather(*self._tasks)

    async def _updates(self) -> None:
        while True:
            batches = await self._consumer.getmany(timeout_ms=1_000, max_records=BATCH)
            for record in (one for batch in batches.values() for one in batch):
                update = Update.from_json(orjson.loads(record.value))
                what = self._store.apply(update)
                log.info("%s %s: %s (%s)", update.case, update.change, what, update.id)
            if batches:
                await self._consumer.commit()

    async def _notices(self) -> None:
        while True:
            unsent = self._store.unsent(BATCH)
            if not unsent:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            sending = [await self._producer.send(self._cases, one.value, one.case.encode()) for one in unsent]
            for one, confirmed in zip(unsent, sending, strict=True):
                await confirmed
                self._store.sent(one.number)
