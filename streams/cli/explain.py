"""`pagerline explain`: the life of an alert, Case or incident."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
import orjson

from streams.cli.hush import hushed
from streams.cli.when import When
from streams.explain.asked import Asked
from streams.explain.screen import Line, screen
from streams.explain.search import Window
from streams.explain.story import Story
from streams.explain.tell import tell
from streams.explain.words import printable
from streams.settings import load

DAY_MS: Final = 24 * 3_600_000
"""How far back is looked without --since: a shift and the one before; what is older is no emergency."""

COLOURS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": {},
    "title": {"bold": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "wait": {"fg": "yellow"},
    "dim": {"dim": True},
}


@click.command(
    epilog="""\b
Examples:
  pagerline explain payments-api/high-error-rate/server1
  pagerline explain case:CASE-9b7e12 --since 7d
  pagerline explain alerts/3/4711 -o json | jq -r '.stories[0].now.message'
"""
)
@click.argument("text", metavar="ID")
@click.option(
    "--since", type=When(), metavar="TIME", help="Everything since then: 2026-03-01T14:00Z, or 7d for an age."
)
@click.option("--all", "everything", is_flag=True, help="Everything that the topics still hold.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form.")
def explain(text: str, since: int | None, everything: bool, output: str) -> None:
    """Tell the life of an alert, Case or incident: where it went and why, each attempt, what waits and for what.

    ID is an incident (alert:GROUPING-KEY, case:CASE-ID), a grouping key, Case id or deduplication key alone, an
    alert's own id, PagerDuty's id of a Case's incident, or an input's TOPIC/PARTITION/OFFSET. Without --since or --all
    it tells the newest life of the incident, from its first trigger, as far as the last 24 hours have it.

    Keys are masked. Exits 1 when nothing is known of ID.
    """
    if since is not None and everything:
        raise click.UsageError("--since and --all exclude each other")
    if not text.strip():
        raise click.UsageError("ID is empty")
    started = time.monotonic()
    window = Window(None if everything else since, life=False)
    if since is None and not everything:
        window = Window(time.time_ns() // 1_000_000 - DAY_MS, life=True)
    with hushed():
        told = asyncio.run(tell(load(), text, window))
    if output == "json":
        document = {"v": 1, "asked": text, "stories": told.stories}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(told.stories)
    took = f"{told.read:,} records gone through in {time.monotonic() - started:.1f} s"
    if not told.stories:
        further = "" if everything else f" since {_ago(window)}; --all looks at everything"
        click.echo(f"pagerline: nothing is known of {printable(text)}{further} ({took})", err=True)
        click.echo(f"pagerline: {_advice(told.asked)}", err=True)
        sys.exit(1)
    if sys.stderr.isatty():
        click.echo(f"pagerline: {took}", err=True)


def _show(stories: Sequence[Story]) -> None:
    colour = False if os.environ.get("NO_COLOR") else None  # None: only on a terminal
    for number, story in enumerate(stories):
        if number:
            click.echo("")
        for line in screen(story):
            click.echo(_coloured(line), color=colour)


def _coloured(line: Line) -> str:
    return click.style(line.text, **COLOURS[line.style]) if line.text else ""


def _ago(window: Window) -> str:
    at = time.gmtime((window.since_ms or 0) / 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", at)


def _advice(asked: Asked) -> str:
    if asked.place is not None:
        return f"is {asked.place} an input that was ever written, and is its topic's retention long enough?"
    return (
        "it was looked for as a grouping key, Case id, deduplication key, alert id and PagerDuty's id of an incident; "
        "try the input's TOPIC/PARTITION/OFFSET, and see that PAGERLINE_PREFIX is right"
    )
