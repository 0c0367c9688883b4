"""A change of a document as a unified diff, secrets masked: for the command and for the web API."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from streams.documents.changes import Change
from streams.documents.document import Document
from streams.documents.show import masked_for_comparison, to_document, to_yaml


def unified(change: Change) -> Iterable[str]:
    """The lines of the diff, without line ends; none where nothing that is written changes."""
    before, after = _lines(change.before), _lines(change.document)
    return difflib.unified_diff(before, after, change.name, f"{change.name} (file)", lineterm="")


def _lines(document: Document | None) -> list[str]:
    if document is None:
        return []
    shown = to_document(document, masked_for_comparison)
    del shown["version"]  # the log gives it, no file has it
    return to_yaml([shown]).splitlines()[1:]
