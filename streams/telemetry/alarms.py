"""Errors in the log that may come a thousand times a second and must not fill a disk."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

EVERY_SECONDS: Final = 60.0
"""Between two lines about the same trouble."""
MOST_KEPT: Final = 1_000
"""Troubles that are told apart; above that the oldest is told anew when it comes again."""


class Alarms:
    """Logs each trouble at once, and then each minute with how often it came. `clock`: monotonic seconds."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._told: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def raised(self, trouble: Hashable, text: str) -> None:
        """`trouble` is what makes it the same one, `text` a line that says what to do about it."""
        now = self._clock()
        at, unsaid = self._told.get(trouble, (now - EVERY_SECONDS, 0))
        if now - at < EVERY_SECONDS:
            self._told[trouble] = (at, unsaid + 1)
            return
        self._told[trouble] = (now, 0)
        if len(self._told) > MOST_KEPT:
            self._told.popitem(last=False)
        self._log.error("%s%s", text, f" ({unsaid} more since it was last said)" if unsaid else "")
