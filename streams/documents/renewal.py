"""Sealed texts inside records: which of them an older key sealed, and the same record sealed with the newest. Pure.

renewal = Renewal(cipher)
renewal.tokens(row)                  # Count(newest=1, older=2, unknown=0)
renewal.value(row)                   # the row with all of them sealed anew, or None when there is nothing to do
renewal.record(outbox_record)        # the same for a record that has been read

Found as bytes, wherever they stand: a record of any shape and version is renewed without its being understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.documents.secrets import Cipher

_TOKEN: Final = re.compile(rb"gAAAAA[A-Za-z0-9_-]{66,}={0,2}")
"""A Fernet token: version 0x80 and 64 bits of seconds, whose first bytes are 0 until the year 2106; then IV, at least a
block of text and a MAC. JSON escapes none of its characters."""

_HEAD: Final = b"gAAAAA"

_SEALED: Final = re.compile(rb'"(?:routing_key|enc)":"(gAAAAA[^"]+)"')
"""Where our records have tokens. Elsewhere something that no key opens is somebody's text."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many tokens a record has that the newest key, an older one, and none at hand sealed."""

    newest: int = 0
    older: int = 0
    unknown: int = 0


class Renewal:
    """Looks at tokens, and seals those anew that an older key sealed."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    @property
    def needed(self) -> bool:
        """Whether an older key is at hand at all; without one there is nothing to look for."""
        return self._cipher.rotating

    def tokens(self, value: bytes | None) -> Count:
        """The tokens of a record's value."""
        ages = [self._cipher.age(token.decode()) for token in _found(value)]
        unknown = [self._cipher.age(token.decode(errors="replace")) for token in _SEALED.findall(value or b"")]
        return Count(ages.count("newest"), ages.count("older"), unknown.count("unknown"))

    def is_old(self, value: bytes | None) -> bool:
        """Whether an older key is needed to read all of this record."""
        return any(self._cipher.age(token.decode()) == "older" for token in _found(value))

    def value(self, value: bytes | None) -> bytes | None:
        """The record's value with all its tokens sealed by the newest key; None when they are."""
        if value is None or not self.is_old(value):
            return None
        return _TOKEN.sub(lambda token: self._cipher.renewed(token[0].decode()).encode(), value)

    def record(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """An outbox record with its routing key sealed by the newest key; itself when it is."""
        token = record.get("routing_key")
        if not isinstance(token, str) or (renewed := self._cipher.renewed(token)) == token:
            return record
        return {**record, "routing_key": renewed}


def _found(value: bytes | None) -> list[bytes]:
    return _TOKEN.findall(value) if value is not None and _HEAD in value else []
