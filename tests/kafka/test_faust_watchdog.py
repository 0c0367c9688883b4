"""What the watchdog takes for a worker that looks alive and is not, and what it does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.kafka.watchdog import LOOP_STALL_SECONDS, NO_DELIVERY_SECONDS, OUT_OF_GROUP_SECONDS, Watchdog

IN = TP("in", 0)


class Worker:
    """A worker at work, as the watchdog sees it, and the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr("streams.kafka.watchdog.time.monotonic", lambda: self.now)
        self.task = SimpleNamespace(done=lambda: False)
        self.coordinator = SimpleNamespace(_pending_exception=None, _coordination_task=self.task, generation=1)
        self.end = 0
        self.consumer = SimpleNamespace(
            _thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=self.coordinator)),
            _active_partitions={IN},
            _read_offset={IN: 0},
            highwater=lambda _tp: self.end,
        )
        self.app: Any = SimpleNamespace(
            _consumer=self.consumer, consumer=self.consumer, serving=True, rebalancing=False, should_stop=False
        )
        self.watchdog = Watchdog(self.app)

    def after(self, seconds: float, *, turned: bool = True) -> str | None:
        """What the watchdog says that much later."""
        self.now += seconds
        if turned:
            self.watchdog.turned()
        return self.watchdog._problem(self.now)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(monkeypatch)


def test_a_worker_that_is_well_may_be_idle_for_ever(worker: Worker) -> None:
    for _ in range(10):
        assert worker.after(3_600.0) is None


def test_a_loop_that_stands_still(worker: Worker) -> None:
    assert worker.after(LOOP_STALL_SECONDS, turned=False) is None
    problem = worker.after(1.0, turned=False)
    assert problem is not None
    assert "main loop" in problem


def test_a_worker_that_has_no_consumer_yet(worker: Worker) -> None:
    worker.app._consumer = None
    assert worker.after(3_600.0) is None


def test_a_coordinator_that_refused(worker: Worker) -> None:
    worker.coordinator._pending_exception = PermissionError("group")
    assert worker.after(1.0) == "the group coordinator refused this worker: PermissionError('group')"


def test_a_coordination_that_has_ended(worker: Worker) -> None:
    worker.task.done = lambda: True
    assert worker.after(1.0) == "the task that keeps this worker in its group has ended"


def test_out_of_the_group_for_too_long(worker: Worker) -> None:
    assert worker.after(1.0) is None
    worker.coordinator.generation = -1
    assert worker.after(OUT_OF_GROUP_SECONDS) is None
    problem = worker.after(1.0)
    assert problem is not None
    assert "not a member" in problem


def test_a_rebalance_is_not_an_absence(worker: Worker) -> None:
    worker.coordinator.generation = -1
    assert worker.after(OUT_OF_GROUP_SECONDS - 1) is None
    worker.coordinator.generation = 2
    assert worker.after(1.0) is None
    worker.coordinator.generation = -1
    assert worker.after(OUT_OF_GROUP_SECONDS - 1) is None


def test_records_that_nobody_hands_out(worker: Worker) -> None:
    worker.end = 5
    assert worker.after(1.0) is None
    assert worker.after(NO_DELIVERY_SECONDS) is None
    problem = worker.after(1.0)
    assert problem is not None
    assert problem.startswith("in/0: records wait")


def test_a_backlog_that_moves(worker: Worker) -> None:
    worker.end = 5
    for position in range(4):
        worker.consumer._read_offset[IN] = position
        assert worker.after(NO_DELIVERY_SECONDS) is None


@pytest.mark.parametrize("state", [{"serving": False}, {"rebalancing": True}])
def test_recovery_and_rebalances_begin_the_count_anew(worker: Worker, state: dict[str, bool]) -> None:
    worker.end = 5
    assert worker.after(1.0) is None
    before = vars(worker.app).copy()
    vars(worker.app).update(state)
    assert worker.after(NO_DELIVERY_SECONDS + 1) is None
    vars(worker.app).update(before)
    assert worker.after(1.0) is None
    assert worker.after(NO_DELIVERY_SECONDS) is None


def test_a_partition_that_is_held_back_is_not_stuck(worker: Worker) -> None:
    worker.end = 5
    assert worker.after(1.0) is None
    worker.consumer._active_partitions = set()
    assert worker.after(NO_DELIVERY_SECONDS + 1) is None
