"""`pagerline secrets`."""

from __future__ import annotations

import asyncio
import sys

import click

from streams.cli.hush import hushed
from streams.documents.secrets import new_key
from streams.rotation.rotate import End, rotate
from streams.settings import load


@click.group(
    epilog="""\b
Examples:
  export PAGERLINE_SECRET_KEYS=$(pagerline secrets new-key)
  pagerline secrets rotate --check
"""
)
def secrets() -> None:
    """Make and rotate the keys that documents are encrypted with."""


@secrets.command(
    "new-key",
    epilog="""\b
Examples:
  export PAGERLINE_SECRET_KEYS=$(pagerline secrets new-key)
  export PAGERLINE_SECRET_KEYS=$PAGERLINE_SECRET_KEYS,$(pagerline secrets new-key)    # first step of a rotation
""",
)
def new_key_command() -> None:
    """Print a fresh Fernet key for PAGERLINE_SECRET_KEYS. Keep it: without it connectors cannot be read."""
    click.echo(new_key())


@secrets.command(
    "rotate",
    epilog="""\b
A rotation, while everything runs:
  1. add the new key at the END of PAGERLINE_SECRET_KEYS everywhere, and restart workers and web one by one
  2. move it to the FRONT everywhere, and restart them one by one
  3. pagerline secrets rotate
  4. take the old key off the list everywhere

\b
Examples:
  PAGERLINE_SECRET_KEYS=$NEW,$OLD pagerline secrets rotate
  pagerline secrets rotate --check            # what still needs an older key; changes nothing
""",
)
@click.option("--check", "look_only", is_flag=True, help="Only say what still needs an older key; change nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for workers.",
)
def rotate_command(look_only: bool, timeout: float) -> None:
    """Seal all that is stored with the newest key, so that the older ones are not needed any more.

    Documents, pins, waiting incidents and events, and dead letters. Workers must run with the same list of keys: they
    seal their own tables. Nothing stops meanwhile, and doing it again is harmless.

    Exits 0 when nothing needs an older key, 1 when something still does (standard error says what), 2 when used
    wrongly.
    """
    with hushed():
        end = asyncio.run(rotate(load(), _say, look_only=look_only, seconds=timeout))
    _tell(end, look_only)


def _say(text: str) -> None:
    click.echo(f"pagerline: {text}", err=True)


def _tell(end: End, look_only: bool) -> None:
    if end.done:
        off = "" if end.alone else ": all but the first can be taken off PAGERLINE_SECRET_KEYS"
        click.echo(f"nothing needs an older key{off}")
        return
    remains = end.remains
    if remains.documents + remains.of_workers + end.letters:
        click.echo(f"still sealed with an older key: {remains}, dead letters {end.letters:,}", err=True)
    for topic, count in remains.locked.items():
        click.echo(f"sealed with a key that is not in PAGERLINE_SECRET_KEYS: {count:,} records of {topic}", err=True)
    if remains.of_workers and not end.workers:
        click.echo("no worker is running: start one with these keys, it seals its tables", err=True)
    elif remains.of_workers and not look_only:
        click.echo("keep the older keys, and do it again later: nothing is lost", err=True)
    sys.exit(1)
