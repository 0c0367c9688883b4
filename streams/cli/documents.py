"""`pagerline apply`, `get`, `diff` and `delete`."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Sequence
from typing import Any

import click
import orjson

from streams.cli.hush import hushed
from streams.cli.tables import print_table
from streams.documents.changes import Change, plan_changes
from streams.documents.connector import Connector
from streams.documents.log import Entry, Follower, document_producer, put, tombstone, write
from streams.documents.parse import load_connectors
from streams.documents.secrets import cipher_of
from streams.documents.show import HEAD, masked_for_comparison, to_document, to_rows, to_yaml
from streams.documents.snapshot import Snapshot
from streams.errors import DocumentError, SecretError
from streams.settings import Settings, kafka_options, load

Command = Callable[..., Any]


class Kind(click.ParamType):
    """The kind of a document. What is none of them is as a rule an id with the kind forgotten."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in ("connector", "connectors"):
            name = ctx.command_path if ctx else ""
            self.fail(f"{value!r} is no kind of document; did you mean `{name} connector {value}`?", ctx=ctx)
        return value


KIND = Kind()


def takes_paths(command: Command) -> Command:
    """`-f PATH…`: several paths may follow, since that is what a shell makes of `-f *.yaml`."""
    command = click.argument("more", nargs=-1, metavar="[PATH]...")(command)
    return click.option(
        "-f",
        "--file",
        "paths",
        metavar="PATH",
        multiple=True,
        required=True,
        help="A YAML or JSON file, a directory of such files, or - for standard input. May be given several times.",
    )(command)


class Log:
    """The topic `connectors` as the settings name it."""

    def __init__(self, settings: Settings) -> None:
        self.cipher = cipher_of(settings)
        self._topic = settings.topic("connectors")
        self._options = kafka_options(settings)

    def read(self) -> Snapshot:
        """All that is in it now; what cannot be read is told on standard error."""

        async def read() -> Snapshot:
            async with Follower(self._options, self._topic, self.cipher) as follower:
                return follower.snapshot

        with hushed():
            snapshot = asyncio.run(read())
        for connector_id, problem in snapshot.problems.items():
            click.echo(f"pagerline: connector/{connector_id} ({problem.where}): {problem.reason}", err=True)
        return snapshot

    def write(self, entries: Sequence[Entry]) -> None:
        """Returns when the brokers have confirmed all of them."""

        async def run() -> None:
            async with document_producer(self._options) as producer:
                await write(producer, self._topic, entries)

        with hushed():
            asyncio.run(run())


@click.command(
    epilog="""\b
Examples:
  pagerline apply -f connectors.yaml
  pagerline apply -f connectors/ --dry-run
  sops -d connectors.enc.yaml | pagerline apply -f -
"""
)
@takes_paths
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be done, but do not do it.")
@click.option("--force", is_flag=True, help="Write although stored connectors cannot be decrypted with your keys.")
def apply(paths: tuple[str, ...], more: tuple[str, ...], dry_run: bool, force: bool) -> None:
    """Create or change connectors from files.

    All documents are checked first; when one is wrong, every fault is printed and nothing is written. Connectors that
    the files do not name stay as they are. Exit 2, and nothing is written, when PAGERLINE_SECRET_KEYS does not open
    the connectors that are stored: workers with the right key could not read what is sealed with this one.
    """
    wanted = _wanted(paths, more)
    log = Log(load())
    snapshot = log.read()
    if snapshot.locked and not force:
        raise SecretError(
            "nothing was written: with a wrong PAGERLINE_SECRET_KEYS the workers could not read it; "
            "--force writes all the same, `pagerline delete connector ID` removes one whose key is gone"
        )
    changes = plan_changes(snapshot, wanted)
    entries = [put(change.connector, log.cipher) for change in changes if change.verb != "unchanged"]
    if entries and not dry_run:
        log.write(entries)
    for change in changes:
        click.echo(f"connector/{change.connector.id} {change.verb}{' (dry run)' if dry_run else ''}")


@click.command(
    epilog="""\b
Examples:
  pagerline get
  pagerline get connector payments -o yaml
  pagerline get connectors -o json | jq -r '.[].id'
"""
)
@click.argument("kind", metavar="[connector]", type=KIND, default="connectors")
@click.argument("connector_id", metavar="[ID]", required=False)
@click.option(
    "-o", "--output", type=click.Choice(["table", "yaml", "json"]), default="table", show_default=True, help="Form."
)
def get(kind: str, connector_id: str | None, output: str) -> None:
    """Show all connectors, or one. Keys are masked, also inside templates; so this cannot be applied again.

    Exit 1 when a connector that was asked for cannot be read; standard error says which and why.
    """
    snapshot = Log(load()).read()
    found = [snapshot.connectors[one] for one in sorted(snapshot.connectors)]
    if connector_id is not None:
        found = [_existing(snapshot, connector_id)]
    documents = [to_document(connector) for connector in found]
    if output == "json":
        shown = documents if connector_id is None else documents[0]
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    elif output == "yaml":
        click.echo(to_yaml(documents), nl=False)
    elif found or not snapshot.problems:
        print_table(HEAD, to_rows(found))
    if snapshot.problems and connector_id is None:
        stored = snapshot.problems.keys() | snapshot.connectors.keys()
        click.echo(f"pagerline: {len(snapshot.problems)} of {len(stored)} connectors cannot be read", err=True)
        click.get_current_context().exit(1)


@click.command(
    epilog="""\b
Examples:
  pagerline diff -f connectors.yaml
  pagerline diff -f connectors/ || echo "not what the files say"
"""
)
@takes_paths
def diff(paths: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Show what apply would change, as a unified diff with keys masked. Exits 1 when there is something."""
    wanted = _wanted(paths, more)
    changes = plan_changes(Log(load()).read(), wanted)
    differing = [change for change in changes if change.verb != "unchanged"]
    for change in differing:
        click.echo("\n".join(_unified(change)))
    if differing:
        click.get_current_context().exit(1)


@click.command(
    epilog="""\b
Example:
  pagerline delete connector payments
"""
)
@click.argument("kind", metavar="connector", type=KIND)
@click.argument("connector_id", metavar="ID")
def delete(kind: str, connector_id: str) -> None:
    """Delete a connector. What it has paged is still acknowledged and resolved; new events for it are dead letters."""
    log = Log(load())
    snapshot = log.read()
    if connector_id not in snapshot.problems:
        _existing(snapshot, connector_id)
    log.write([tombstone(connector_id)])
    click.echo(f"connector/{connector_id} deleted")


def _wanted(paths: tuple[str, ...], more: tuple[str, ...]) -> list[Connector]:
    return load_connectors([*paths, *more], lambda: click.get_text_stream("stdin", encoding="utf-8").read())


def _existing(snapshot: Snapshot, connector_id: str) -> Connector:
    if connector_id in snapshot.connectors:
        return snapshot.connectors[connector_id]
    if connector_id in snapshot.problems:
        raise DocumentError(f"connector/{connector_id} cannot be read")
    raise DocumentError(f"there is no connector/{connector_id}", remedy="`pagerline get` lists all")


def _unified(change: Change) -> list[str]:
    name = f"connector/{change.connector.id}"
    before = _lines(change.before) if change.before else []
    return list(difflib.unified_diff(before, _lines(change.connector), name, f"{name} (file)", lineterm=""))


def _lines(connector: Connector) -> list[str]:
    document = to_document(connector, masked_for_comparison)
    del document["version"]  # the log gives it, no file has it
    return to_yaml([document]).splitlines()[1:]
