"""`pagerline lag`."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

import click

from streams.errors import TopicMismatch, UsageError
from streams.lag import measure
from streams.settings import kafka_options, load
from streams.topology import Topology, group_id


@click.command(
    epilog="""\b
Examples:
  pagerline lag
  pagerline lag --max 1000 || echo "PagerDuty is behind"
"""
)
@click.option("--max", "most", type=click.IntRange(min=0), help="Exit 1 when any stage lags by more records than this.")
@click.option("--topics", "by_topic", is_flag=True, help="One line a topic instead of one a stage.")
def lag(most: int | None, by_topic: bool) -> None:
    """Print how many records each stage has still to do: inputs not routed, and outbox records not delivered.

    A record counts until its offset is committed, once a second; so one event may be counted by both stages for a
    moment. Exit 2 when the topics do not exist.
    """
    settings = load()
    try:
        found = asyncio.run(measure(Topology.of(settings), group_id(settings), kafka_options(settings)))
    except TopicMismatch as error:
        remedy = (
            "see PAGERLINE_PREFIX and PAGERLINE_APP_ID; `pagerline topics apply` makes the topics of a new installation"
        )
        raise UsageError(f"{error}\n{remedy}") from error
    stages: Counter[str] = Counter()
    for topic in found:
        stages[topic.stage] += topic.records
        if by_topic:
            click.echo(f"{topic.stage}\t{topic.topic}\t{topic.records}")
    if not by_topic:
        for stage, records in stages.items():
            click.echo(f"{stage}\t{records}")
    late = [stage for stage, records in stages.items() if most is not None and records > most]
    if late:
        click.echo(f"pagerline: more than {most} records behind: {', '.join(late)}", err=True)
        sys.exit(1)
