"""How far something long has come, on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10.0
"""Between two lines where there is no terminal: a log is not to be filled with them."""

Advance = Callable[[], None]


@contextmanager
def progress(what: str, total: int, clock: Callable[[], float] = time.monotonic) -> Iterator[Advance]:
    """Gives what to call for each of `total` that is done."""
    if not sys.stderr.isatty():
        yield _lines(what, total, clock)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def _lines(what: str, total: int, clock: Callable[[], float]) -> Advance:
    done = 0
    told = clock()

    def advance() -> None:
        nonlocal done, told
        done += 1
        now = clock()
        if done == total or now - told >= LINE_SECONDS:
            told = now
            click.echo(f"{what}: {done:,} of {total:,}", err=True)

    return advance
