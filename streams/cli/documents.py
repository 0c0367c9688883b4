"""`pagerline apply`, `get`, `diff` and `delete`."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import click
import orjson

from streams.cli.hush import hushed
from streams.cli.progress import Advance, progress
from streams.cli.tables import print_table
from streams.documents.api import to_api
from streams.documents.changes import Changes, plan_changes, plan_deletion
from streams.documents.diff import unified
from streams.documents.document import KINDS, Document, Kind, name_of
from streams.documents.log import DocumentLog
from streams.documents.parse import load_documents
from streams.documents.show import HEADS, to_document, to_rows, to_yaml
from streams.documents.snapshot import Snapshot
from streams.documents.system_presets import SYSTEM
from streams.documents.written import Written
from streams.errors import DocumentError, DocumentsChanged, SecretError
from streams.settings import load

Command = Callable[..., Any]

QUIET: Final = 200
"""Documents; so many are read and written within a second, and nobody needs to be told how far they have come."""


class KindType(click.ParamType):
    """The kind of a document. What is none of them is as a rule an id with the kind forgotten."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        for kind in KINDS:
            if value in (kind, kind + "s"):
                return kind
        name = ctx.command_path if ctx else ""
        self.fail(f"{value!r} is no kind of document; did you mean `{name} connector {value}`?", ctx=ctx)


KIND = KindType()


def takes_paths(command: Command) -> Command:
    """`-f PATH…`: several paths may follow, since that is what a shell makes of `-f *.yaml`."""
    command = click.argument("more", nargs=-1, metavar="-f PATH [PATH]...")(command)
    return click.option(
        "-f",
        "--file",
        "paths",
        metavar="PATH",
        multiple=True,
        help="A YAML or JSON file, a directory of such files, or - for standard input. May be given several times.  "
        "[required]",
    )(command)


if_revision = click.option(
    "--if-revision",
    type=click.IntRange(0),
    metavar="N",
    help="Write only if the stored documents are still those of revision N (`pagerline diff` tells it).",
)


@click.command(
    epilog="""\b
Examples:
  pagerline apply -f connectors.yaml
  pagerline apply -f documents/ --dry-run
  pagerline apply -f documents/ --prune
  sops -d documents.enc.yaml | pagerline apply -f -
"""
)
@takes_paths
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be done, but do not do it.")
@click.option("--prune", is_flag=True, help="Delete the stored documents that the files do not name.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@click.option("--force", is_flag=True, help="Write although stored documents cannot be decrypted with your keys.")
@if_revision
def apply(
    paths: tuple[str, ...],
    more: tuple[str, ...],
    dry_run: bool,
    prune: bool,
    yes: bool,
    force: bool,
    if_revision: int | None,
) -> None:
    """Create or change documents from files.

    All documents are checked first, with each other and with those stored; when one is wrong, every fault is printed
    and nothing is written. All take effect at once. Documents that the files do not name stay as they are, unless
    --prune is given. Exit 1, and nothing is written, when somebody else changed the documents meanwhile; exit 2 when
    PAGERLINE_SECRET_KEYS does not open what is stored: workers with the right key could not read what is sealed with
    this one.
    """
    wanted = _wanted(paths, more)

    async def run() -> Changes:
        async with DocumentLog(load()) as log:
            snapshot = await log.read()
            _tell_problems(snapshot)
            _check_revision(snapshot, if_revision)
            if snapshot.locked and not force:
                raise SecretError(
                    "nothing was written: with a wrong PAGERLINE_SECRET_KEYS the workers could not read it; "
                    "--force writes all the same, `pagerline delete connector ID` removes one whose key is gone"
                )
            changes = plan_changes(snapshot, wanted, prune=prune)
            _tell_warnings(changes)
            if dry_run or not changes.writes:
                return changes
            _confirm_deletions(changes, yes)
            if len(changes.writes) > QUIET:
                click.echo(f"checked; writing {len(changes.writes):,} documents as one revision", err=True)
            await log.write(changes, by=_me("apply"), force=force)
            return changes

    with hushed():
        changes = asyncio.run(run())
    for change in changes:
        click.echo(f"{change.name} {change.verb}{' (dry run)' if dry_run else ''}")


@click.command(
    epilog="""\b
Examples:
  pagerline get
  pagerline get connector payments -o yaml
  pagerline get routers
  pagerline get connectors -o json | jq -r '.[].id'
  pagerline get preset payments -o api
"""
)
@click.argument("kind", metavar="[KIND]", type=KIND, default="connectors")
@click.argument("document_id", metavar="[ID]", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "yaml", "json", "api"]),
    default="table",
    show_default=True,
    help="Form; api: JSON as the documented API of Coralogix has it.",
)
def get(kind: Kind, document_id: str | None, output: str) -> None:
    """Show the documents of a kind, or one: connectors, integrations, presets (those that Pagerline brings along
    included) or routers. Secrets are masked, also inside templates; so connectors and integrations that are shown
    cannot be applied again.

    Exit 1 when a document that was asked for cannot be read; standard error says which and why.
    """
    snapshot = _read()
    there: dict[str, Document] = {**(SYSTEM if kind == "preset" else {}), **snapshot.of(kind)}
    found = [there[one] for one in sorted(there)]
    if document_id is not None:
        found = [_existing(snapshot, there, kind, document_id)]
    if output == "table":
        if found or not snapshot.problems:
            print_table(
                HEADS[kind], [_marked(row, one, snapshot) for one, row in zip(found, to_rows(found), strict=True)]
            )
    elif output == "yaml":
        click.echo(to_yaml([to_document(one) for one in found]), nl=False)
    else:
        documents = [to_api(one) if output == "api" else to_document(one) for one in found]
        shown = documents if document_id is None else documents[0]
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    unreadable = [name for name in snapshot.problems if name.startswith(kind + "/")]
    if unreadable and document_id is None:
        stored = {*unreadable, *map(name_of, snapshot.of(kind).values())}
        stale = sum(snapshot.get(name) is not None for name in unreadable)
        shown_all_the_same = f"; {stale} shown as last read, which is stale" if stale else ""
        click.echo(
            f"pagerline: {len(unreadable)} of {len(stored)} {kind}s cannot be read{shown_all_the_same}", err=True
        )
        click.get_current_context().exit(1)


