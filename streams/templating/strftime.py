"""Dates and times as chrono (the reference's library) prints and reads them.

Not `datetime.strftime`: the specifiers differ (`%-d`, `%.3f`, `%:z`, `%+`), an unknown one is an error, and a time
stamp in milliseconds taken for seconds gives a year far above 9999, which prints as `+53888` and must not fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Final

MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                 "November", "December")  # fmt: skip
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPECIFIER: Final = re.compile(r"%(?:(?P<pad>[-_0])?(?P<letter>[A-Za-z+%])|(?P<long>\.[369]?f|[369]f|:{1,3}z))|%|[^%]+")
_COMPOSED: Final = {
    "D": "%m/%d/%y", "x": "%m/%d/%y", "F": "%Y-%m-%d", "v": "%e-%b-%Y", "R": "%H:%M", "T": "%H:%M:%S", "X": "%H:%M:%S",
    "r": "%I:%M:%S %p", "c": "%a %b %e %H:%M:%S %Y",
}  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """A moment in the calendar of one place. ``seconds`` since 1970 in that place's own time; ``offset`` seconds east
    of UTC and ``zone`` its name, both None for a time that has none."""

    seconds: int
    nanoseconds: int = 0
    offset: int | None = None
    zone: str | None = None

    @property
    def day_number(self) -> int:
        return self.seconds // 86_400

    @property
    def date(self) -> tuple[int, int, int]:
        return date_of(self.day_number)

    @property
    def clock(self) -> tuple[int, int, int]:
        rest = self.seconds % 86_400
        return rest // 3_600, rest // 60 % 60, rest % 60

    @property
    def weekday(self) -> int:
        """0 for Monday."""
        return (self.day_number + 3) % 7

    @property
    def day_of_year(self) -> int:
        return self.day_number - day_number(self.date[0], 1, 1) + 1

    @property
    def iso_week(self) -> tuple[int, int]:
        """The ISO 8601 year and week: those of the week's Thursday."""
        thursday = self.day_number - self.weekday + 3
        year = date_of(thursday)[0]
        return year, (thursday - day_number(year, 1, 1)) // 7 + 1


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, of any year."""
    year -= month <= 2
    of_era = year % 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year // 400 * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def date_of(number: int) -> tuple[int, int, int]:
    """The reverse of `day_number`."""
    number += 719_468
    era, of_era = number // 146_097, number % 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + (month <= 2), month, day


class WrongFormat(ValueError):
    """The format has a specifier that does not exist."""


class NoOffset(ValueError):
    """The format asks for the time zone of a time that has none."""


Show = Callable[[Moment], str]


def strftime(moment: Moment, pattern: str) -> str:
    """``moment`` by ``pattern``. Raises WrongFormat and NoOffset."""
    return "".join([show(moment) for show in compiled(pattern)])


@lru_cache(maxsize=512)  # patterns stand in templates
def compiled(pattern: str) -> tuple[Show, ...]:
    """What ``pattern`` is made of. Raises WrongFormat when it has an unknown specifier."""
    return tuple(_item(found) for found in _SPECIFIER.finditer(pattern))


def _item(found: re.Match[str]) -> Show:
    if found["long"]:
        return partial(_long, word=found["long"])
    letter, text = found["letter"], found.group()
    if letter is None:
        if text == "%":
            raise WrongFormat
        return lambda moment: text
    pad = found["pad"]
    if letter in _COMPOSED and not pad:
        return partial(strftime, pattern=_COMPOSED[letter])
    number = _NUMBERS.get(letter)
    if number is not None:
        return partial(_number, number=number, pad=pad, letter=letter)
    plain = _TEXTS.get(letter)
    if plain is None or pad:
        raise WrongFormat
    return plain


def _number(moment: Moment, number: Callable[[Moment], tuple[int, int, str]], pad: str | None, letter: str) -> str:
    value, width, fill = number(moment)
    fill = {"-": "", "_": " ", "0": "0"}.get(pad or "", fill)
    if letter == "C" and value > 99:  # chrono keeps one byte and writes its tens as one character
        return f"{chr(ord('0') + value // 10)}{value % 10}"
    if letter in "YG" and not 0 <= value <= 9_999:
        return f"{value:+}".rjust(5) if fill == " " else f"{value:+05}" if fill else f"{value:+}"
    if value < 0:
        return f"-{str(-value).rjust(width - 1, fill)}" if fill else str(value)
    return str(value).rjust(width, fill) if fill else str(value)


_NUMBERS: Final[dict[str, Callable[[Moment], tuple[int, int, str]]]] = {
    "Y": lambda m: (m.date[0], 4, "0"),
    "C": lambda m: (m.date[0] // 100 % 256, 2, "0"),
    "y": lambda m: (m.date[0] % 100, 2, "0"),
    "q": lambda m: ((m.date[1] + 2) // 3, 1, ""),
    "m": lambda m: (m.date[1], 2, "0"),
    "d": lambda m: (m.date[2], 2, "0"),
    "e": lambda m: (m.date[2], 2, " "),
    "w": lambda m: ((m.weekday + 1) % 7, 1, ""),
    "u": lambda m: (m.weekday + 1, 1, ""),
    "U": lambda m: ((m.day_of_year + 6 - (m.weekday + 1) % 7) // 7, 2, "0"),
    "W": lambda m: ((m.day_of_year + 6 - m.weekday) // 7, 2, "0"),
    "G": lambda m: (m.iso_week[0], 4, "0"),
    "g": lambda m: (m.iso_week[0] % 100, 2, "0"),
    "V": lambda m: (m.iso_week[1], 2, "0"),
    "j": lambda m: (m.day_of_year, 3, "0"),
    "H": lambda m: (m.clock[0], 2, "0"),
    "k": lambda m: (m.clock[0], 2, " "),
    "I": lambda m: ((m.clock[0] + 11) % 12 + 1, 2, "0"),
    "l": lambda m: ((m.clock[0] + 11) % 12 + 1, 2, " "),
    "M": lambda m: (m.clock[1], 2, "0"),
    "S": lambda m: (m.clock[2] + m.nanoseconds // 10**9, 2, "0"),
    "f": lambda m: (m.nanoseconds % 10**9, 9, "0"),
    "s": lambda m: (m.seconds - (m.offset or 0), 1, ""),
}
_TEXTS: Final[dict[str, Callable[[Moment], str]]] = {
    "B": lambda m: MONTHS[m.date[1] - 1],
    "b": lambda m: MONTHS[m.date[1] - 1][:3],
    "h": lambda m: MONTHS[m.date[1] - 1][:3],
    "A": lambda m: DAYS[m.weekday],
    "a": lambda m: DAYS[m.weekday][:3],
    "p": lambda m: "PM" if m.clock[0] >= 12 else "AM",
    "P": lambda m: "pm" if m.clock[0] >= 12 else "am",
    "z": lambda m: _offset(m, ""),
    "Z": lambda m: _zone(m),
    "+": lambda m: strftime(m, "%Y-%m-%dT%H:%M:%S%.f%:z"),
    "t": lambda m: "\t",
    "n": lambda m: "\n",
    "%": lambda m: "%",
}


def _zone(moment: Moment) -> str:
    if moment.zone is None:
        raise NoOffset
    return moment.zone


def _long(moment: Moment, word: str) -> str:
    if word.endswith("z"):
        return _offset(moment, word)
    digits = f"{moment.nanoseconds % 10**9:09}"
    if word == ".f":
        return fraction(moment.nanoseconds % 10**9)
    return ("." if word[0] == "." else "") + digits[: int(word[-2])]


def fraction(nanoseconds: int) -> str:
    """The part of a second with 3, 6 or 9 digits, as few as show it; nothing for none."""
    digits = f"{nanoseconds:09}"
    for width in (3, 6):
        if not digits[width:].strip("0"):
            return "" if not digits.strip("0") else f".{digits[:width]}"
    return f".{digits}"


def _offset(moment: Moment, word: str) -> str:
    if moment.offset is None:
        raise NoOffset
    sign, seconds = ("-", -moment.offset) if moment.offset < 0 else ("+", moment.offset)
    hours, minutes, rest = seconds // 3_600, seconds // 60 % 60, seconds % 60
    if word == "::z":
        return f"{sign}{hours:02}:{minutes:02}:{rest:02}"
    if word == ":::z":
        return f"{sign}{hours:02}"
    minutes_all = (seconds + 30) // 60  # chrono rounds to the minute here
    return f"{sign}{minutes_all // 60:02}{':' if word == ':z' else ''}{minutes_all % 60:02}"


def rfc3339(moment: datetime, *, utc: bool) -> str:
    """A moment with a time zone as `now()` gives it: `2021-12-02T00:06:40.123456+00:00`."""
    local = moment.astimezone(UTC) if utc else moment
    offset = local.utcoffset() or timedelta()
    seconds = (local.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    return strftime(Moment(seconds, local.microsecond * 1_000, int(offset.total_seconds()), ""), "%+")
