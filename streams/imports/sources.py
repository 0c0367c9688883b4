"""The files of an import: read, and told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import orjson
import yaml

from streams.documents.document import KINDS
from streams.errors import UsageError

Format = Literal["coralogix", "terraform", "alertmanager"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
SUFFIXES: Final = (".json", ".yaml", ".yml", ".tfstate")
STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name, the folder that relative paths in it are meant from, and its content as JSON values."""

    name: str
    folder: Path
    content: Any


def read_sources(paths: Iterable[str], stdin: Callable[[], str]) -> list[Source]:
    """Every file, the files of every directory, and standard input (`-`). Raises UsageError."""
    return [source for path in paths for source in _read(path, stdin)]


def format_of(source: Source) -> Format:
    """What a source is, by its members. Raises UsageError when it is nothing that is known."""
    content = source.content
    for one in content if isinstance(content, list) else [content]:
        if isinstance(one, dict) and one.get("kind") in KINDS and "id" in one:
            raise UsageError(
                f"{source.name}: is a document of Pagerline already; `pagerline apply -f` takes it as it is"
            )
    if isinstance(content, dict):
        if ("resources" in content and "version" in content) or "values" in content or "planned_values" in content:
            return "terraform"
        if "receivers" in content or "route" in content:
            return "alertmanager"
    if isinstance(content, (dict, list)):
        return "coralogix"
    raise UsageError(f"{source.name}: is neither an export of the API, nor a Terraform state, nor an Alertmanager file")


def _read(path: str, stdin: Callable[[], str]) -> list[Source]:
    if path == STDIN:
        return [Source("standard input", Path.cwd(), _content("standard input", stdin()))]
    place = Path(path)
    files = [place]
    if place.is_dir():
        files = sorted(one for one in place.iterdir() if one.suffix in SUFFIXES and not one.name.startswith("."))
        if not files:
            raise UsageError(f"{path}: there is no {', '.join('*' + suffix for suffix in SUFFIXES)} in this directory")
    return [Source(str(one), one.absolute().parent, _content(str(one), _text(one))) for one in files]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _content(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        documents = list(yaml.safe_load_all(text))
        return documents if len(documents) > 1 else next(iter(documents), None)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # Only where and what kind of fault: PyYAML's own words quote the line, which may hold a key.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise UsageError(f"{name}: is neither JSON nor YAML{where}") from None
