"""Documents as people write them: YAML or JSON in files, directories and standard input.

Several documents a file (`---`), lists of documents and the wrappings of the documented API are read alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from streams.documents.document import KINDS, Kind
from streams.documents.node import QUOTE_TEMPLATES, Node, Report
from streams.errors import DocumentError, UsageError

SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"

MEND: Final = "mend the text at this place"

DEEPEST: Final = 100
"""Levels; no document has ten."""

_SIGNS_OF_A_TEMPLATE: Final = ("'%' that cannot start any token", "expected <block end>")
"""In PyYAML's words: what it says of `{% … %}` and `{{ … }}` without quotes."""

_SIGN_OF_INDENTATION: Final = "expected <block end>, but found '<block "
"""In PyYAML's words: a mapping or list begins where the one above has not ended."""


class Found(NamedTuple):
    """A document as it is written, and its kind where the wrapping says it."""

    node: Node
    kind: Kind | None


def read_documents(paths: Iterable[str], stdin: Callable[[], str], report: Report) -> list[Found]:
    """Every document of the files, directories and standard input (`-`) named by `paths`, in order.

    A file that cannot be read as YAML or JSON is reported, the others are read. Raises UsageError for a path that is
    not there.
    """
    documents: list[Found] = []
    for file, text in _texts(paths, stdin, report):
        try:
            documents += [document for root in parse(text, file) for document in _unwrapped(root)]
        except DocumentError as fault:
            report(fault)
    return documents


def parse(text: str, file: str) -> list[Node]:
    """The documents of one text; empty ones are left out. Raises DocumentError where the text is not YAML or JSON."""
    try:
        is_json = _is_json(text, file)
        # A JSON text is YAML, but for two things: tabs between its parts, and pairs of surrogates (see below).
        # Inside a JSON string a tab cannot stand as it is, so all of them can go.
        roots = _compose(text.replace("\t", " ") if is_json else text)
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"is not JSON: {error.msg}", file=file, line=error.lineno, column=error.colno, remedy=MEND
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = str(error.problem or error.context)
        if _SIGN_OF_INDENTATION in problem:
            message, remedy = "is indented differently from the lines above", MEND
        else:
            message = f"is not YAML: {problem}"
            remedy = QUOTE_TEMPLATES if any(sign in problem for sign in _SIGNS_OF_A_TEMPLATE) else MEND
        raise DocumentError(message, file=file, line=line, column=column, remedy=remedy) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1
        message = f"holds a character that YAML does not allow (U+{error.character:04X})"
        raise DocumentError(message, file=file, line=line, column=column, remedy="take it out") from None
    except RecursionError:
        raise DocumentError("is nested too deep", file=file, remedy=f"{DEEPEST} levels are the limit") from None
    if is_json:
        for root in filter(None, roots):
            _join_surrogates(root)
    nodes = [Node(file, "", root, text) for root in roots if root is not None]
    return [node for node in nodes if not node.is_nothing]


def _compose(text: str) -> list[yaml.Node | None]:
    """The nodes of a text, by libyaml: ten times as fast, but with its words nobody finds a fault, and one that is
    nested very deep would end the process. Raises YAMLError, in PyYAML's words, and RecursionError."""
    try:
        depth = 0
        for event in yaml.parse(text, yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST:
                    raise RecursionError
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return list(yaml.compose_all(text, yaml.CSafeLoader))
    except yaml.YAMLError:
        return list(yaml.compose_all(text, yaml.SafeLoader))


def _is_json(text: str, file: str) -> bool:
    """Whether to read it as JSON. Raises JSONDecodeError when it is called so and is not."""
    if file.endswith(".json"):
        json.loads(text)
        return True
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _join_surrogates(node: yaml.Node) -> None:
    r"""PyYAML reads `\ud83d\ude00` as two characters; in JSON it is one."""
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.ScalarNode):
            node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            pending += [one for pair in node.value for one in pair]


def _unwrapped(root: Node) -> Iterator[Found]:
    """The documents of a list, and those that the documented API wraps: `{"connector": …}`, `{"connectors": […]}`."""
    for node in root.items() if root.is_list else [root]:
        yield from _of_wrapping(node)


def _of_wrapping(node: Node) -> Iterator[Found]:
    # Lists first, and several of them: what somebody wrote out of the documented API kind by kind.
    several = {name + "s": name for name in KINDS}
    if node.names and node.names.issubset(several):
        for name, kind in several.items():
            if (them := node.member(name)) is not None:
                yield from (Found(item, kind) for item in them.items())
        return
    for kind in KINDS:
        if (one := node.only_member(kind)) is not None:
            yield Found(one, kind)
            return
    yield Found(node, None)


def _texts(paths: Iterable[str], stdin: Callable[[], str], report: Report) -> Iterator[tuple[str, str]]:
    for name in paths:
        if name == STDIN:
            yield "standard input", stdin()
            continue
        for path in _files(Path(name)):
            try:
                yield str(path), path.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError:
                report(DocumentError("is not UTF-8", file=str(path), remedy="save it as UTF-8"))
            except OSError as error:
                raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.suffix in SUFFIXES and not one.name.startswith("."))
    if not found:
        raise UsageError(f"{path}: there is no {', '.join('*' + suffix for suffix in SUFFIXES)} in this directory")
    return found