@click.command(
    epilog="""\b
Examples:
  pagerline diff -f connectors.yaml
  pagerline diff -f documents/ --prune
  pagerline diff -f documents/ || echo "not what the files say"
"""
)
@takes_paths
@click.option("--prune", is_flag=True, help="Show as deleted what the files do not name.")
def diff(paths: tuple[str, ...], more: tuple[str, ...], prune: bool) -> None:
    """Show what apply would change, as a unified diff with secrets masked, in colours on a terminal. Exits 1 when there
    is something. Standard error tells the revision that is stored, for `pagerline apply --if-revision`.
    """
    wanted = _wanted(paths, more)
    snapshot = _read()
    changes = plan_changes(snapshot, wanted, prune=prune)
    _tell_warnings(changes)
    for change in changes.writes:
        for line in unified(change):
            click.echo(_coloured(line))
    click.echo(f"pagerline: compared with revision {changes.base}", err=True)
    if changes.writes:
        click.get_current_context().exit(1)


@click.command(
    epilog="""\b
Examples:
  pagerline delete connector payments
  pagerline delete router payments --if-revision 12
"""
)
@click.argument("kind", metavar="KIND", type=KIND)
@click.argument("document_id", metavar="ID")
@click.option("--force", is_flag=True, help="Delete although others refer to it: they lead nowhere then.")
@if_revision
def delete(kind: Kind, document_id: str, force: bool, if_revision: int | None) -> None:
    """Delete a document. Refused, naming what refers to it, when something does.

    What a connector has paged is still acknowledged and resolved after it is gone; new events for it are dead letters.
    """

    async def run() -> None:
        async with DocumentLog(load()) as log:
            snapshot = await log.read()
            _tell_problems(snapshot)
            _check_revision(snapshot, if_revision)
            changes = plan_deletion(snapshot, kind, document_id, force=force)
            _tell_warnings(changes)
            await log.write(changes, by=_me("delete"), force=True)

    with hushed():
        asyncio.run(run())
    click.echo(f"{kind}/{document_id} deleted")


def _wanted(paths: tuple[str, ...], more: tuple[str, ...]) -> list[Written]:
    if not paths:
        command = click.get_current_context().command_path
        raise click.UsageError(f"name the files behind -f: `{command} -f {' '.join(more) or 'PATH'}`")

    def stdin() -> str:
        return click.get_text_stream("stdin", encoding="utf-8").read()

    with ExitStack() as stack:

        def counting(total: int) -> Advance:
            shown = total > QUIET
            return stack.enter_context(progress("documents read", total)) if shown else lambda: None

        return load_documents([*paths, *more], stdin, counting)


def _read() -> Snapshot:
    """All that is in the topic now; what cannot be read is told on standard error."""

    async def read() -> Snapshot:
        async with DocumentLog(load()) as log:
            return log.snapshot

    with hushed():
        snapshot = asyncio.run(read())
    _tell_problems(snapshot)
    return snapshot


def _marked(row: tuple[str, ...], one: Document, snapshot: Snapshot) -> tuple[str, ...]:
    """A row of the table; the version says so when there is a newer one that cannot be read."""
    return (*row[:-1], f"{row[-1]} (stale)") if name_of(one) in snapshot.problems else row


def _tell_problems(snapshot: Snapshot) -> None:
    for name, problem in snapshot.problems.items():
        click.echo(f"pagerline: {name} ({problem.where}): {problem.reason}", err=True)


def _tell_warnings(changes: Changes) -> None:
    for warning in changes.warnings:
        click.echo(f"pagerline: warning: {warning}", err=True)


def _check_revision(snapshot: Snapshot, wanted: int | None) -> None:
    if wanted is not None and snapshot.head != wanted:
        raise DocumentsChanged(wanted, snapshot.head)


def _confirm_deletions(changes: Changes, yes: bool) -> None:
    going = [change.name for change in changes.writes if change.verb == "deleted"]
    if going and not yes:
        click.echo("These are deleted:\n" + "\n".join(f"  {name}" for name in going), err=True)
        if not click.confirm("Go on?", err=True):
            raise DocumentError("nothing was written")


def _me(command: str) -> str:
    """Who an apply is by, for others to see."""
    try:
        return f"pagerline {command}, {getpass.getuser()}"
    except (OSError, KeyError):  # a container's user may have no name
        return f"pagerline {command}"


def _existing(snapshot: Snapshot, there: dict[str, Document], kind: Kind, document_id: str) -> Document:
    if document_id in there:
        return there[document_id]
    if f"{kind}/{document_id}" in snapshot.problems:
        raise DocumentError(f"{kind}/{document_id} cannot be read")
    raise DocumentError(f"there is no {kind}/{document_id}", remedy=f"`pagerline get {kind}s` lists all")


_COLOURS = {"-": "red", "+": "green", "@": "cyan"}


def _coloured(line: str) -> str:
    """In colour; click takes it away again where standard output is no terminal."""
    return click.style(line, fg=_COLOURS.get(line[:1]), bold=line.startswith(("---", "+++")) or None)
