"""Milliseconds since the epoch as a moment of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

LAST_MS: Final = 253_402_300_799_000
"""The last second of the year 9999; Python's calendar goes no further."""


def moment_of(ms: float) -> datetime:
    """The moment in UTC. Never raises: a producer may give its record any 64-bit number as timestamp (microseconds,
    as a rule), and what lies outside 1970 to 9999 is the nearest moment that does not."""
    return datetime.fromtimestamp(min(max(ms, 0), LAST_MS) / 1000, UTC)
