"""The project stage on a table in memory."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from streams import contracts
from streams.project.row import CaseRow
from streams.stages import sweep
from streams.stages.project import ProjectStage
from streams.telemetry.metrics import Metrics

EXAMPLES = contracts.schema("case-updates")["examples"]
CASE = EXAMPLES[0]["case"]


class Table:
    """Table `cases`; a write waits for `confirmed`."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, bytes], bytes] = {}
        self.rows = self
        self.writes = 0
        self.confirmed = asyncio.Event()
        self.confirmed.set()

    def items(self) -> list[tuple[int, bytes, bytes]]:
        return [(partition, key, value) for (partition, key), value in self.kept.items()]

    def read(self, partition: int, key: bytes) -> bytes | None:
        return self.kept.get((partition, key))

    async def write(self, _producer: Any, partition: int, key: bytes, value: bytes | None) -> None:
        await self.confirmed.wait()
        self.writes += 1
        if value is None:
            del self.kept[partition, key]
        else:
            self.kept[partition, key] = value


class Stage:
    def __init__(self) -> None:
        self.table = Table()
        self.crashes: list[BaseException] = []
        self.metrics = Metrics()
        self.stage = ProjectStage(
            table=self.table,  # type: ignore[arg-type]
            producer=None,  # type: ignore[arg-type]
            metrics=self.metrics,
            crash=self.crashes.append,
        )
        self.acked: list[int] = []

    async def take(self, *values: Any) -> None:
        for offset, value in enumerate(values):
            raw = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
            message = SimpleNamespace(topic="case-updates", partition=3, offset=offset, value=raw)
            await self.stage.take(message, lambda offset=offset: self.acked.append(offset))  # type: ignore[misc]

    async def done(self) -> None:
        await self.stage.lanes.drain(5.0)

    def row(self) -> CaseRow | None:
        return self.stage.row(3, CASE)

    def counted(self, status: str, reason: str) -> float:
        labels = {"stage": "project", "status": status, "reason": reason}
        return self.metrics.registry.get_sample_value("pagerline_outcomes_total", labels) or 0.0


async def settle(stage: Stage) -> None:
    while len(stage.stage.lanes):
        await asyncio.sleep(0)


async def test_updates_become_one_row_and_each_is_acknowledged() -> None:
    stage = Stage()
    await stage.take(*EXAMPLES)
    await settle(stage)
    assert stage.acked == list(range(len(EXAMPLES)))
    row = stage.row()
    assert row is not None
    assert row.updates == len(EXAMPLES)
    assert stage.counted("delivered", "linked") == 1


async def test_nothing_is_acknowledged_before_the_broker_has_the_row() -> None:
    stage = Stage()
    stage.table.confirmed.clear()
    await stage.take(EXAMPLES[0], EXAMPLES[1])
    for _ in range(20):
        await asyncio.sleep(0)
    assert stage.acked == []
    stage.table.confirmed.set()
    await settle(stage)
    assert stage.acked == [0, 1]


async def test_a_repetition_is_acknowledged_and_not_written() -> None:
    stage = Stage()
    await stage.take(EXAMPLES[0], EXAMPLES[0])
    await settle(stage)
    assert stage.acked == [0, 1]
    assert stage.table.writes == 1
    assert stage.counted("skipped", "linked") == 1


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[]", b'{"v":1}'])
async def test_what_is_no_update_is_told_and_holds_up_nobody(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    await stage.take(value, EXAMPLES[0])
    await settle(stage)
    assert sorted(stage.acked) == [0, 1]
    assert "case-updates/3/0 is no update" in caplog.text
    assert stage.counted("skipped", "malformed") == 1
    assert not stage.crashes


def over(at: int) -> dict[str, Any]:
    state = {**EXAMPLES[0]["state"], "case_status": "RESOLVED", "incident_status": "resolved"}
    return {**EXAMPLES[0], "change": "synced", "recorded_at": at, "state": state}


async def test_a_case_that_is_over_for_long_is_forgotten() -> None:
    stage = Stage()
    await stage.take(over(10))
    await settle(stage)
    await stage.stage.purge(10, lambda: True)
    await settle(stage)
    assert stage.row() is not None, "it is not older than that"
    await stage.stage.purge(11, lambda: True)
    await settle(stage)
    assert stage.row() is None


async def test_a_case_that_is_open_and_partitions_that_are_gone_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "YIELD_EVERY", 1)
    stage = Stage()
    await stage.take(EXAMPLES[0])
    await settle(stage)
    await stage.stage.purge(2**60, lambda: True)
    await stage.take({**over(10), "case": "CASE-2"})
    await settle(stage)
    await stage.stage.purge(2**60, lambda: False)
    await settle(stage)
    assert len(stage.table.kept) == 2
