"""`pagerline render`: one template, rendered with one event."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import IO, Any

import click

from streams.templating import TemplateError, TemplateWrong, compile_template


@click.command("render")
@click.argument("template")
@click.option(
    "--context", "context_file", type=click.File("rb"), help="A JSON file with the event; - reads standard input."
)
@click.option("--check", is_flag=True, help="Only look whether TEMPLATE is one; nothing is printed when it is.")
def render(template: str, context_file: IO[bytes] | None, check: bool) -> None:
    """Render TEMPLATE (- reads it from standard input) and print the text alone, without a new line at the end.

    \b
    Exit 0: done. 1: the template is wrong or the event lacks what it needs; standard error says what.

    \b
    Example:
      pagerline render '{{ alertDef.name | upper }}' --context alert.json
    """
    if template == "-":
        if context_file is not None and context_file.name in ("<stdin>", "-"):
            raise click.UsageError("only one of TEMPLATE and --context can be standard input")
        template = sys.stdin.buffer.read().decode()
    context = _context(context_file)
    try:
        compiled = compile_template(template)
        text = "" if check else compiled.render(context, now=lambda: datetime.now().astimezone())
    except TemplateError as error:
        kind = "the template is wrong" if isinstance(error, TemplateWrong) else "the template cannot be rendered"
        click.echo(f"{kind}: {error.show(template)}", err=True)
        raise SystemExit(1) from None
    # Bytes, so that the platform changes no line ends.
    click.echo(text.encode(), nl=False)


def _context(file: IO[bytes] | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        context = json.load(file)
    except ValueError as error:
        raise click.UsageError(f"the context is not JSON: {error}") from None
    if not isinstance(context, dict):
        raise click.UsageError("the context must be a JSON object")
    return context
