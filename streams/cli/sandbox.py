"""`pagerline sandbox`: all that the product needs around it, on this machine."""

from __future__ import annotations

import click

from streams.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "up": Lazy("streams.sandbox.demo.cli:up", "Run the whole sandbox."),
    "kafka": Lazy("streams.sandbox.kafka.cli:kafka", "Run a Kafka broker."),
    "pagerduty": Lazy("streams.sandbox.pagerduty.cli:pagerduty", "Run a PagerDuty that calls nobody."),
    "produce": Lazy("streams.sandbox.produce_cli:produce", "Write sample alerts and Cases."),
    "cases": Lazy("streams.sandbox.case_system.cli:cases", "A small Case system in one SQLite file."),
    "verify": Lazy("streams.sandbox.verify.__main__:verify", "Check that nothing was lost or out of order."),
    "demo": Lazy(
        "streams.sandbox.demo.cli:demo", "Run the main job, kill a worker half-way, and check what came of it."
    ),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    epilog="""\b
Examples:
  pagerline sandbox up
  pagerline sandbox kafka --help
""",
)
def sandbox() -> None:
    """Run Kafka, PagerDuty and producers on this machine: for the demo, for tests, and for your own tests."""
