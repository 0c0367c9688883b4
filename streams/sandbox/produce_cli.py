"""`pagerline sandbox produce`: sample alerts and Cases, or those of a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import IO, Any

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
  pagerline sandbox produce --file alert.json
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
    "--file",
    "file",
    type=click.File("rb"),
    help="Send these alerts and Cases instead: one JSON document, or one a line; - reads standard input.",
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
    file: IO[bytes] | None,
    brokers: str,
    prefix: str,
    dry_run: bool,
) -> None:
    """Send sample alerts and Cases to Kafka, with the lives that real ones have, or your own from a file.

    Prints how many messages each topic was given, once the broker has confirmed them.
    """
    now = int(time.time())
    named = _connectors(connectors)
    records = (
        list(_own(file.read()))
        if file is not None
        else stories(
            now if seed is None else seed, alerts=alerts, cases=cases, teams=teams or TEAMS, connectors=named, start=now
        )
    )
    if dry_run:
        for record in records:
            click.echo(_line(record))
        return
    produced = asyncio.run(send(brokers, records, rate=rate, prefix=prefix))
    for topic, count in sorted(produced.counts.items()):
        click.echo(f"{topic} {count}")
    seeded = f", seed {now}" if seed is None and file is None else ""
    click.echo(f"{len(records)} messages in {produced.seconds:.1f} s{seeded}", err=True)


def _own(text: bytes) -> Iterator[Record]:
    """The documents of a file, each under the key that a producer should give it."""
    try:
        documents = [orjson.loads(text)]
    except orjson.JSONDecodeError:
        try:
            documents = [orjson.loads(line) for line in text.splitlines() if line.strip()]
        except orjson.JSONDecodeError as error:
            raise click.BadParameter(
                f"is neither a JSON document nor one a line: {error}", param_hint="--file"
            ) from None
    for document in documents:
        topic, key = _home(document)
        if not isinstance(key, str):
            raise click.BadParameter(
                "every document needs alert.groupingKey (or alert.id), or case.id, as text", param_hint="--file"
            )
        yield Record.of(0, topic, key, document)


def _home(document: Any) -> tuple[str, Any]:
    """The topic that a document belongs to, and its key there."""
    parts = document if isinstance(document, dict) else {}
    if isinstance(alert := parts.get("alert"), dict):
        return "alerts", alert.get("groupingKey") or alert.get("id")
    case = parts.get("case")
    return "cases", case.get("id") if isinstance(case, dict) else None


def _connectors(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for team, _, identity in pairs:
        if not (team and identity):
            raise click.BadParameter("is written TEAM=ID", param_hint="--connector")
    return {team: identity for team, _, identity in pairs}


def _line(record: Record) -> str:
    document = {"topic": record.topic, "key": record.key.decode(), "at": round(record.at, 3)}
    return orjson.dumps({**document, "value": orjson.Fragment(record.value)}).decode()
