"""Ends a worker that looks alive and is not: out of the group, or with a loop that stands still."""

from __future__ import annotations

import threading
import time
from typing import Any

from streams.kafka.app import SafeApp, end_process

CHECK_SECONDS = 1.0

LOOP_STALL_SECONDS = 60.0
"""A main loop that has not turned for this long will not turn again; heartbeats come from another thread, so the
group would never notice."""

OUT_OF_GROUP_SECONDS = 90.0
"""Longer than a rebalance with a restarting broker takes (30 s + session 10 s), shorter than anybody's patience."""

NO_DELIVERY_SECONDS = 120.0
"""Records are there, nothing holds them back, and none is handed out."""


class Watchdog:
    """Looks at one app each second from a thread of its own, so that a blocked main loop is seen too."""

    def __init__(self, app: SafeApp) -> None:
        self._app = app
        self._turned = time.monotonic()
        self._member_at = time.monotonic()
        self._positions: dict[Any, tuple[int | None, float]] = {}

    def start(self) -> None:
        """Start watching; the thread ends with the process."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def turned(self) -> None:
        """The main loop's sign of life; call it at least each few seconds from the loop."""
        self._turned = time.monotonic()

    def _watch(self) -> None:
        while not self._app.should_stop:
            time.sleep(CHECK_SECONDS)
            reason = self._problem(time.monotonic())
            if reason and not self._app.should_stop:
                end_process(reason)

    def _problem(self, now: float) -> str | None:
        if now - self._turned > LOOP_STALL_SECONDS:
            return f"the main loop has stood still for {LOOP_STALL_SECONDS:.0f} s"
        consumer = self._app._consumer and getattr(self._app._consumer._thread, "_consumer", None)
        coordinator = consumer and getattr(consumer, "_coordinator", None)
        if not coordinator:
            return None
        # aiokafka parks these errors for a caller of getmany, which Faust never is: such a member stays out for good.
        if coordinator._pending_exception is not None:
            return f"the group coordinator refused this worker: {coordinator._pending_exception!r}"
        if coordinator._coordination_task.done():
            return "the task that keeps this worker in its group has ended"
        if coordinator.generation > 0:
            self._member_at = now
        if now - self._member_at > OUT_OF_GROUP_SECONDS:
            return f"not a member of the group for {OUT_OF_GROUP_SECONDS:.0f} s"
        return self._stalled(now)

    def _stalled(self, now: float) -> str | None:
        app, safe = self._app, self._app.consumer
        if not app.serving or app.rebalancing:
            self._positions.clear()
            return None
        for tp in list(safe._active_partitions):
            position = safe._read_offset.get(tp)
            seen, since = self._positions.get(tp, (None, now))
            behind = position is not None and (safe.highwater(tp) or 0) > position
            if not behind or position != seen:
                self._positions[tp] = (position, now)
            elif now - since > NO_DELIVERY_SECONDS:
                return (
                    f"{tp.topic}/{tp.partition}: records wait and none was handed out for {NO_DELIVERY_SECONDS:.0f} s"
                )
        return None
