"""Tables on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
from rich.console import Console
from rich.table import Table


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they need to be: a line of a pipe must not be cut to fit a terminal."""
    table = Table(*head, box=None, pad_edge=False, header_style="")
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False, emoji=False, width=10_000)
    for line in console.render_lines(table, pad=False):
        click.echo("".join(segment.text for segment in line).rstrip())
