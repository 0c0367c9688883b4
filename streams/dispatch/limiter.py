"""PagerDuty's rate limit, kept on our side."""

from __future__ import annotations

from bisect import insort
from collections import deque

WINDOW_SECONDS = 60.0
"""Events API v2 counts over a sliding minute (PagerDuty Events API v2, rate limits)."""

RESERVE = 0.15
"""Share of the window kept for unpaged critical triggers (architecture, section 4)."""

REGAIN_SECONDS = 120.0
"""In which a limit that was learned from a 429 has grown back from nothing to the configured one."""


class SlidingWindow:
    """At most `limit` requests in any window of 60 s. Times are monotonic seconds given by the caller.

    PagerDuty counts a request when it arrives, some time between its turn and its answer: the turn may wait for the
    lease, a row or a connection first. So a request has its place from its turn until 60 s after its end.

    All but urgent requests leave `reserve` (a share of the limit) free. A 429 that comes although we stayed below says
    that others use the same key: the limit is then what was accepted of ours, and grows back by and by.
    """

    def __init__(self, limit: int, reserve: float = RESERVE) -> None:
        self.limit = limit
        self.reserve = reserve
        self._open = 0
        self._ended: deque[float] = deque()
        self._learned: tuple[float, float] | None = None

    def wait(self, now: float, *, urgent: bool = False) -> float | None:
        """Seconds until the next request is allowed; 0 when it is now, None when another one must end first."""
        ended = self._ended
        while ended and ended[0] <= now - WINDOW_SECONDS:
            ended.popleft()
        most = self._allowed(now)
        if not urgent:
            most -= min(most - 1, int(most * self.reserve))
        surplus = self._open + len(ended) - most
        if surplus < 0:
            return 0.0
        return ended[surplus] + WINDOW_SECONDS - now if surplus < len(ended) else None

    def empty(self, now: float) -> bool:
        """Whether nothing counts at `now`."""
        return not self._open and (not self._ended or self._ended[-1] <= now - WINDOW_SECONDS)

    def begin(self) -> None:
        """A request gets its turn."""
        self._open += 1

    def end(self, now: float) -> None:
        """A request has been answered, or given up."""
        self._open -= 1
        self._ended.append(now)

    def restore(self, at: float) -> None:
        """Count a request of another worker, or of this one before its restart, that ended at `at`."""
        insort(self._ended, at)

    def overrun(self, now: float) -> None:
        """PagerDuty said 429: what it took of ours in the last minute is all that there is for us."""
        used = len(self._ended) + self._open - 1
        self._learned = (float(max(1, min(used, self._allowed(now)))), now)

    def _allowed(self, now: float) -> int:
        if self._learned is None:
            return self.limit
        most, since = self._learned
        allowed = int(most + self.limit * (now - since) / REGAIN_SECONDS)
        if allowed >= self.limit:
            self._learned = None
            return self.limit
        return allowed
