"""PagerDuty's times. Webhooks give milliseconds, REST gives whole seconds: two of the same second have no known
order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

NEAR_MS: Final = 2_000
"""The same change has a time in its webhook, another in its log entry and another in the incident: they differ by the
rounding to seconds and by what PagerDuty needed between writing one and the other."""


def milliseconds(text: object) -> int | None:
    """An ISO 8601 time as ms since the epoch; None when it is none. Without an offset it is UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def order(one: int, other: int) -> int:
    """-1, 0 or 1: whether `one` is earlier than, not to be told apart from, or later than `other`."""
    if one % 1000 == 0 or other % 1000 == 0:
        one, other = one // 1000, other // 1000
    return (one > other) - (one < other)


def near(one: int, other: int) -> bool:
    """Whether both may be times of one and the same change."""
    return abs(one - other) <= NEAR_MS
