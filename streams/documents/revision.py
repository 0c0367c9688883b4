"""Applies: how several documents change at once, and how two editors cannot overwrite each other.

An apply is one record batch, which Kafka appends whole or not at all: the records of its documents, each with the
headers `revision` and `apply` (an id of this apply alone), and as the last one its mark, key `revision`. A reader holds
the records back until the mark has come. The mark names the revision that the writer had read (`base`); when another
one has come between, all readers refuse the apply alike, and its writer, who reads back what it wrote, is told.

The topic is compacted: of the marks only the newest stays. Records whose mark is gone count, since a batch that is in
the topic was there whole. Records that an apply refused for its base left behind are overwritten by whoever writes next
(first of all by the one who was refused): otherwise compaction would keep them in the place of what holds. Until then
`min.compaction.lag.ms` keeps the others. Records without these headers, of an older version, count at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

MARK_KEY: Final = b"revision"
REVISION: Final = "revision"
APPLY: Final = "apply"

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of an apply: the revision it makes out of which, when (ms since the epoch) and by whom."""

    apply: str
    revision: int
    base: int
    at: int
    by: str

    def to_record(self) -> bytes:
        """The value of its record (`schemas/documents/revision.json`)."""
        return orjson.dumps(
            {
                "v": 1,
                "kind": "revision",
                "revision": self.revision,
                "base": self.base,
                "at": self.at,
                "by": self.by,
                "apply": self.apply,
            }
        )

    @property
    def headers(self) -> Headers:
        """The headers of all its records."""
        return ((REVISION, str(self.revision).encode()), (APPLY, self.apply.encode()))


def read_mark(value: bytes | None) -> Mark | None:
    """The mark of a record's value; None for what this version does not know as one."""
    try:
        record: Any = orjson.loads(value or b"")
        mark = Mark(record["apply"], record["revision"], record["base"], record["at"], record["by"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return mark if type(mark.revision) is int and type(mark.base) is int else None


def read_headers(headers: Iterable[tuple[str, bytes]]) -> tuple[str | None, int]:
    """The apply that a record is of and its revision; (None, 0) for one of none."""
    found = dict(headers)
    apply, revision = found.get(APPLY), found.get(REVISION, b"")
    return (apply.decode(errors="replace"), int(revision)) if apply and revision.isdigit() else (None, 0)
