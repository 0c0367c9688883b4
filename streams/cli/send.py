"""`pagerline send`."""

from __future__ import annotations

import asyncio
import sys

import click
import orjson

from streams.cli.hush import hushed
from streams.documents.connector import Connector, Entity
from streams.documents.log import Follower
from streams.documents.secrets import cipher_of
from streams.errors import DocumentError
from streams.send import WAIT_SECONDS, Route, Sent, send_test
from streams.settings import Settings, kafka_options, load


@click.command(
    epilog="""\b
Examples:
  pagerline send --connector payments
  pagerline send --connector payments --entity cases --preset payments-cases
"""
)
@click.option("--connector", "connector_id", metavar="ID", required=True, help="Through which connector.")
@click.option("--preset", metavar="ID", help="What it says; default: as routing chooses it.")
@click.option("--entity", type=click.Choice(["alerts", "cases"]), help="Default: what the connector's path takes.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="To wait for each of the two outcomes.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form.")
def send(connector_id: str, preset: str | None, entity: Entity | None, timeout: float, output: str) -> None:
    """Send a test notification through the whole path, and wait for what PagerDuty says.

    It pages for real. The test incident is resolved again, whatever has become of it. Workers must be running. Exit 1
    when it was not delivered, or not resolved.
    """
    with hushed():
        sent = asyncio.run(_send(load(), connector_id, preset, entity, timeout))
    if output == "json":
        click.echo(orjson.dumps(sent.to_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(sent.message)
    sys.exit(0 if sent.ok else 1)


async def _send(
    settings: Settings, connector_id: str, preset: str | None, entity: Entity | None, timeout: float
) -> Sent:
    connector = await _connector(settings, connector_id)
    return await send_test(
        Route.of(settings),
        connector,
        entity=entity,
        preset=preset,
        timeout=timeout,
        told=lambda line: click.echo(f"pagerline: {line}", err=True),
    )


async def _connector(settings: Settings, connector_id: str) -> Connector:
    async with Follower(kafka_options(settings), settings.topic("connectors"), cipher_of(settings)) as follower:
        found = follower.current.get(connector_id)
    if found is None:
        raise DocumentError(f"there is no connector/{connector_id}", remedy="`pagerline get` lists all")
    return found
