"""What must hold among documents: references lead somewhere, and what they lead to fits.

Reported are the faults of what is applied, and those that it would make in documents that stay as they are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from streams.documents.connector import Connector
from streams.documents.document import Document, Kind, name_of
from streams.documents.links import Way, links, ways
from streams.documents.preset import Preset
from streams.documents.router import Router
from streams.documents.secrets import is_routing_key, mask
from streams.documents.system_presets import SYSTEM
from streams.documents.written import Place, Written
from streams.errors import DocumentError

LONGEST_CHAIN: Final = 8
"""Presets in a row, the system's at the end; further up nobody looks (`streams.routing.presets`)."""


class Fault(NamedTuple):
    """What is wrong with a part of a document in company with the others."""

    place: Place
    message: str
    remedy: str


class View:
    """The documents as they are at one moment, by name, system presets among them.

    `unreadable`: names of documents that exist, of which nothing more is known. `gone`: names of those that this very
    change deletes.
    """

    def __init__(
        self, documents: Iterable[Document], unreadable: Collection[str] = (), gone: Collection[str] = ()
    ) -> None:
        self.documents: Mapping[str, Document] = {name_of(one): one for one in documents}
        self._unreadable = unreadable
        self._gone = gone

    def connector(self, id_: str) -> Connector | None:
        found = self.documents.get(f"connector/{id_}")
        return found if isinstance(found, Connector) else None

    def preset(self, id_: str) -> Preset | None:
        found = self.documents.get(f"preset/{id_}")
        return found if isinstance(found, Preset) else SYSTEM.get(id_)

    def missing(self, kind: Kind, id_: str) -> tuple[str, str] | None:
        """What is wrong with naming this document, and the remedy; None when it is there."""
        name = f"{kind}/{id_}"
        if name in self.documents or name in self._unreadable or (kind == "preset" and id_ in SYSTEM):
            return None
        if name in self._gone:
            return f"names {name}, which is deleted with this", "write it in the files too, or name another one"
        known = [one.partition("/")[2] for one in self.documents if one.startswith(kind + "/")]
        near = difflib.get_close_matches(id_, [*known, *(SYSTEM if kind == "preset" else ())], n=1)
        remedy = f"did you mean {near[0]}?" if near else f"apply that {kind} with it (pagerline get {kind}s lists all)"
        shown = mask(id_) if is_routing_key(id_) else id_  # the key in the place of the connector that has it
        return f"there is no {kind}/{shown}", remedy


def check(view: View, wanted: Iterable[Written], before: View) -> list[DocumentError]:
    """The faults of what is wanted, then those that only now are in the other documents of `view`; `before` is what
    held so far."""
    applied = list(wanted)
    found = [one.fault(*fault) for one in applied for fault in faults(view, one.document)]
    touched = {name_of(one.document) for one in applied}
    for name, document in view.documents.items():
        if name in touched:
            continue
        known = set(faults(before, document))
        found += [
            Written(document).fault(fault.place, f"{name}, which stays as it is: {fault.message}", fault.remedy)
            for fault in faults(view, document)
            if fault not in known
        ]
    return found


def faults(view: View, document: Document) -> Iterator[Fault]:
    """What is wrong with the references of one document."""
    missing = False
    for link in links(document):
        if wrong := view.missing(link.kind, link.id):
            missing = True
            yield Fault(link.place, *wrong)
    if not missing and (fitting := _FITTING.get(type(document))):
        yield from fitting(view, document)


def _router(view: View, router: Router) -> Iterator[Fault]:
    for way in ways(router):
        if way.target.preset is not None and (preset := view.preset(way.target.preset)):
            yield from _preset_of(view, way, preset)


def _preset_of(view: View, way: Way, preset: Preset) -> Iterator[Fault]:
    place = (*way.place, "preset")
    if preset.entity != way.entity:
        yield Fault(place, f"preset/{preset.id} is for {preset.entity}, and this is for {way.entity}", _OTHER)
        return
    connector = view.connector(way.target.connector)
    if connector is not None and connector.type != preset.connector_type:
        yield Fault(
            place,
            f"preset/{preset.id} is for connectors of type {preset.connector_type}, and connector/{connector.id} is of "
            f"type {connector.type}",
            _OTHER,
        )


_OTHER: Final = "name another preset, or none for the default one"


def _preset(view: View, preset: Preset) -> Iterator[Fault]:
    chain, above = [preset.id], preset.parent
    while above is not None and (parent := view.preset(above)) is not None:
        if parent.id in chain:
            yield Fault(("parent",), f"leads back to itself: {' > '.join([*chain, parent.id])}", _SYSTEM_PARENT)
            return
        chain.append(parent.id)
        above = parent.parent
    if len(chain) > LONGEST_CHAIN:
        yield Fault(
            ("parent",), f"has {len(chain) - 1} presets above it, {LONGEST_CHAIN - 1} is the limit", _SYSTEM_PARENT
        )
    parent = view.preset(preset.parent) if preset.parent is not None else None
    if parent is None:
        return
    if parent.entity != preset.entity:
        yield Fault(("parent",), f"preset/{parent.id} is for {parent.entity}, and this is for {preset.entity}", _ALIKE)
    elif parent.connector_type != preset.connector_type:
        yield Fault(
            ("parent",),
            f"preset/{parent.id} is for connectors of type {parent.connector_type}, and this is for "
            f"{preset.connector_type}",
            _ALIKE,
        )


_ALIKE: Final = "name a parent for the same entity and type of connector (pagerline get presets lists all)"
_SYSTEM_PARENT: Final = "name a system preset as parent"

_FITTING: Final[Mapping[type, Callable[[View, Document], Iterator[Fault]]]] = {
    Router: _router,  # type: ignore[dict-item]
    Preset: _preset,  # type: ignore[dict-item]
}
