"""Fetches at a pace: a moment between an answer and the next request, in which records gather.

At a steady rate every record would otherwise have a fetch of its own, with all partitions in the request and in the
answer: measured at 300 events a second, that took a quarter of the worker's time and kept the broker from answering the
writes (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FETCH_WAIT_MS = 50
"""How long the broker holds a fetch that finds nothing; Faust says 1,500. A fetch leaves out partitions whose records
are not consumed yet, and what they get meanwhile waits for its end: two events in a row could be 1.5 s apart."""

PAUSE_SECONDS = 0.004
"""Between a broker's answer and the next fetch from it. One event at a time waits no longer than that, twice."""


def pace(fetcher: Any, clock: Callable[[], float], seconds: float = PAUSE_SECONDS) -> None:
    """Make an aiokafka Fetcher wait `seconds` after each answer of a broker; `clock` gives monotonic seconds."""
    fetcher._fetch_max_wait_ms = FETCH_WAIT_MS
    choose, fetch = fetcher._get_actions_per_node, fetcher._proc_fetch_request
    answered: dict[int, float] = {}

    async def proc_fetch_request(assignment: Any, node_id: int, request: Any) -> bool:
        try:
            return bool(await fetch(assignment, node_id, request))
        finally:
            answered[node_id] = clock()

    def get_actions_per_node(assignment: Any) -> tuple[Any, ...]:
        # The fetcher asks for this after each change, so a request that is left out is made anew, with all that is
        # to be fetched by then.
        requests, resets, timeout, invalid, resumed = choose(assignment)
        now, due = clock(), []
        for node_id, request in requests:
            wait = answered.get(node_id, float("-inf")) + seconds - now
            if wait <= 0:
                due.append((node_id, request))
            else:
                timeout = min(timeout, wait)
        return due, resets, timeout, invalid, resumed

    fetcher._get_actions_per_node, fetcher._proc_fetch_request = get_actions_per_node, proc_fetch_request
