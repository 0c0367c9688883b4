"""`pagerline cases list` and `show`: how Cases and their incidents stand, by table `cases`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

import click
import orjson

from streams.case_rows import all_rows, one_row
from streams.cli.hush import hushed
from streams.cli.tables import print_table
from streams.explain import words
from streams.moments import moment_of
from streams.project.row import CaseRow, Link
from streams.settings import kafka_options, load
from streams.topology import Topology
from streams.updates import Trouble

STATUSES: Final = ("OPEN", "ACKNOWLEDGED", "RESOLVED", "CLOSED")
HEAD: Final = ("CASE", "STATUS", "INCIDENT", "AT PAGERDUTY", "SERVICE", "COMMENTS", "LAST", "WHEN", "NOTE")
NOTE_WIDTH: Final = 60
"""Of the last column: the beginning of an error or a conflict; `show` has the whole."""


def printable(text: str) -> str:
    """On one line, without characters that steer a terminal."""
    return words.printable(text).replace("\n", " ")


@click.group(
    epilog="""\b
Examples:
  pagerline cases list --conflicts
  pagerline cases show CASE-9b7e12
"""
)
def cases() -> None:
    """Show how Cases stand beside their PagerDuty incidents: link, both statuses, comments, conflicts, errors.

    Read from Kafka, whether workers run or not. A worker answers the same over HTTP, `GET /cases/ID` on its
    PAGERLINE_HEALTH_BIND, whichever worker owns the Case.
    """


@cases.command(
    "list",
    epilog="""\b
Examples:
  pagerline cases list --status OPEN --status ACKNOWLEDGED
  pagerline cases list --conflicts --errors
  pagerline cases list -o json | jq -r '.[] | select(.linked | not) | .case'
""",
)
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(STATUSES, case_sensitive=False), help="Of the Case."
)
@click.option("--conflicts", is_flag=True, help="Those whose sides differ and are left so.")
@click.option("--errors", is_flag=True, help="Those that PagerDuty has not taken something of.")
@click.option("--unlinked", is_flag=True, help="Those that no incident follows (any more).")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Form.")
def list_command(statuses: tuple[str, ...], conflicts: bool, errors: bool, unlinked: bool, output: str) -> None:
    """List Cases, the one that changed last first. Of --conflicts, --errors and --unlinked one is enough to be listed.

    Exit 0, whether there are any or not.
    """
    with hushed():
        settings = load()
        rows = asyncio.run(all_rows(Topology.of(settings), kafka_options(settings)))
    asked = [one for one, wanted in ((_in_conflict, conflicts), (_failing, errors), (_unlinked, unlinked)) if wanted]
    rows = [
        row
        for row in rows
        if (not statuses or row.case_status in statuses) and (not asked or any(is_so(row) for is_so in asked))
    ]
    if output == "json":
        click.echo(orjson.dumps([row.to_json() for row in rows], option=orjson.OPT_INDENT_2).decode())
    elif rows:
        print_table(HEAD, [line for row in rows for line in _lines(row)])
    else:
        click.echo("pagerline: no such Case", err=True)


@cases.command(
    "show",
    epilog="""\b
Example:
  pagerline cases show CASE-9b7e12 -o json | jq '.links[].incident.url'
""",
)
@click.argument("case", metavar="ID")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form.")
def show_command(case: str, output: str) -> None:
    """Show one Case: each of its incidents, who has them, its comments, what went wrong. Exit 1: nothing is known."""
    with hushed():
        settings = load()
        row = asyncio.run(one_row(Topology.of(settings), kafka_options(settings), case))
    if row is None:
        click.echo(
            f"pagerline: nothing is known of Case {printable(case)}; it was never linked, or is long over", err=True
        )
        sys.exit(1)
    if output == "json":
        click.echo(orjson.dumps(row.to_json(), option=orjson.OPT_INDENT_2).decode())
        return
    colour = False if os.environ.get("NO_COLOR") else None  # None: only on a terminal
    for line in describe(row):
        click.echo(line, color=colour)


def describe(row: CaseRow) -> list[str]:
    """A Case on a screen."""
    lines = [click.style(f"Case {printable(row.case)}", bold=True) + f"  {row.case_status or 'said nothing yet'}"]
    for link in row.links.values():
        lines += ["", *_describe_link(link)]
    if row.last is not None:
        who = "" if row.last.actor is None else f" by {printable(row.last.actor.name or row.last.actor.id or '?')}"
        lines += ["", f"last: {row.last.change}{who}, {_when(row.last.at)}; {row.updates} changes in all"]
    return lines


def _describe_link(link: Link) -> list[str]:
    incident = link.incident
    name = "no incident" if incident is None else f"incident {_incident(link)} ({incident.id})"
    lines = [f"{link.destination}  {name}  {link.incident_status or '-'}" + ("" if link.linked else "  not linked")]

    def say(label: str, text: str | None, colour: str | None = None) -> None:
        if text:
            lines.append(f"  {label:<11}" + (click.style(text, fg=colour) if colour else text))

    say("page", None if incident is None else incident.url)
    say("connector", link.connector)
    say("service", _service(link))
    say("has it", ", ".join(printable(one) for one in link.assignees))
    say("priority", link.priority)
    say("merged into", link.merged_into)
    say("comments", _comments(link))
    if link.synced_at is not None:
        say("in step", f"PagerDuty took what the Case said, {_when(link.synced_at)}")
    if link.cursor is not None:
        say("heard", f"newest change at PagerDuty, {_when(link.cursor)}")
    say("error", _trouble(link.error), "red")
    say("conflict", _trouble(link.conflict), "yellow")
    for past in link.conflicts:
        say("settled", _trouble(past))
    return lines


def _lines(row: CaseRow) -> list[tuple[str, ...]]:
    """One line a link; a Case without any has one too."""
    last, when = ("-", "-") if row.last is None else (row.last.change, _when(row.last.at))
    head = (printable(row.case), row.case_status or "-")
    if not row.links:
        return [(*head, "-", "-", "-", "0", last, when, "")]
    return [
        (
            *head,
            _incident(link) if link.linked else f"({_incident(link)})",
            link.incident_status or "-",
            _service(link) or "-",
            str(link.comments_total),
            last,
            when,
            _note(link),
        )
        for link in row.links.values()
    ]


def _note(link: Link) -> str:
    trouble, kind = (link.error, "error") if link.error is not None else (link.conflict, "conflict")
    text = "" if trouble is None else printable(f"{kind}: {trouble.message}")
    return text if len(text) <= NOTE_WIDTH else text[: NOTE_WIDTH - 1] + "…"


def _incident(link: Link) -> str:
    if link.incident is None:
        return "-"
    return f"#{link.incident.number}" if link.incident.number is not None else link.incident.id


def _service(link: Link) -> str | None:
    return None if link.service is None else printable(link.service.name or link.service.id or "-")


def _comments(link: Link) -> str | None:
    if not link.comments_total:
        return None
    newest = link.comments[-1]
    return f"{link.comments_total}, the newest by {printable(newest.author or '?')}, {_when(newest.at)}"


def _trouble(trouble: Trouble | None) -> str | None:
    return None if trouble is None else printable(f"{trouble.message} ({trouble.reason}, since {_when(trouble.at)})")


def _when(at_ms: int) -> str:
    return moment_of(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_conflict(row: CaseRow) -> bool:
    return row.in_conflict


def _failing(row: CaseRow) -> bool:
    return row.failing


def _unlinked(row: CaseRow) -> bool:
    return not row.linked
