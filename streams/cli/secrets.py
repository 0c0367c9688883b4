"""`pagerline secrets`."""

from __future__ import annotations

import click

from streams.documents.secrets import new_key


@click.group()
def secrets() -> None:
    """Make the keys that connectors are encrypted with."""


@secrets.command(
    "new-key",
    epilog="""\b
Examples:
  export PAGERLINE_SECRET_KEYS=$(pagerline secrets new-key)
  export PAGERLINE_SECRET_KEYS=$(pagerline secrets new-key),$PAGERLINE_SECRET_KEYS    # a new one in front
""",
)
def new_key_command() -> None:
    """Print a fresh Fernet key for PAGERLINE_SECRET_KEYS. Keep it: without it connectors cannot be read."""
    click.echo(new_key())
