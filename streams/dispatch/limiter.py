"""PagerDuty's rate limit, kept on our side."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 60.0
"""Events API v2 counts over a sliding minute (PagerDuty Events API v2, rate limits)."""


class SlidingWindow:
    """At most `limit` sends in any window of 60 s. Times are monotonic seconds given by the caller."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._sent: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until the next send is allowed; 0 when it is allowed now."""
        while self._sent and self._sent[0] <= now - WINDOW_SECONDS:
            self._sent.popleft()
        if len(self._sent) < self.limit:
            return 0.0
        return self._sent[len(self._sent) - self.limit] + WINDOW_SECONDS - now

    def take(self, now: float) -> None:
        """Count a send."""
        self._sent.append(now)
