"""What came of an import: documents that `pagerline apply` takes, and notes on what is not in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from streams.documents.connector import ID_PATTERN, Connector
from streams.documents.document import KINDS, Document, Kind, kind_of, name_of
from streams.documents.integration import Integration
from streams.documents.parse import parse_json
from streams.documents.references import is_reference
from streams.documents.secrets import Secret, is_routing_key
from streams.documents.show import to_document, to_yaml
from streams.errors import DocumentsWrong

ID_LENGTH: Final = 128
COMMENT_WIDTH: Final = 110
"""Characters of a line of comment."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was not carried over, or not as it was. `about`: what it is about, as the source names it;
    `document`: the name of the document that it belongs to (`router/router_default`). Never holds a key."""

    about: str
    text: str
    document: str | None = None

    def __str__(self) -> str:
        return f"{self.about}: {self.text}"


@dataclass(slots=True)
class Carried:
    """Documents by name, in the order in which they were found, and notes."""

    documents: dict[str, Document] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def note(self, about: str, text: str, document: str | None = None) -> None:
        """Say what is not carried over."""
        note = Note(about, text, document)
        if note not in self.notes:
            self.notes.append(note)

    def add(self, kind: Kind, value: Mapping[str, Any], about: str) -> Document | None:
        """Take a document, in either form, if it is sound; otherwise its faults are notes. Returns it, or None."""
        try:
            document = parse_json(kind, value).document
        except DocumentsWrong as wrong:
            for fault in wrong.problems:
                where = f"{fault.path} " if fault.path else ""
                remedy = f"; {fault.remedy}" if fault.remedy else ""
                self.note(about, f"not carried over: {where}{fault.message}{remedy}")
            return None
        if name_of(document) in self.documents:
            self.note(about, f"not carried over: there is a {kind} {document.id} already")
            return None
        self.documents[name_of(document)] = document
        return document

    @property
    def keys(self) -> int:
        """Secrets that the documents hold in clear."""
        return sum(1 for document in self.documents.values() for secret in _secrets(document) if _is_clear(secret))

    def merge(self, other: Carried) -> None:
        """Take what another import gave, as far as the names are free."""
        for name, document in other.documents.items():
            if name in self.documents:
                self.note(name.replace("/", " "), "not carried over: it is there already, from another file")
            else:
                self.documents[name] = document
        self.notes += other.notes

    def of(self, kind: Kind) -> list[Document]:
        """The documents of a kind."""
        return [document for document in self.documents.values() if kind_of(document) == kind]

    def to_yaml(self, kinds: Iterable[Kind] = KINDS) -> str:
        """The documents of these kinds as `pagerline apply` takes them, keys in clear; notes stand above the document
        that they belong to, the others at the head."""
        kinds = tuple(kinds)
        parts = (
            [_comment([note for note in self.notes if note.document not in self.documents])] if kinds == KINDS else []
        )
        for document in (one for kind in kinds for one in self.of(kind)):
            plain = to_document(document, Secret.reveal)
            plain.pop("version", None)
            about = [note for note in self.notes if note.document == name_of(document)]
            parts.append(to_yaml([plain]).replace("---\n", f"---\n{_comment(about)}", 1))
        return "".join(parts)


def slug(text: str, taken: Iterable[str] = ()) -> str:
    """An id made of a name: letters, digits, `-` and `_`; with a number behind it where it is taken."""
    base = re.sub(r"[^a-zA-Z0-9_-]+", "-", text).strip("-_")[: ID_LENGTH - 5] or "unnamed"
    assert ID_PATTERN.fullmatch(base)
    known = set(taken)
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, len(known) + 2))
    return next(one for one in numbered if one not in known)


def variable(text: str) -> str:
    """A reference to an environment variable named after a document, for a key that is not at hand."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper()
    return f"${{ENV:PAGERDUTY_KEY_{name}}}"


def _secrets(document: Document) -> list[Secret]:
    if isinstance(document, Connector):
        return [secret for fields in (document.fields, *document.overrides.values()) for secret in fields.values()]
    if isinstance(document, Integration):
        return [document.token, *document.webhook_secrets]
    return []


def _is_clear(secret: Secret) -> bool:
    text = secret.reveal()
    return not is_reference(text) and any(is_routing_key(word) for word in re.findall(r"[A-Za-z0-9]+", text))


def _comment(notes: Iterable[Note]) -> str:
    lines: list[str] = []
    for note in notes:
        line = "#"
        for word in str(note).split():
            if len(line) + len(word) > COMMENT_WIDTH:
                lines.append(line)
                line = "#  "
            line += f" {word}"
        lines.append(line)
    return "".join(f"{line}\n" for line in lines)
