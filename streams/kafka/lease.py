"""The lease: whether this process may still act for the partitions it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MARGIN_SECONDS = 1.0
"""Taken off the session time-out: the broker counts from when it received the heartbeat, we from before sending it,
and a request on its way must not outlive the membership."""

POLL_SECONDS = 0.05
"""How often a held sender looks again; far below anything a person notices."""


class Lease:
    """Time until which the group coordinator is sure not to have given our partitions to another member.

    Renewed by every heartbeat that the coordinator answered. A process that was stopped (SIGSTOP, a paused virtual
    machine) finds its lease run out when it wakes, before it has spoken to anybody, and sends nothing stale.
    `clock` returns monotonic seconds and must go on while the process is stopped. Renewed from the consumer's
    thread, read from the main one: a single float, so no lock.
    """

    def __init__(self, session_seconds: float, clock: Callable[[], float]) -> None:
        self._session = session_seconds - MARGIN_SECONDS
        self._clock = clock
        self._until = float("-inf")

    def renew(self, heartbeat_sent_at: float) -> None:
        """Extend the lease; `heartbeat_sent_at` is the clock's value from before the heartbeat was sent."""
        self._until = max(self._until, heartbeat_sent_at + self._session)

    @property
    def valid(self) -> bool:
        return self._clock() < self._until

    async def hold(self) -> None:
        """Return when the lease is valid: at once as a rule, later when the coordinator was out of reach."""
        while not self.valid:  # noqa: ASYNC110 - what changes is the clock, which sets no event
            await asyncio.sleep(POLL_SECONDS)
