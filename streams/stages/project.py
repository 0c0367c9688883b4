"""The project stage: `case-updates` to table `cases`, one row a Case."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson

from streams import contracts
from streams.kafka.lanes import Lanes
from streams.kafka.producer import Producer
from streams.kafka.tables import ChangelogTable
from streams.project.row import CaseRow
from streams.stages.sweep import DELETED, sweep
from streams.telemetry.metrics import Metrics
from streams.updates import Update

log = logging.getLogger("pagerline.project")

LANES_FULL: Final = 1_000
"""Updates between Kafka and the table at once; a row is some kilobytes, and one request writes many of them."""

KEPT_DAYS: Final = 30
"""A Case of which both sides are at their end is looked at for as long as people talk about it: a month."""


class ProjectStage:
    """Reads `case-updates`; writes table `cases`.

    An update is acknowledged when the row with it is confirmed by the broker. A row knows the ids of the updates that
    are part of it, so that what is delivered twice, by Kafka or by dispatch, changes nothing.
    """

    def __init__(
        self, *, table: ChangelogTable, producer: Producer, metrics: Metrics, crash: Callable[[BaseException], None]
    ) -> None:
        self._table = table
        self._producer = producer
        self._metrics = metrics
        self.lanes = Lanes(crash, LANES_FULL)

    async def take(self, message: Any, ack: Callable[[], None]) -> None:
        """Take one Kafka message; returns when it stands in its lane."""
        value = _read(message.value)
        problem = contracts.problem("case-updates", value)
        if problem is not None:
            # Only our own dispatch writes this topic. Whatever else got there must not keep the Cases from moving.
            place = f"{message.topic}/{message.partition}/{message.offset}"
            log.error("%s is no update and is passed over: %s", place, problem.message)
            self._metrics.outcomes.labels("project", "skipped", "malformed").inc()
            ack()
            return
        work = partial(self._fold, message.partition, Update.from_json(value), value["recorded_at"], ack)
        await self.lanes.put(value["case"], work)

    async def _fold(self, partition: int, update: Update, recorded_at: int, ack: Callable[[], None]) -> None:
        before = self.row(partition, update.case)
        after = (before or CaseRow(update.case)).after(update, recorded_at)
        if after is not before:
            await self._table.write(self._producer, partition, update.case.encode(), orjson.dumps(after.to_json()))
        self._metrics.outcomes.labels("project", "skipped" if after is before else "delivered", update.change).inc()
        ack()

    def row(self, partition: int, case: str) -> CaseRow | None:
        """The row of a Case in a partition that this worker owns; None when it has none."""
        value = self._table.read(partition, case.encode())
        return None if value is None else CaseRow.from_json(orjson.loads(value))

    async def purge(self, written_before_ms: int, ours: Callable[[], bool]) -> None:
        """Delete the rows of Cases that are over on both sides and last changed before that time (ms since the epoch).
        `ours`: see `streams.stages.sweep`."""
        await sweep(
            self._table,
            self._producer,
            self.lanes,
            ours,
            lambda row: DELETED if _over(row, written_before_ms) else None,
        )


def _over(value: bytes, written_before_ms: int) -> bool:
    document = orjson.loads(value)
    return document["at"] < written_before_ms and CaseRow.from_json(document).over


def _read(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
