"""`pagerline preview`: what would become of an event; sends nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson

from streams.cli.explain import COLOURS
from streams.cli.hush import hushed
from streams.cli.preview_screen import difference_lines, preview_lines
from streams.documents.changes import plan_changes
from streams.documents.log import DocumentLog
from streams.documents.parse import load_documents
from streams.documents.references import References
from streams.documents.snapshot import NOTHING, Snapshot
from streams.events import Event, Malformed, Skip, Source, read_event
from streams.explain.screen import Line
from streams.live import next_event, read_pins
from streams.routing.age import TooOld
from streams.routing.pin import Pin
from streams.routing.preview import preview as previewed
from streams.routing.preview import with_documents
from streams.routing.previewed import Preview, differences
from streams.settings import Settings, kafka_options, load
from streams.topology import Topology

WAIT_SECONDS: Final = 60.0
"""For the next event with --live; a busy topic has one at once, and a person waits no longer than this."""


@click.command(
    epilog="""\b
Examples:
  pagerline preview --event alert.json
  pagerline preview --event alert.json --connector payments
  pagerline preview --event alert.json --with routers.yaml     # and what these documents would change
  pagerline preview --event alert.json --with documents/ --offline
  pagerline preview --live -o json | jq '.preview.outcomes[].request.body'
"""
)
@click.option("--event", "event_file", type=click.File("rb"), help="A JSON file with an alert or Case; - for stdin.")
@click.option("--live", is_flag=True, help="The next event that is written to alerts or cases.")
@click.option("--wait", type=click.FloatRange(0.1), default=WAIT_SECONDS, show_default=True, metavar="SECONDS",
              help="How long --live waits for one.")  # fmt: skip
@click.option("--connector", metavar="ID", help="As if the event named this connector.")
@click.option("--with", "changed", multiple=True, metavar="PATH", help="Changed documents: tells what would differ.")
@click.option("--offline", is_flag=True, help="By the documents of --with alone, without Kafka.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form.")
def preview(
    event_file: Any,
    live: bool,
    wait: float,
    connector: str | None,
    changed: tuple[str, ...],
    offline: bool,
    output: str,
) -> None:
    """Tell what would become of an event if it came now: which routers match, which rules are true, to which connectors
    it goes, by which templates, and the request that PagerDuty would get. Sends nothing, changes nothing.

    Routing keys are masked. Exits 1 when nothing would be sent, with --with by the changed documents.
    """
    if (event_file is None) is not live:
        raise click.UsageError("name an event, either by --event FILE or by --live")
    if offline and (live or not changed):
        raise click.UsageError("--offline goes with --event and --with: it has the documents from files alone")
    written = load_documents(changed, lambda: click.get_text_stream("stdin").read()) if changed else []
    settings = load()
    with hushed():
        now, event, pins = asyncio.run(_there(settings, event_file, wait, offline=offline))
    changes = plan_changes(now, written)
    for warning in changes.warnings:
        click.echo(f"pagerline: warning: {warning}", err=True)
    then = with_documents(now, [one.document for one in changes.writes if one.document is not None])
    options: dict[str, Any] = {
        "connector": connector,
        "too_old": _too_old(settings),
        "resolve": References().resolve,
        "events_url": settings.events_url,
    }
    shown = previewed(event, then if offline else now, pins, **options)
    after = previewed(event, then, pins, **options) if changed and not offline else None
    if output == "json":
        click.echo(orjson.dumps(_json(shown, after), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(preview_lines(shown))
        if after is not None:
            _print([Line(""), *difference_lines(differences(shown, after))])
    if not (after or shown).sends:
        click.get_current_context().exit(1)


async def _there(
    settings: Settings, event_file: Any, wait: float, *, offline: bool
) -> tuple[Snapshot, Event, Mapping[str, Pin]]:
    """The documents, the event, and where its incident is pinned."""
    if offline:
        return NOTHING, _read(event_file), {}
    topology, kafka = Topology.of(settings), kafka_options(settings)
    async with DocumentLog(settings) as log:
        snapshot = log.snapshot
    if event_file is not None:
        event = _read(event_file)
    else:
        click.echo(f"pagerline: waiting for an event in {topology.alerts} or {topology.cases}", err=True)
        found = await next_event(kafka, topology, seconds=wait, max_bytes=settings.max_event_bytes)
        if found is None:
            raise click.ClickException(f"no event came within {wait:g} seconds")
        event = _event(found)
    return snapshot, event, await read_pins(kafka, topology, event.incident)


def _read(file: Any) -> Event:
    value = file.read()
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{file.name}: {error.msg} at line {error.lineno} column {error.colno}") from None
    kinds = [kind for kind in ("alert", "case") if isinstance(document, dict) and kind in document]
    if len(kinds) != 1:
        raise click.UsageError(f"{Path(file.name).name}: must be an object with the member `alert` or `case`")
    source = Source(f"{kinds[0]}s", 0, 0, time.time_ns() // 1_000_000)
    return _event(read_event("alert" if kinds[0] == "alert" else "case", value, source))


def _event(found: Event | Malformed | Skip) -> Event:
    if isinstance(found, Malformed):
        raise click.ClickException(f"dead letter, {found.reason}: {found.path} {found.message}".replace(":  ", ": "))
    return found.event if isinstance(found, Skip) else found


def _too_old(settings: Settings) -> TooOld | None:
    limit = round(settings.max_event_age * 1000)
    return TooOld(time.time_ns() // 1_000_000, limit, settings.event_time) if limit else None


def _json(shown: Preview, after: Preview | None) -> dict[str, Any]:
    said: dict[str, Any] = {"v": 1, "preview": shown.to_json()}
    if after is not None:
        found = [{"where": one.where, "before": one.before, "after": one.after} for one in differences(shown, after)]
        said |= {"with": after.to_json(), "differences": found}
    return said


def _print(lines: Iterable[Line]) -> None:
    colour = False if os.environ.get("NO_COLOR") else None  # None: only on a terminal
    for line in lines:
        click.echo(click.style(line.text, **COLOURS[line.style]) if line.text else "", color=colour)
