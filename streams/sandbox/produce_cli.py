"""`pagerline sandbox produce`: sample alerts and Cases."""

from __future__ import annotations

import asyncio
import time

import click
import orjson

from streams.sandbox.samples.produce import produce as send
from streams.sandbox.samples.record import TEAMS, Record
from streams.sandbox.samples.stories import stories

EXAMPLE = """\b
Examples:
  pagerline sandbox produce --alerts 20 --cases 5 --brokers 127.0.0.1:9092
  pagerline sandbox produce --alerts 500 --rate 50 --team payments --connector payments=payments-key
  pagerline sandbox produce --alerts 1 --cases 0 --seed 7 --dry-run
"""


@click.command("produce", epilog=EXAMPLE)
@click.option("--alerts", type=click.IntRange(min=0), default=20, show_default=True, help="Alerts, each some messages.")
@click.option("--cases", type=click.IntRange(min=0), default=5, show_default=True, help="Cases, each some messages.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Messages a second.  [default: all at once]")
@click.option(
    "--seed", type=int, help="The same seed gives the same messages, times apart.  [default: a new one each run]"
)
@click.option("--team", "teams", multiple=True, help=f"Teams take turns.  [default: {', '.join(TEAMS)}]")
@click.option(
    "--connector", "connectors", multiple=True, metavar="TEAM=ID", help="Name this connector in that team's messages."
)
@click.option(
    "--brokers",
    envvar="PAGERLINE_BROKERS",
    default="127.0.0.1:9092",
    show_default=True,
    show_envvar=True,
    metavar="HOST:PORT,…",
)
@click.option("--prefix", envvar="PAGERLINE_PREFIX", default="", show_envvar=True, help="Of the topics' names.")
@click.option("--dry-run", is_flag=True, help="Print the messages, one JSON object a line, and send nothing.")
def produce(
    alerts: int,
    cases: int,
    rate: float | None,
    seed: int | None,
    teams: tuple[str, ...],
    connectors: tuple[str, ...],
    brokers: str,
    prefix: str,
    dry_run: bool,
) -> None:
    """Send sample alerts and Cases to Kafka, with the lives that real ones have.

    Prints how many messages each topic was given, once the broker has confirmed them.
    """
    now = int(time.time())
    if seed is None:
        seed = now
        click.echo(f"seed {seed}", err=True)
    named = _connectors(connectors)
    records = stories(seed, alerts=alerts, cases=cases, teams=teams or TEAMS, connectors=named, start=now)
    if dry_run:
        for record in records:
            click.echo(_line(record))
        return
    produced = asyncio.run(send(brokers, records, rate=rate, prefix=prefix))
    for topic, count in sorted(produced.counts.items()):
        click.echo(f"{topic} {count}")
    click.echo(f"{len(records)} messages in {produced.seconds:.1f} s", err=True)


def _connectors(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for team, _, identity in pairs:
        if not (team and identity):
            raise click.BadParameter("is written TEAM=ID", param_hint="--connector")
    return {team: identity for team, _, identity in pairs}


def _line(record: Record) -> str:
    document = {"topic": record.topic, "key": record.key.decode(), "at": round(record.at, 3)}
    return orjson.dumps({**document, "value": orjson.Fragment(record.value)}).decode()
