"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Callable

FIRST_SECONDS = 0.5
CAP_SECONDS = 60.0
"""A minute's outage costs a minute at most twice; the cap is the architecture's (section 4)."""


def backoff(failures: int, random: Callable[[], float], cap: float = CAP_SECONDS) -> float:
    """Seconds before attempt number `failures + 1`: doubling from 0.5 s up to `cap`, spread over 50 to 100 %.

    `random` returns a float in [0, 1); the spread keeps workers from knocking all at once after an outage.
    """
    full = min(cap, FIRST_SECONDS * 2.0 ** min(failures - 1, 16))
    return full * (0.5 + random() / 2)
