"""The functions, as in `{% for i in range(end=3) %}`."""

from __future__ import annotations

from typing import Any

from streams.errors import RenderFailed
from streams.templating.arguments import (
    Arguments,
    boolean_argument,
    size_argument,
    text_argument,
    whole_argument,
)
from streams.templating.registry import function
from streams.templating.run import Run
from streams.templating.strftime import rfc3339


@function("get_context", "The whole event as an object.", "", "{{ get_context() | length }}", "2", ours=True)
def get_context(arguments: Arguments, run: Run) -> dict[str, Any]:
    return dict(run.context)


@function(
    "range",
    "An array of whole numbers from `start` (0) up to, not including, `end`, by steps of `step_by` (1).",
    "end, start, step_by",
    "{{ range(start=1, end=4) }}",
    "[1, 2, 3]",
)
def range_(arguments: Arguments, run: Run) -> list[int]:
    start, step = size_argument(arguments, "start", 0), size_argument(arguments, "step_by", 1)
    end = size_argument(arguments, "end")
    if start > end:
        raise RenderFailed("`start` is greater than `end`")
    if step == 0 and start < end:
        raise RenderFailed("steps of 0 never reach `end`")
    numbers = range(start, end, step or 1)
    run.meter.work(2 * min((end - start) // (step or 1) + 1, 10**12))
    return list(numbers)


@function(
    "now",
    "This moment as text, or with `timestamp=true` in seconds since 1970; `utc=true` in UTC and not local time.",
    "timestamp, utc",
    "{{ now(timestamp=true) }}",
    "1638403600",
)
def now(arguments: Arguments, run: Run) -> str | int:
    utc, seconds = boolean_argument(arguments, "utc"), boolean_argument(arguments, "timestamp")
    if run.now is None:
        raise RenderFailed("the time is not known here")
    moment = run.now()
    return int(moment.timestamp() // 1) if seconds else rfc3339(moment, utc=utc)


@function(
    "throw",
    "Makes the rendering fail with `message`.",
    "message",
    '{% if alert.status == "Unknown" %}{{ throw(message="unknown status") }}{% endif %}',
    "",
)
def throw(arguments: Arguments, run: Run) -> Any:
    raise RenderFailed(text_argument(arguments, "message"))


@function(
    "get_random",
    "A whole number from `start` (0) up to, not including, `end`, by chance.",
    "end, start",
    "{{ get_random(start=4, end=5) }}",
    "4",
)
def get_random(arguments: Arguments, run: Run) -> int:
    start, end = whole_argument(arguments, "start", 0), whole_argument(arguments, "end")
    if start >= end:
        raise RenderFailed("`start` must be less than `end`")
    return run.dice(start, end)
