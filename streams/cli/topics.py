"""`pagerline topics`."""

from __future__ import annotations

import asyncio

import click

from streams.kafka.topics import ensure_topics
from streams.settings import kafka_options, load
from streams.topology import Topology


@click.group(
    epilog="""\b
Examples:
  pagerline topics apply
  pagerline topics apply --check
"""
)
def topics() -> None:
    """Create and check the topics that Pagerline reads and writes."""


@topics.command(
    epilog="""\b
Examples:
  pagerline topics apply
  PAGERLINE_PARTITIONS=16 PAGERLINE_REPLICATION=3 pagerline topics apply
  pagerline topics apply --check
"""
)
@click.option("--check", is_flag=True, help="Only look: exit 1 when a topic is missing or has another shape.")
def apply(check: bool) -> None:
    """Create the topics that are missing, and check partitions and cleanup policy of those that exist."""
    settings = load()
    specs = Topology.of(settings).specs()
    states = asyncio.run(
        ensure_topics(specs, replication=settings.replication, options=kafka_options(settings), create=not check)
    )
    for state in states:
        spec, verb = state.spec, "created" if state.created else "as it should be"
        click.echo(f"{spec.name}\t{spec.partitions} partitions\t{spec.cleanup}\t{verb}")
