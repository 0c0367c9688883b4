"""`python -m streams.sandbox.verify`, and `pagerline sandbox verify`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from streams.sandbox.verify.collect import CannotCollect, Reader, collect
from streams.sandbox.verify.judge import MAX_BYTES
from streams.sandbox.verify.model import Verdict
from streams.sandbox.verify.secrets import Found, secrets_found

EXAMPLE = """\b
Examples:
  pagerline sandbox verify --brokers 127.0.0.1:9092 --simulator http://127.0.0.1:8081
  pagerline sandbox verify --simulator http://127.0.0.1:8081 --cases cases.sqlite
"""


@click.command("verify", epilog=EXAMPLE)
@click.option("--brokers", default="127.0.0.1:9092", show_default=True, envvar="PAGERLINE_BROKERS", show_envvar=True,
              metavar="HOST:PORT,…", help="Of Kafka.")  # fmt: skip
@click.option("--prefix", default="", envvar="PAGERLINE_PREFIX", help="Of topic names.")
@click.option("--simulator", required=True, metavar="URL", help="Of the PagerDuty simulator.")
@click.option(
    "--cases",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of `pagerline sandbox cases`: also compare its Cases with their incidents.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=MAX_BYTES,
    show_default=True,
    help="The bound on an input that the worker runs with.",
)
@click.option(
    "--allow-skip", "allow_skips", multiple=True, metavar="REASON", help="A reason for which a trigger may be skipped."
)
@click.option(
    "--secrets",
    "secrets_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with one secret a line: also look for them in all topics under the prefix.",
)
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="With --secrets: a file or folder to look in as well.",
)
def verify(
    brokers: str,
    prefix: str,
    simulator: str,
    cases: Path | None,
    max_bytes: int,
    allow_skips: Sequence[str],
    secrets_file: Path | None,
    logs: Sequence[Path],
) -> None:
    """Check a run against what was put in: nothing lost, nothing out of order, PagerDuty right in the end.

    Reads the raw topics and the simulator's journal, when the run has come to rest. Exits 0 when every promise was
    kept, 1 when not, with what to look at, and 2 when broker, topics or simulator cannot be read.
    """
    if logs and secrets_file is None:
        raise click.UsageError("--log needs --secrets")
    try:
        verdict = asyncio.run(_judge(brokers, prefix, simulator, cases, max_bytes, allow_skips))
        found = [] if secrets_file is None else asyncio.run(_leaks(brokers, prefix, _lines(secrets_file), logs))
    except CannotCollect as error:
        raise Unable(str(error)) from error
    click.echo(verdict.text())
    for leak in found:
        click.echo(f"LEAK: {leak}")
    sys.exit(0 if verdict.ok and not found else 1)


class Unable(click.ClickException):
    """There was nothing to judge: not the same as a verdict that says no."""

    exit_code = 2


async def _judge(
    brokers: str, prefix: str, simulator: str, cases: Path | None, max_bytes: int, allow_skips: Sequence[str]
) -> Verdict:
    collected = await collect(brokers, prefix, simulator, cases)
    return collected.judge(max_bytes=max_bytes, allow_skips=allow_skips)


async def _leaks(brokers: str, prefix: str, secrets: Sequence[str], logs: Sequence[Path]) -> list[Found]:
    found = secrets_found(logs, secrets)
    async with Reader(brokers) as reader:
        for topic in await reader.topics(prefix):
            pieces = [
                (record.id, (record.key or b"") + b"\n" + (record.value or b""))
                async for record in reader.records([topic])
            ]
            found += secrets_found(pieces, secrets)
    return found


def _lines(path: Path) -> list[str]:
    secrets = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    try:
        secrets_found(b"", secrets)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--secrets") from error
    return secrets


if __name__ == "__main__":
    verify()
