"""`date` and `epoch_seconds`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from streams.errors import RenderFailed
from streams.templating.arguments import Arguments, text_argument
from streams.templating.registry import filter_
from streams.templating.run import Run
from streams.templating.strftime import Moment, NoOffset, WrongFormat, compiled, date_of, day_number, strftime
from streams.templating.values import I64_MAX, I64_MIN, WHITE_SPACE, is_number, kind_of

_SPACE: Final = f"[{WHITE_SPACE}]*"
_DATE: Final = r"~(?P<year>[0-9]{1,4}|\+[0-9]+|-[0-9]+)~-~(?P<month>[0-9]{1,2})~-~(?P<day>[0-9]{1,2})"
_TIME: Final = r"~(?P<hour>[0-9]{1,2})~:~(?P<minute>[0-9]{1,2})~:~(?P<second>[0-9]{1,2})(?:\.(?P<fraction>[0-9]+))?~"
_OFFSET: Final = (
    r"(?:(?P<zulu>[zZ]|[uU][tT][cC])|(?P<sign>[-+\u2212])(?P<hours>[0-9]{2})(?::|~)*(?P<minutes>[0-9]{2}))~"
)


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern in which `~` stands for white space or none."""
    return re.compile(text.replace("(?::|~)*", f"[:{WHITE_SPACE}]*").replace("~", _SPACE))


_ZONED: Final = _pattern(_DATE + "[Tt ]" + _TIME + _OFFSET)
_NAIVE: Final = _pattern(_DATE + "~T" + _TIME)
_DAY: Final = _pattern(_DATE.replace("~-", "-"))
_ZONE_NAME: Final = re.compile(r"(?!posix/|right/|localtime|posixrules|Factory)[A-Za-z][A-Za-z0-9_+/-]*")
# The years that chrono's calendar has.
_FIRST: Final = day_number(-262_143, 1, 1) * 86_400
_LAST: Final = day_number(262_143, 1, 1) * 86_400 - 1


@filter_(
    "date",
    "A time stamp in seconds since 1970, or a date or a time as text (ISO 8601), by `format` (`%Y-%m-%d`), in `timezone` (a name such as `Europe/Berlin`).",  # noqa: E501
    "format, timezone",
    '{{ alert.timestamp | date(format="%Y-%m-%d %H:%M", timezone="Europe/Berlin") }}',
    "2021-12-02 01:06",
)
def date(value: Any, arguments: Arguments, run: Run) -> str:
    pattern = text_argument(arguments, "format", "%Y-%m-%d")
    run.meter.work(8 * len(pattern))
    try:
        compiled(pattern)
    except WrongFormat:
        raise RenderFailed("the argument `format` has a specifier that does not exist") from None
    zone = _zone(text_argument(arguments, "timezone")) if "timezone" in arguments else None
    try:
        return strftime(_moment(value, zone), pattern)
    except NoOffset:
        raise RenderFailed("a time stamp has no time zone to print: give the argument `timezone`") from None


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        if _ZONE_NAME.fullmatch(name):
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        pass
    raise RenderFailed("the argument `timezone` is no name of a time zone, such as `Europe/Berlin`")


def _moment(value: object, zone: ZoneInfo | None) -> Moment:
    if type(value) is int and I64_MIN <= value <= I64_MAX:
        if not _FIRST <= value <= _LAST:
            raise RenderFailed("the time stamp is beyond the calendar; it must be in seconds (see `epoch_seconds`)")
        return Moment(value) if zone is None else _in_zone(value, 0, zone)
    if type(value) is float:
        raise RenderFailed("works on whole seconds, not on a number with a point (see `epoch_seconds`)")
    if type(value) is not str:
        raise RenderFailed(f"works on a number or a text, not on {kind_of(value)}")
    return _from_text(value, zone)


def _from_text(text: str, zone: ZoneInfo | None) -> Moment:
    if "T" not in text:
        found = _DAY.fullmatch(text)
        if found is None:
            raise RenderFailed("the text is not a date such as 2021-12-02")
        return Moment(_seconds(found), 0, 0, "UTC")
    found = _ZONED.fullmatch(text)
    if found is not None and (moment := _with_offset(found)) is not None:
        if zone is None:
            return moment
        return _in_zone(moment.seconds - (moment.offset or 0), moment.nanoseconds, zone)
    found = _NAIVE.fullmatch(text)
    if found is None:
        raise RenderFailed("the text is not a time such as 2021-12-02T00:06:40Z")
    return Moment(_seconds(found), _nanoseconds(found), 0, "UTC")


def _with_offset(found: re.Match[str]) -> Moment | None:
    if found["zulu"]:
        return Moment(_seconds(found), _nanoseconds(found), 0, "+00:00")
    minutes = int(found["minutes"])
    offset = (int(found["hours"]) * 60 + minutes) * 60
    if minutes > 59 or offset >= 86_400:
        return None
    sign = "+" if found["sign"] == "+" or offset == 0 else "-"
    name = f"{sign}{found['hours']}:{minutes:02}"
    return Moment(_seconds(found), _nanoseconds(found), offset if sign == "+" else -offset, name)


def _seconds(found: re.Match[str]) -> int:
    parts = found.groupdict()
    year, month, day = int(parts["year"]), int(parts["month"]), int(parts["day"])
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    fits = 1 <= month <= 12 and day >= 1 and -262_143 <= year <= 262_142
    if (
        not fits
        or date_of(day_number(year, month, day)) != (year, month, day)
        or hour > 23
        or minute > 59
        or second > 60
    ):
        raise RenderFailed("the text is no day of the calendar, or no time of the day")
    return day_number(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + min(second, 59)


def _nanoseconds(found: re.Match[str]) -> int:
    leap = 10**9 if int(found["second"]) == 60 else 0  # a leap second is the 59th and another thousand million
    return leap + int((found["fraction"] or "0")[:9].ljust(9, "0"))


def _in_zone(seconds: int, nanoseconds: int, zone: ZoneInfo) -> Moment:
    # The reference knows the changes of the clocks up to the year 2100 and keeps the last one from then on.
    known = min(max(seconds, -62_000_000_000), 4_102_444_799)
    there = datetime.fromtimestamp(known, UTC).astimezone(zone)
    offset = there.utcoffset()
    east = 0 if offset is None else int(offset.total_seconds())
    return Moment(seconds + east, nanoseconds, east, there.tzname() or "")


@filter_(
    "epoch_seconds",
    "Seconds since 1970 from a time stamp in seconds, milliseconds, microseconds or nanoseconds (told apart by size) or a time as text, ready for `date`.",  # noqa: E501
    "",
    "{{ 1638403600123 | epoch_seconds }}",
    "1638403600",
    ours=True,
)
def epoch_seconds(value: Any, arguments: Arguments, run: Run) -> int:
    if type(value) is str and re.fullmatch(r"\s*[+-]?\d{1,19}(\.\d{1,9})?\s*", value, re.ASCII):
        value = float(value) if "." in value else int(value)
    if type(value) is str:
        moment = _from_text(value, None)
        return moment.seconds - (moment.offset or 0)
    if not is_number(value):
        raise RenderFailed(f"works on a number or a text, not on {kind_of(value)}")
    if type(value) is float and not abs(value) < 1e19:
        raise RenderFailed("the number is too large for a time stamp")
    # 1e11 seconds is the year 5138, 1e11 milliseconds is 1973: a time stamp of this century tells its own unit.
    divisor = 1
    while abs(value) >= 10**11 * divisor and divisor < 10**9:
        divisor *= 1_000
    return int(value // divisor)
