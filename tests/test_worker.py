"""The worker's own tasks: the loop's sign of life, purging, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from streams.app import Worker
from streams.cli.main import main
from streams.settings import load
from streams.stages import sweep
from streams.stages.parts import RoutePart
from streams.stages.route import RouteStage


@pytest.fixture
async def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Worker:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", Fernet.generate_key().decode())
    monkeypatch.setattr("streams.app.BEAT_SECONDS", 0.0)
    monkeypatch.setattr("streams.app.PURGE_SECONDS", 0.0)
    return Worker(load())


def route_of(worker: Worker) -> RouteStage:
    part = worker.parts["route"]
    assert isinstance(part, RoutePart)
    return part.stage


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_purge_that_takes_long_does_not_hold_up_the_sign_of_life(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, turned = asyncio.Event(), []

    async def purge(*_how: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(route_of(worker), "purge", purge)
    monkeypatch.setattr(worker.watchdog, "turned", lambda: turned.append(1))
    worker.app.serving = True
    worker._begin(worker._beat())
    worker._begin(worker._purge())
    await asyncio.wait_for(begun.wait(), 5.0)
    turned.clear()
    await turns()
    assert turned
    await worker.close()


async def test_a_purge_that_fails_stops_the_worker(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    crashes: list[BaseException] = []

    async def purge(*_how: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(route_of(worker), "purge", purge)
    monkeypatch.setattr(worker, "crash", crashes.append)
    worker.app.serving = True
    worker._begin(worker._purge())
    await turns()
    assert [str(error) for error in crashes] == ["a bug"]


async def test_only_who_was_at_work_gives_partitions_back(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker.app.consumer, "assignment", set)
    for part in worker.parts.values():
        monkeypatch.setattr(part, "ready", quiet)
    with caplog.at_level("INFO"):
        await worker._drain()
        assert "giving partitions back" not in caplog.text
        await worker._ready()
        await worker._drain()
        assert "giving partitions back" in caplog.text


async def quiet() -> None:
    """Nothing to go on with."""


async def test_a_worker_that_could_not_even_prepare_can_be_closed(worker: Worker) -> None:
    await worker.close()


class Pins:
    """Table `pins` in memory."""

    def __init__(self, count: int) -> None:
        closed = orjson.dumps({"at": 1, "pins": {"c": {"open": False}}})
        self.kept = {f"alert:{n}".encode(): closed for n in range(count)}
        self.rows = self
        self.deleted: list[bytes] = []

    def items(self) -> list[tuple[int, bytes, bytes]]:
        return [(0, key, value) for key, value in self.kept.items()]

    def read(self, _partition: int, key: bytes) -> bytes | None:
        return self.kept.get(key)

    async def write(self, _producer: Any, _partition: int, key: bytes, value: bytes | None) -> None:
        assert value is None
        del self.kept[key]
        self.deleted.append(key)


def purge(worker: Worker, pins: Pins, ours: Callable[[], bool]) -> asyncio.Task[None]:
    stage = route_of(worker)
    stage._pins = pins  # type: ignore[assignment]
    return asyncio.ensure_future(stage.purge(2, ours))


async def test_purging_lets_others_run_and_deletes_all_that_is_over(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "YIELD_EVERY", 10)
    pins, done = Pins(100), 0
    purging = purge(worker, pins, lambda: True)
    while not purging.done():
        done += 1
        await asyncio.sleep(0)
    await route_of(worker).lanes.drain(5.0)
    assert done >= 100 / 10
    assert len(pins.deleted) == 100


async def test_purging_ends_with_the_partitions(worker: Worker) -> None:
    pins = Pins(10)
    looked = iter([True] * 3)
    await purge(worker, pins, lambda: next(looked, False))
    await turns()
    await route_of(worker).lanes.drain(5.0)
    assert pins.deleted == []


async def test_what_was_written_meanwhile_is_not_deleted(worker: Worker) -> None:
    pins = Pins(1)
    key = b"alert:0"
    looked = asyncio.Event()

    async def newer() -> None:
        await looked.wait()
        pins.kept[key] = orjson.dumps({"at": 1, "pins": {"c": {"open": True}}})

    await route_of(worker).lanes.put(key.decode(), newer)
    await purge(worker, pins, lambda: True)
    looked.set()
    await turns()
    assert pins.deleted == []


async def test_a_worker_runs_the_stages_it_is_told_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", Fernet.generate_key().decode())
    worker = Worker(load(), ("project",))
    assert list(worker.parts) == ["project"]
    assert [table.name for table in worker.app.tables.values()] == ["cases"]
    assert list(worker.app.agents) == ["case-updates"]
    assert worker.metrics.registry.get_sample_value("pagerline_lag_records", {"stage": "project"}) == 0
    assert worker.metrics.registry.get_sample_value("pagerline_lag_records", {"stage": "route"}) is None
    await worker.close()


@pytest.mark.parametrize(
    ("given", "says"), [("rout", "'rout' is no stage; there are route, dispatch, project"), ("", "''")]
)
def test_a_stage_that_is_none_is_refused(given: str, says: str) -> None:
    result = CliRunner().invoke(main, ["worker", "--stages", given])
    assert result.exit_code == 2
    assert says in result.output
