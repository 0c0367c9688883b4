"""Who sends nothing but forged webhooks: a count for each source, as a bucket that fills again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

BURST: Final = 20
"""Bad deliveries that a source may send at once: a secret that is set up wrong sends three, then PagerDuty stops."""
PER_SECOND: Final = 1.0
"""And then: what a person who tries things out with curl never reaches."""
MOST_SOURCES: Final = 10_000
"""Remembered, about 2 MB. Above that the one longest unheard of is forgotten, which lets it begin anew."""


class FloodLimit:
    """`clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def bad(self, source: str) -> None:
        """A delivery from there was not PagerDuty's."""
        self._left[source] = (max(0.0, self._now_left(source) - 1.0), self._clock())
        self._left.move_to_end(source)
        if len(self._left) > MOST_SOURCES:
            self._left.popitem(last=False)

    def flooding(self, source: str) -> bool:
        """Whether so many of them came from there lately that the next one is looked at more strictly."""
        return source in self._left and self._now_left(source) < 1.0

    def _now_left(self, source: str) -> float:
        left, at = self._left.get(source, (float(BURST), 0.0))
        return min(float(BURST), left + (self._clock() - at) * PER_SECOND)
