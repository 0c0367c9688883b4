"""`pagerline dead-letters list`, `show` and `replay`."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click
import orjson

from streams.cli.hush import hushed
from streams.cli.progress import progress
from streams.cli.tables import print_table
from streams.cli.when import When
from streams.documents.connector import Connector
from streams.documents.log import Follower
from streams.documents.secrets import cipher_of
from streams.errors import DocumentError
from streams.replay import show as shown
from streams.replay.letters import Result, Wanted
from streams.replay.plan import Again
from streams.replay.selection import Plan, Selection, plan_replay
from streams.replay.topics import Topics, open_topics
from streams.settings import Settings, kafka_options, load
from streams.topology import Topology

Command = Callable[..., Any]
T = TypeVar("T")

OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Form."
)


def filters(command: Command) -> Command:
    """The options that say which dead letters are meant; together they must all hold."""
    for option in (
        click.option("--until", type=When(), metavar="TIME", help="Given up before then, in the same forms."),
        click.option(
            "--since", type=When(), metavar="TIME", help="Given up then or later: 2026-03-01T14:00Z, or 2h for an age."
        ),
        click.option(
            "--stage", "stages", type=click.Choice(["route", "dispatch"]), multiple=True, help="Where it ended."
        ),
        click.option("--destination", "destinations", multiple=True, metavar="ID", help="key:…, or - for none."),
        click.option("--reason", "reasons", multiple=True, metavar="REASON", help="Such as unknown_routing_key."),
    ):
        command = option(command)
    return command


def selected(ids: tuple[str, ...] = (), **options: Any) -> Selection:
    """From the values of `filters`."""
    wanted = Wanted(
        reasons=frozenset(options["reasons"]),
        destinations=frozenset(options["destinations"]),
        stages=frozenset(options["stages"]),
        since=options["since"],
        until=options["until"],
    )
    return Selection(wanted, ids)


@click.group(
    "dead-letters",
    epilog="""\b
Examples:
  pagerline dead-letters list
  pagerline dead-letters show ID
  pagerline dead-letters replay --reason unknown_routing_key
""",
)
def dead_letters() -> None:
    """What could not be delivered without somebody's help: look at it, repair what is wrong, send it again."""


@dead_letters.command(
    "list",
    epilog="""\b
Examples:
  pagerline dead-letters list
  pagerline dead-letters list --reason unknown_routing_key --since 2h
  pagerline dead-letters list -o json | jq -r '.[] | select(.replayed == null) | .id'
""",
)
@filters
@OUTPUT
def list_command(output: str, **options: Any) -> None:
    """List dead letters, oldest input first, and what became of their replays."""
    entries = _run(lambda topics: selected(**options).entries(topics, whole=False), load())
    if output == "json":
        click.echo(orjson.dumps([shown.summary(entry) for entry in entries], option=orjson.OPT_INDENT_2).decode())
        return
    if entries:
        print_table(shown.HEAD, (shown.row(entry) for entry in entries))
    click.echo(f"pagerline: {shown.counts(entries)}", err=True)


