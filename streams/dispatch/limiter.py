"""PagerDuty's rate limit, kept on our side."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 60.0
"""Events API v2 counts over a sliding minute (PagerDuty Events API v2, rate limits)."""


class SlidingWindow:
    """At most `limit` requests in any window of 60 s. Times are monotonic seconds given by the caller.

    PagerDuty counts a request when it arrives, some time between its turn and its answer: the turn may wait for the
    lease, a row or a connection first. So a request has its place from its turn until 60 s after its end.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open = 0
        self._ended: deque[float] = deque()

    def wait(self, now: float) -> float | None:
        """Seconds until the next request is allowed; 0 when it is now, None when another one must end first."""
        ended = self._ended
        while ended and ended[0] <= now - WINDOW_SECONDS:
            ended.popleft()
        surplus = self._open + len(ended) - self.limit
        if surplus < 0:
            return 0.0
        return ended[surplus] + WINDOW_SECONDS - now if surplus < len(ended) else None

    def begin(self) -> None:
        """A request gets its turn."""
        self._open += 1

    def end(self, now: float) -> None:
        """A request has been answered, or given up."""
        self._open -= 1
        self._ended.append(now)
