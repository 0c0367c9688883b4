"""`pagerline sandbox cases`: the sample Case system by hand."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from streams.cli.tables import print_table
from streams.sandbox.case_system.link import CaseLink
from streams.sandbox.case_system.notice import Person
from streams.sandbox.case_system.store import CaseStore
from streams.settings import kafka_options, load

Command = Callable[..., Any]

WHO = "ada@example.com"


def acts(command: Command) -> Command:
    """The options of whatever a person does."""
    command = click.option("--as", "who", metavar="EMAIL", default=WHO, show_default=True, help="Who does it.")(command)
    return click.pass_obj(command)


@click.group(
    "cases",
    epilog="""\b
Examples:
  pagerline sandbox cases run &
  pagerline sandbox cases open "Checkout is slow" --priority P1
  pagerline sandbox cases comment CASE-1 "Looking at it"
  pagerline sandbox cases resolve CASE-1 --reason "Rolled back"
  pagerline sandbox cases show CASE-1
""",
)
@click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("cases.sqlite"),
    show_default=True,
    help="The file that the Cases are in.",
)
@click.pass_context
def cases(ctx: click.Context, db: Path) -> None:
    """A small Case system in one SQLite file, to see both directions at work and to read how yours may do it.

    `run` connects it to Kafka: it applies `case-updates` and tells of its own changes in `cases`. The other commands
    act on Cases as people do; what they do is sent while `run` runs, or as soon as it does.
    """
    ctx.obj = ctx.with_resource(CaseStore(db))


@cases.command(epilog="\b\nExample:\n  PAGERLINE_BROKERS=127.0.0.1:9092 pagerline sandbox cases --db cases.sqlite run")
@click.pass_obj
def run(store: CaseStore) -> None:
    """Connect it to Kafka until SIGTERM or SIGINT. Brokers and prefix are those of PAGERLINE_*."""
    settings = load()
    options = kafka_options(settings)

    async def connected() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with CaseLink(store, options.pop("bootstrap_servers"), prefix=settings.prefix, options=options) as link:
            click.echo("connected", err=True)
            waiting = [asyncio.ensure_future(link.run()), asyncio.ensure_future(stop.wait())]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            for task in done:
                task.result()

    with suppress(asyncio.CancelledError):
        asyncio.run(connected())


@cases.command("open", epilog='\b\nExample:\n  pagerline sandbox cases open "Checkout is slow" --priority P1')
@click.argument("title")
@click.option("--id", "case", metavar="ID", help="Its id.  [default: the next free one]")
@click.option("--description", default="", help="What is wrong, at length.")
@click.option("--priority", type=click.Choice(["P1", "P2", "P3", "P4", "P5"]), default="P3", show_default=True)
@click.option("--connector", metavar="ID", help="The connector that its notices name.  [default: routing decides]")
@acts
def open_command(
    store: CaseStore, title: str, case: str | None, description: str, priority: str, connector: str | None, who: str
) -> None:
    """Open a Case; prints its id."""
    click.echo(
        store.open(title, Person(who), case=case, description=description, priority=priority, connector=connector)
    )


@cases.command(epilog="\b\nExample:\n  pagerline sandbox cases acknowledge CASE-1 --as grace@example.com")
@click.argument("case", metavar="ID")
@acts
def acknowledge(store: CaseStore, case: str, who: str) -> None:
    """Take a Case."""
    store.acknowledge(case, Person(who))


@cases.command(epilog="\b\nExample:\n  pagerline sandbox cases unacknowledge CASE-1")
@click.argument("case", metavar="ID")
@acts
def unacknowledge(store: CaseStore, case: str, who: str) -> None:
    """Give a Case back."""
    store.unacknowledge(case, Person(who))


@cases.command(epilog='\b\nExample:\n  pagerline sandbox cases comment CASE-1 "Looking at it"')
@click.argument("case", metavar="ID")
@click.argument("text")
@acts
def comment(store: CaseStore, case: str, text: str, who: str) -> None:
    """Comment on a Case; prints the comment's id."""
    click.echo(store.comment(case, Person(who), text))


@cases.command(epilog="\b\nExample:\n  pagerline sandbox cases prioritise CASE-1 P1")
@click.argument("case", metavar="ID")
@click.argument("priority", type=click.Choice(["P1", "P2", "P3", "P4", "P5"]))
@acts
def prioritise(store: CaseStore, case: str, priority: str, who: str) -> None:
    """Give a Case another priority."""
    store.prioritise(case, Person(who), priority)


@cases.command(epilog='\b\nExample:\n  pagerline sandbox cases resolve CASE-1 --reason "Rolled back"')
@click.argument("case", metavar="ID")
@click.option("--reason", help="The resolution note.")
@acts
def resolve(store: CaseStore, case: str, reason: str | None, who: str) -> None:
    """Resolve a Case."""
    store.resolve(case, Person(who), reason)


@cases.command(epilog="\b\nExample:\n  pagerline sandbox cases close CASE-1")
@click.argument("case", metavar="ID")
@acts
def close(store: CaseStore, case: str, who: str) -> None:
    """Close a Case."""
    store.finish(case, Person(who))


@cases.command("list", epilog="\b\nExample:\n  pagerline sandbox cases list")
@click.pass_obj
def list_command(store: CaseStore) -> None:
    """List all Cases."""
    head = ("CASE", "STATUS", "PRIORITY", "ASSIGNEE", "TITLE")
    print_table(head, [(row["id"], row["status"], row["priority"] or "-", row["assignee"] or "-", row["title"])
                       for row in store.cases()])  # fmt: skip


@cases.command(epilog="\b\nExample:\n  pagerline sandbox cases show CASE-1")
@click.argument("case", metavar="ID")
@click.pass_obj
def show(store: CaseStore, case: str) -> None:
    """Show one Case with its description and its comments."""
    found = store.case(case)
    click.echo(f"{found['id']}  {found['status']}  {found['title']}")
    for name in ("description", "priority", "assignee", "incident", "resolution", "resolved_by"):
        if found[name]:
            click.echo(f"  {name.replace('_', ' ')}: {found[name]}")
    for one in store.comments(case):
        click.echo(f"  [{one['origin']}] {one['author']}: {one['text']}")
