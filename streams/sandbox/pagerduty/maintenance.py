"""Maintenance windows: events are accepted and have no effect, a resolve included.

Source: PagerDuty support page "Maintenance Windows". No answer tells a publisher of it.
"""

from __future__ import annotations

import math

from streams.sandbox.pagerduty.destination import EVERY


class Maintenance:
    """Which destinations are in maintenance, and until which monotonic second."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def start(self, target: str, now: float, for_seconds: float | None = None) -> None:
        """Put a destination, or all with `*`, in maintenance; without `for_seconds` until `end` is called.

        Raises ValueError when `for_seconds` is not a number above 0.
        """
        if for_seconds is None:
            self._until[target] = math.inf
        elif isinstance(for_seconds, int | float) and for_seconds > 0:
            self._until[target] = now + for_seconds
        else:
            raise ValueError(f"for_seconds is {for_seconds!r}; it must be a number above 0")

    def end(self, target: str) -> None:
        """End what `start` began with the same target. Nothing happens when there is none."""
        self._until.pop(target, None)

    def covers(self, destination: str, now: float) -> bool:
        """Whether events of `destination` have no effect at `now`."""
        if not self._until:
            return False
        return any(now < self._until.get(target, -math.inf) for target in (destination, EVERY))

    def clear(self) -> None:
        self._until.clear()
