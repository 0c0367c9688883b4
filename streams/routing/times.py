"""Timestamps: the three forms that a source may give, made into the one that PagerDuty takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

MILLISECONDS_FROM: Final = 100_000_000_000
"""A number from here up is milliseconds: as seconds it would be the year 5138, as milliseconds it is March 1973."""

_LAST: Final = 253_402_300_799_999  # ms: the end of the year 9999, the last that ISO 8601 writes in four digits


def iso_8601(value: object) -> str | None:
    """`value` as ISO 8601 in UTC with milliseconds, or None when it is no point in time.

    In: ISO 8601 (without an offset it is read as UTC), or Unix time in seconds or milliseconds, as number or digits
    (Coralogix, PagerDuty message fields). Zero and below count as unset, as in the JSON of a proto message.
    """
    moment = _moment(value)
    return None if moment is None else moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def milliseconds(value: object) -> int | None:
    """The same in milliseconds since the epoch."""
    moment = _moment(value)
    return None if moment is None else (moment - _EPOCH) // timedelta(milliseconds=1)


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 40:  # ISO 8601 with nanoseconds and offset has 35
            return None
        if not (text.isascii() and text.isdigit() and len(text) >= 9):  # fewer digits are a date without dashes
            return _from_iso(text)
        value = int(text)
    if isinstance(value, int | float):
        return _from_number(value)
    return None


def _from_number(number: int | float) -> datetime | None:
    if not 0 < number <= _LAST:  # also false for NaN
        return None
    return _EPOCH + timedelta(milliseconds=int(number) if number >= MILLISECONDS_FROM else round(number * 1000))


def _from_iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
