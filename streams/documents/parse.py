"""Documents of all kinds from files and from JSON. What each kind looks like: `streams.documents.parsing`.

Every fault is found in one go and carries file, line, column, field and remedy; none shows a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import orjson

from streams.documents.connector import Connector
from streams.documents.document import KINDS, Document, Kind, name_of
from streams.documents.node import Node, suggestion
from streams.documents.parsing.common import Noting, Reader
from streams.documents.parsing.connector import read_connector
from streams.documents.parsing.integration import read_integration
from streams.documents.parsing.preset import read_preset
from streams.documents.parsing.router import API_ONLY as ROUTER_API
from streams.documents.parsing.router import read_router
from streams.documents.source import Found, parse, read_documents
from streams.documents.written import Written
from streams.errors import DocumentError, DocumentsWrong, UsageError


class _Read(Protocol):
    def __call__(self, reader: Reader, node: Node, *, kind_needed: bool) -> Document: ...


_READERS: Final[Mapping[Kind, _Read]] = {
    "connector": read_connector,
    "integration": read_integration,
    "preset": read_preset,
    "router": read_router,
}


def load_documents(
    paths: Iterable[str], stdin: Callable[[], str], counting: Callable[[int], Callable[[], None]] | None = None
) -> list[Written]:
    """Every document of the files, directories and standard input (`-`, read by calling `stdin`) in `paths`, in order,
    each with the places of its parts. `counting` is told how many there are, and gives what to call after each.

    Raises DocumentsWrong with all faults when there is any, UsageError for a path that is not there or when there is
    no document at all.
    """
    named = list(paths)
    faults: list[DocumentError] = []
    found: dict[str, Written] = {}
    documents = read_documents(named, stdin, faults.append)
    advance = counting(len(documents)) if counting is not None else None
    for one in documents:
        if advance is not None:
            advance()
        with Noting(faults.append):
            document = parse_document(one)
            name = name_of(document.document)
            if name in found:
                raise one.node.fault(f"{name.replace('/', ' ')} is written more than once", "keep one of them")
            found[name] = document
    if faults:
        raise DocumentsWrong(faults)
    if not found:
        raise UsageError(f"there is no document in {', '.join(named)}")
    return list(found.values())


def load_connectors(paths: Iterable[str], stdin: Callable[[], str]) -> list[Connector]:
    """The connectors among the documents of `load_documents`, which says what is raised."""
    documents = [one.document for one in load_documents(paths, stdin)]
    return [document for document in documents if isinstance(document, Connector)]


def parse_json(kind: Kind, value: object) -> Written:
    """The document of a kind that a JSON value is, in either form, wrapped (`{"connector": …}`) or not.

    `value` is what a JSON parser gives. Raises DocumentsWrong with every fault in it; a fault's `path` is the field as
    `value` has it.
    """
    return parse_json_text(kind, orjson.dumps(value).decode())


def parse_json_text(kind: Kind, text: str) -> Written:
    """The same of a JSON text, so that faults carry line and column in it. Raises DocumentsWrong."""
    try:
        nodes = parse(text, ".json")
    except DocumentError as error:
        raise DocumentsWrong([_without_file(error)]) from None
    if len(nodes) != 1:
        raise DocumentsWrong(
            [DocumentError(f"there is no {kind}", remedy=f"send one as a JSON object: {{'{kind}': …}}")]
        )
    try:
        return parse_document(Found(nodes[0].only_member(kind) or nodes[0], kind))
    except DocumentsWrong as wrong:
        raise DocumentsWrong([_without_file(fault) for fault in wrong.problems]) from None


def parse_document(found: Found) -> Written:
    """One document. Raises DocumentsWrong with every fault in it."""
    reader = Reader()
    with reader.noting():
        kind = found.kind or _kind(found.node)
        document = _READERS[kind](reader, found.node, kind_needed=found.kind is None)
        if not reader.faults:
            return Written(document, found.node, reader.places)
    raise DocumentsWrong(sorted(reader.faults, key=lambda fault: (fault.line, fault.column)))


def _kind(node: Node) -> Kind:
    """The kind that a document says, or that its shape shows: the documented API's has no kind.

    Raises DocumentError.
    """
    if not node.is_mapping:
        node.entries(lambda _: None)  # says what it is instead
    given = node.member("kind")
    if given is not None:
        text = given.text()
        for kind in KINDS:
            if text == kind:
                return kind
        raise given.fault("is not a kind that this version knows", suggestion(text, KINDS))
    for name, kind in _TELLING.items():
        if node.has(name):
            return kind
    raise node.fault("kind is missing", f"write kind: {', '.join(KINDS[:-1])} or {KINDS[-1]}")


_TELLING: Final[Mapping[str, Kind]] = {
    "connectorType": "preset",
    "presetType": "preset",
    "parentId": "preset",
    "rules": "router",
    **dict.fromkeys((name for name in ROUTER_API if name != "entityType"), "router"),
    "connectorConfig": "connector",
    "configOverrides": "connector",
}
"""Members that only one kind of the documented API has, in the order in which they are looked for."""


def _without_file(fault: DocumentError) -> DocumentError:
    return DocumentError(fault.message, line=fault.line, column=fault.column, path=fault.path, remedy=fault.remedy)
