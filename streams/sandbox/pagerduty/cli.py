"""`pagerline sandbox pagerduty`: the simulator as a process of its own."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path
from typing import TextIO

import click
import uvloop

from streams.sandbox.pagerduty.rest.api import DEFAULT_LIMIT as DEFAULT_REST_LIMIT
from streams.sandbox.pagerduty.simulator import Simulator
from streams.sandbox.pagerduty.validation import well_formed_key
from streams.sandbox.pagerduty.window import DEFAULT_LIMIT

EXAMPLE = """\b
Example:
  pagerline sandbox pagerduty --bind 127.0.0.1:8081 --service Checkout &
  curl -s 127.0.0.1:8081/v2/enqueue -d '{"routing_key": "0123456789abcdef0123456789abcdef",
    "event_action": "trigger", "dedup_key": "db-1/disk", "payload":
    {"summary": "Disk is full", "source": "db-1", "severity": "critical"}}'
  curl -s 127.0.0.1:8081/sim/incidents
  curl -s -H 'Authorization: Token token=any' '127.0.0.1:8081/services?query=check'
  open http://127.0.0.1:8081/sim/
"""


@click.command("pagerduty", epilog=EXAMPLE)
@click.option(
    "--bind", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Where to listen; port 0: a free one."
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="Events a minute for one routing key; 0: no limit.",
)
@click.option("--tls", is_flag=True, help="Serve https with a CA made for this run.")
@click.option(
    "--ca-file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="With --tls: also write the CA certificate here.",
)
@click.option(
    "--known-keys",
    type=click.File(),
    help="A file with one routing key a line; others are then answered 400. Without it every well-formed key is known.",
)
@click.option(
    "--rest-limit",
    type=click.IntRange(min=0),
    default=DEFAULT_REST_LIMIT,
    show_default=True,
    help="REST requests a minute for one token; 0: no limit.",
)
@click.option(
    "--public-url",
    metavar="URL",
    help="What links to incidents begin with, where it is reached under another name than it listens on.",
)
@click.option("--service", "services", multiple=True, metavar="NAME", help="A service to start with; may be repeated.")
@click.option(
    "--tokens",
    type=click.File(),
    help="A file with one REST token a line; others are then answered 401. Without it every token is known.",
)
def pagerduty(
    bind: str,
    limit: int,
    tls: bool,
    ca_file: Path | None,
    known_keys: TextIO | None,
    rest_limit: int,
    public_url: str | None,
    services: tuple[str, ...],
    tokens: TextIO | None,
) -> None:
    """Run a PagerDuty simulator until it is interrupted.

    It speaks the Events API v2 at /v2/enqueue and /v2/change/enqueue, REST API v2 at the root (/incidents, /services,
    ...), and sends webhooks v3 to whoever subscribes. /sim/ has a page where people act on incidents, and the means to
    watch and steer it. Its URL is printed on standard output when it is ready.
    """
    host, port = _address(bind)
    if ca_file is not None and not tls:
        raise click.UsageError("--ca-file needs --tls")
    keys = None if known_keys is None else _keys(known_keys.read())
    simulator = Simulator(
        host=host,
        port=port,
        tls=tls,
        limit=limit or None,
        known_keys=keys,
        tokens=None if tokens is None else tokens.read().split(),
        rest_limit=rest_limit or None,
        public_url=public_url,
    )
    for name in services:
        simulator.rest.add_service(name)
    try:
        uvloop.run(_serve(simulator, ca_file if tls else None, tls))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {bind}: {error.strerror or error}") from error


async def _serve(simulator: Simulator, ca_file: Path | None, tls: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with simulator:
        if ca_file is not None:
            _copy(simulator.ca_file, ca_file)
        if tls:
            click.echo(f"CA certificate: {ca_file or simulator.ca_file}", err=True)
        click.echo(simulator.events_url)
        await stop.wait()


def _copy(source: str, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise click.FileError(str(target), error.strerror or str(error)) from error


def _address(bind: str) -> tuple[str, int]:
    host, colon, port = bind.rpartition(":")
    if colon and port.isascii() and port.isdigit() and int(port) <= 65535:
        return host.strip("[]") or "127.0.0.1", int(port)
    raise click.BadParameter(f"{bind!r} is not HOST:PORT", param_hint="--bind")


def _keys(text: str) -> list[str]:
    keys = [line.strip() for line in text.splitlines() if line.strip()]
    for number, key in enumerate(keys, 1):
        if not well_formed_key(key):
            raise click.BadParameter(f"key {number} is not 32 letters and digits", param_hint="--known-keys")
    return keys