@dead_letters.command(
    "show",
    epilog="""\b
Example:
  pagerline dead-letters show alerts/3/4711@key:1a2b3c4d5e6f7081
""",
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@OUTPUT
def show_command(ids: tuple[str, ...], output: str) -> None:
    """Show dead letters with all they hold: what is wrong, the input, what was to be sent. Secrets are masked."""
    entries = _run(lambda topics: Selection(Wanted(), ids).entries(topics, whole=True), load())
    if output == "json":
        click.echo(orjson.dumps([shown.whole(entry) for entry in entries], option=orjson.OPT_INDENT_2).decode())
        return
    click.echo("\n\n".join("\n".join(shown.text(entry)) for entry in entries))


@dead_letters.command(
    "replay",
    epilog="""\b
Examples:
  pagerline dead-letters replay --reason unknown_routing_key --dry-run
  pagerline dead-letters replay --reason unknown_routing_key
  pagerline dead-letters replay --to backup --since 30m alerts/3/4711@-
""",
)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@filters
@click.option("--to", metavar="CONNECTOR", help="Send them through this connector, whatever they name.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--force", is_flag=True, help="Also what was replayed before, what newer events have made pointless, and tests."
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the outcomes.")
def replay_command(
    ids: tuple[str, ...], to: str | None, dry_run: bool, force: bool, no_wait: bool, **options: Any
) -> None:
    """Send dead letters again, once what was wrong has been repaired: all, some by their ids, or by what they are.

    Inputs are decided anew by the documents of now; what had a destination already goes there again, or to the static
    key that its connector has by now. Workers send them, at the limit of each destination. What has been replayed
    before, what newer events have made pointless, and test notifications (nobody would resolve them) are left out.

    Prints how many ended how. Exits 1 when some are dead again or cannot be replayed.
    """
    settings = load()
    connector = _connector(settings, to) if to is not None else None
    job = Replaying(settings, selected(ids, **options), connector, force=force)
    try:
        ok = _run(lambda topics: job.run(topics, dry_run=dry_run, wait=not no_wait), settings)
    except KeyboardInterrupt:
        click.echo("pagerline: no longer waiting; what was sent goes on: see `pagerline dead-letters list`", err=True)
        ok = False
    sys.exit(0 if ok else 1)


@dataclass(slots=True)
class Replaying:
    """One call of `replay`. `connector` is that of `--to`."""

    settings: Settings
    selection: Selection
    connector: Connector | None
    force: bool

    async def run(self, topics: Topics, *, dry_run: bool, wait: bool) -> bool:
        """Returns whether all is well."""
        entries = await self.selection.entries(topics, whole=True)
        plan = plan_replay(entries, prefix=self.settings.prefix, force=self.force, to=self.connector)
        go, cannot = plan.go, plan.cannot
        for one in cannot:
            click.echo(f"pagerline: {one.letter.id} cannot be replayed: {one.message}", err=True)
        if dry_run:
            _tell_plan(plan)
            return not cannot
        results: Mapping[str, Result] = {}
        if go:
            results = await self._send(topics, go, wait=wait)
        else:
            click.echo("pagerline: nothing to replay", err=True)
        counts = Counter(str(results[one.letter.id]) if one.letter.id in results else "sent" for one in go)
        counts.update(_leavings(plan))
        for result, count in counts.most_common():
            click.echo(f"{result}\t{count}")
        return not cannot and not any(result.status == "dead" for result in results.values())

    async def _send(self, topics: Topics, go: Sequence[Again], *, wait: bool) -> Mapping[str, Result]:
        place = await topics.place()
        with progress("written", len(go)) as written:
            await topics.write(go, written)
        if not wait:
            return {}
        with progress("answered", len(go)) as answered:
            return await topics.wait(place, [one.letter.id for one in go], lambda _: answered(), _nobody_answers)


def _tell_plan(plan: Plan) -> None:
    lines = [(one.letter.id, "would be sent again") for one in plan.go]
    lines += [(one.letter.id, f"cannot be replayed ({one.reason})") for one in plan.cannot]
    lines += [(entry.letter.id, f"replayed before: {entry.replayed}") for entry in plan.before]
    lines += [(letter.id, "a test notification: left out") for letter in plan.tests]
    if lines:
        print_table(("ID", "WHAT"), lines)
    tests = f", {len(plan.tests):,} are test notifications" if plan.tests else ""
    click.echo(
        f"pagerline: {len(plan.go):,} would be sent again, {len(plan.cannot):,} cannot be, {len(plan.before):,} were "
        f"before{tests} (dry run)",
        err=True,
    )


def _leavings(plan: Plan) -> Counter[str]:
    counts = Counter(f"cannot be replayed ({one.reason})" for one in plan.cannot)
    counts["replayed before"] = len(plan.before)
    counts["a test notification: left out"] = len(plan.tests)
    return +counts


def _nobody_answers() -> None:
    click.echo("pagerline: no outcome for a while: does a worker run, and what does `pagerline lag` say?", err=True)


def _connector(settings: Settings, connector_id: str) -> Connector:
    async def read() -> Mapping[str, Connector]:
        async with Follower(kafka_options(settings), settings.topic("connectors"), cipher_of(settings)) as follower:
            return follower.current

    with hushed():
        connectors = asyncio.run(read())
    if connector_id not in connectors:
        raise DocumentError(f"there is no connector/{connector_id}", remedy="`pagerline get` lists all")
    return connectors[connector_id]


def _run(work: Callable[[Topics], Coroutine[Any, Any, T]], settings: Settings) -> T:
    async def run() -> T:
        async with open_topics(Topology.of(settings), kafka_options(settings)) as topics:
            return await work(topics)

    with hushed():
        return asyncio.run(run())
