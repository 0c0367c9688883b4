"""Times on the command line: a moment (ISO 8601) or how long ago (`2h`)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def when(text: str, now_ms: int) -> int:
    """Milliseconds since the epoch. A moment without a zone is UTC. Raises ValueError."""
    text = text.strip()
    if ago := _AGO.fullmatch(text):
        return now_ms - round(float(ago[1]) * _SECONDS[ago[2]] * 1000)
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class When(click.ParamType):
    """An option's type."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return when(value, time.time_ns() // 1_000_000)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a time like 2026-03-01T14:00Z nor an age like 90s, 30m, 2h or 7d")
