"""Documents to tell stories with."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from streams.documents.connector import Connector, frozen_fields, frozen_overrides
from streams.documents.document import Document, name_of
from streams.documents.integration import Integration
from streams.documents.preset import Preset
from streams.documents.records import to_record
from streams.documents.revision import MARK_KEY, Mark
from streams.documents.router import Router, Rule, Target
from streams.documents.secrets import Cipher, Secret, new_key
from streams.documents.snapshot import NOTHING, Record, Snapshot

CIPHER = Cipher([new_key()])
KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
TOKEN = "y_NbAkKc66ryYTWUXYEu"


def connector(id_: str = "payments", key: str = KEY, **changes: Any) -> Connector:
    fields = frozen_fields({"integrationKey": Secret(key)})
    return Connector(**{"id": id_, "name": id_, "type": "PAGERDUTY", "fields": fields, "overrides": {}, **changes})


def both_ways(id_: str = "cases", integration: str = "acme", **changes: Any) -> Connector:
    fields = frozen_fields({"integrationId": Secret(integration), "service": Secret("PAYM3NT")})
    return Connector(id_, id_, "PAGERDUTY_INCIDENTS", fields, frozen_overrides({}), **changes)


def integration(id_: str = "acme", **changes: Any) -> Integration:
    return Integration(
        **{
            "id": id_,
            "name": id_,
            "token": Secret(TOKEN),
            "from_email": "oncall@acme.io",
            "webhook_secrets": (Secret("whsec-0123456789abcdef"),),
            "services": MappingProxyType({"Payments": "PAYM3NT"}),
            **changes,
        }
    )


def preset(id_: str = "short", **changes: Any) -> Preset:
    general = MappingProxyType({"summary": "{{ alertDef.name }}"})
    return Preset(**{"id": id_, "name": id_, "entity": "alerts", "general": general, **changes})


def router(id_: str = "team", *targets: Target, **changes: Any) -> Router:
    rules = (Rule("all", "alerts", "true", targets or (Target("payments"),)),)
    return Router(
        **{"id": id_, "name": id_, "labels": MappingProxyType({"team": "payments"}), "rules": rules, **changes}
    )


class Topic:
    """Records as they come from the topic, written one apply after another."""

    def __init__(self, cipher: Cipher = CIPHER) -> None:
        self.cipher = cipher
        self.records: list[Record] = []

    def apply(self, revision: int, *documents: Document | str, base: int | None = None, by: str = "") -> list[Record]:
        """The records of an apply with its mark at the end; a text deletes the document of that name."""
        mark = Mark(f"apply-{len(self.records)}", revision, revision - 1 if base is None else base, 0, by)
        written = []
        for one in documents:
            name, value = (one, None) if isinstance(one, str) else (name_of(one), to_record(one, self.cipher))
            written.append(self._record(name.encode(), value, mark.apply, revision))
        written.append(self._record(MARK_KEY, mark.to_record(), mark.apply, revision))
        return written

    def plain(self, *documents: Document) -> list[Record]:
        """Records of no apply, as older versions write them."""
        return [self._record(name_of(one).encode(), to_record(one, self.cipher)) for one in documents]

    def _record(self, key: bytes, value: bytes | None, apply: str | None = None, revision: int = 0) -> Record:
        record = Record(key, value, f"connectors/0/{len(self.records)}", apply, revision)
        self.records.append(record)
        return record

    def snapshot(self, *, whole: bool = False) -> Snapshot:
        """What a process that starts now reads."""
        return NOTHING.after(self.records, self.cipher, whole=whole)

    def compacted(self) -> Snapshot:
        """What a process reads that starts when only the newest record of each key is left."""
        newest = {record.key: record for record in self.records}
        return NOTHING.after([one for one in self.records if newest[one.key] is one], self.cipher)
