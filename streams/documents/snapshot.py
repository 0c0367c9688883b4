"""What the topic `connectors` says, as far as it has been read: a value, made from records one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from streams.documents.connector import Connector, from_record, id_of
from streams.documents.integration import Integration
from streams.documents.preset import Preset
from streams.documents.router import Router
from streams.documents.secrets import Cipher
from streams.errors import DocumentError, SecretError


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the topic; `where` is `<topic>/<partition>/<offset>`. No value: the document is deleted."""

    key: bytes | None
    value: bytes | None
    where: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why the newest record of a connector is not used. The one before it stays in use, if there was any.

    `locked`: it is sealed with a key that is not at hand; nothing is wrong with the record itself.
    """

    reason: str
    where: str
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The documents by kind and id, and what is wrong with those whose newest record cannot be read. Never changes.

    `revision` is that of the last apply that is part of it, 0 before the first.
    """

    connectors: Mapping[str, Connector]
    problems: Mapping[str, Unreadable]
    integrations: Mapping[str, Integration] = field(default_factory=lambda: MappingProxyType({}))
    presets: Mapping[str, Preset] = field(default_factory=lambda: MappingProxyType({}))
    routers: Mapping[str, Router] = field(default_factory=lambda: MappingProxyType({}))
    revision: int = 0

    @property
    def locked(self) -> tuple[str, ...]:
        """Ids of the connectors whose newest record is sealed with a key that is not at hand."""
        return tuple(sorted(name for name, problem in self.problems.items() if problem.locked))

    @property
    def lost(self) -> tuple[str, ...]:
        """Those of `locked` without an earlier version to go on with: they exist, and cannot be used at all."""
        return tuple(name for name in self.locked if name not in self.connectors)

    def after(self, records: Iterable[Record], cipher: Cipher) -> Snapshot:
        """What holds after these records. Records of other kinds of documents are passed over."""
        connectors, problems = dict(self.connectors), dict(self.problems)
        for record in records:
            connector_id = id_of(record.key)
            if connector_id is None:
                continue
            problems.pop(connector_id, None)
            if record.value is None:
                connectors.pop(connector_id, None)
                continue
            try:
                connectors[connector_id] = _read(connector_id, record.value, cipher)
            except (DocumentError, SecretError) as error:
                problems[connector_id] = Unreadable(str(error), record.where, isinstance(error, SecretError))
        return replace(self, connectors=MappingProxyType(connectors), problems=MappingProxyType(problems))


NOTHING: Final = Snapshot(MappingProxyType({}), MappingProxyType({}))
"""Before the first record."""


def _read(connector_id: str, value: bytes, cipher: Cipher) -> Connector:
    connector = from_record(value, cipher)
    if connector.id != connector_id:
        raise DocumentError(f"the record's key says {connector_id}, its value {connector.id}")
    return connector
