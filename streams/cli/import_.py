"""`pagerline import`: documents from the documented API's exports, Terraform states and Alertmanager configurations."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from streams.documents.document import KINDS
from streams.errors import UsageError
from streams.imports.alertmanager import LABELS
from streams.imports.carried import Carried
from streams.imports.run import carry
from streams.imports.sources import FORMATS, Format, read_sources


@click.command(
    "import",
    epilog="""\b
Examples:
  pagerline import connectors.json presets.json routers.json > documents.yaml
  terraform state pull | pagerline import - --to documents/
  pagerline import /etc/alertmanager/alertmanager.yml --to documents/ && pagerline apply -f documents/ --dry-run
""",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--from", "given", type=click.Choice(FORMATS), help="What the files are.  [default: what they look like]")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Write one file a kind there, readable by you alone, instead of standard output.",
)
@click.option(
    "--labels",
    default=LABELS,
    show_default=True,
    metavar="PATH",
    help="Alertmanager: where in your events the labels are.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
def import_command(paths: tuple[str, ...], given: Format | None, to: Path | None, labels: str, overwrite: bool) -> None:
    """Make documents that `pagerline apply` takes from what other tools have.

    Taken are exports of the documented API (connectors, presets, routers: lists or single ones, as JSON), Terraform
    states (`terraform state pull`, *.tfstate, `terraform show -json`) and Alertmanager configurations; a directory
    stands for its files, - for standard input. What cannot be carried over is said on standard error, one line each,
    and in comments of the documents. Keys are written as they are: keep the result where secrets belong, or put
    references (${ENV:NAME}, file:PATH) in their place.

    Exit 1 when there is nothing that could be carried over.
    """
    sources = read_sources(paths, lambda: click.get_text_stream("stdin", encoding="utf-8").read())
    carried = carry(sources, given, labels)
    for note in carried.notes:
        click.echo(f"pagerline: {note}", err=True)
    if not carried.documents:
        click.echo("pagerline: nothing could be carried over", err=True)
        sys.exit(1)
    if to is None:
        click.echo(carried.to_yaml(), nl=False)
    else:
        _write(carried, to, overwrite)
    click.echo(f"pagerline: {_summary(carried)}", err=True)


def _write(carried: Carried, folder: Path, overwrite: bool) -> None:
    files: Mapping[Path, str] = {
        folder / f"{kind}s.yaml": carried.to_yaml([kind]) for kind in KINDS if carried.of(kind)
    }
    there = [str(path) for path in files if path.exists()]
    if there and not overwrite:
        raise UsageError(f"{', '.join(there)}: there already; --overwrite replaces them")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.unlink(missing_ok=True)  # so that the mode below counts
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        click.echo(str(path))


def _summary(carried: Carried) -> str:
    counts = ", ".join(f"{len(some)} {kind}(s)" for kind in KINDS if (some := carried.of(kind)))
    keys = f"; {carried.keys} key(s) in clear in it" if carried.keys else ""
    return f"{counts}, {len(carried.notes)} note(s){keys}"
