"""What still needs an older key: folded from records of the topics. Pure.

Of a compacted topic the newest record of a key counts, of an input those that are not committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from streams.documents.renewal import Renewal


@dataclass(slots=True)
class Rows:
    """The newest records of a compacted topic, by key, as far as they hold tokens of an older key or of none at hand.

    `unknown`: how many are sealed with no key at hand, or only look as if they were.
    """

    renewal: Renewal
    older: set[tuple[int, bytes]] = field(default_factory=set)
    locked: set[tuple[int, bytes]] = field(default_factory=set)

    def take(self, record: Any) -> None:
        """Take in a record, in the order of its partition."""
        place = (record.partition, record.key or b"")
        count = self.renewal.tokens(record.value)
        for kept, there in ((self.older, count.older), (self.locked, count.unknown)):
            kept.add(place) if there else kept.discard(place)

    def __len__(self) -> int:
        return len(self.older)


@dataclass(slots=True)
class Waiting:
    """Records of an input that hold tokens of an older key, as long as they are not committed."""

    renewal: Renewal
    older: dict[TopicPartition, list[int]] = field(default_factory=dict)

    def take(self, record: Any) -> None:
        """Take in a record, in the order of its partition."""
        if self.renewal.is_old(record.value):
            self.older.setdefault(TopicPartition(record.topic, record.partition), []).append(record.offset)

    def committed(self, positions: Mapping[TopicPartition, int]) -> None:
        """Forget what lies before these offsets."""
        for partition, position in positions.items():
            if partition in self.older:
                self.older[partition] = [offset for offset in self.older[partition] if offset >= position]

    def __len__(self) -> int:
        return sum(map(len, self.older.values()))
