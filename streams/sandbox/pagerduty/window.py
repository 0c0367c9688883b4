"""Rate limits: so many events for a key, or requests for a token, in any 60 seconds."""

from __future__ import annotations

from collections import deque
from typing import Final

from streams.sandbox.pagerduty.destination import EVERY

DEFAULT_LIMIT: Final = 120
"""Events a minute for one integration key (PagerDuty developer docs, Events API v2, "Rate limiting")."""
SPAN_S: Final = 60.0


class RateLimits:
    """One sliding window per destination.

    Only accepted events fill the window: a client that keeps knocking while throttled is let in as soon as the
    window moves. (Whether PagerDuty counts refused calls too is not documented.) Alert and change events share it.
    """

    def __init__(self, default: int | None = DEFAULT_LIMIT) -> None:
        self._default = checked(default)
        self._own: dict[str, int | None] = {}
        self._taken: dict[str, deque[float]] = {}

    def limit(self, destination: str) -> int | None:
        """Events a minute that `destination` may send; None when there is no limit."""
        return self._own.get(destination, self._default)

    def set(self, target: str, limit: int | None) -> None:
        """Set the limit of a destination, or the default of all with `*`. None: no limit. Takes effect at once.

        Raises ValueError when `limit` is negative or no whole number.
        """
        if target == EVERY:
            self._default = checked(limit)
        else:
            self._own[target] = checked(limit)

    def own(self) -> list[str]:
        """The destinations that have a limit of their own."""
        return list(self._own)

    def take(self, destination: str, now: float) -> float:
        """Take a place in the window at monotonic time `now` (seconds).

        Returns 0.0 when the event may pass, else the seconds until one may; then nothing was taken.
        """
        limit = self._own.get(destination, self._default)
        if limit is None:
            return 0.0
        taken = self._taken.get(destination)
        if taken is None:
            taken = self._taken[destination] = deque()
        while taken and taken[0] <= now - SPAN_S:
            taken.popleft()
        if len(taken) < limit:
            taken.append(now)
            return 0.0
        # The place that frees the window: with a limit lowered under way, not the oldest one.
        return taken[-limit] + SPAN_S - now if limit else SPAN_S

    def resets_in(self, destination: str, now: float) -> float:
        """Seconds until the oldest taken place of the destination's window is free; 0.0 when none is taken."""
        taken = [at for at in self._taken.get(destination, ()) if at > now - SPAN_S]
        return taken[0] + SPAN_S - now if taken else 0.0

    def used(self, destination: str, now: float) -> int:
        """How many places of the destination's window are taken at `now`."""
        return sum(1 for at in self._taken.get(destination, ()) if at > now - SPAN_S)


def checked(limit: int | None) -> int | None:
    """`limit` itself. Raises ValueError unless it is None or a whole number from 0 on."""
    if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0):
        return limit
    raise ValueError(f"limit is {limit!r}; it must be a whole number of events a minute, or null for none")
