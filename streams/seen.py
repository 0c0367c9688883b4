"""Which inputs have been taken in, by their places in the source partitions.

Kafka's offsets grow with a partition, and start again when its topic is made anew; after an unclean leader election
they fall back behind what has been read. An input of such a new log stands at an offset that has been seen, and must
not be taken for a re-delivery: it is told apart by its timestamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self


class Position(NamedTuple):
    """Where an input stands: source partition ("topic/partition"), offset, the record's timestamp in ms."""

    partition: str
    offset: int
    timestamp: int

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Position:
        """The position that a record's `source` names."""
        return cls(f"{source['topic']}/{source['partition']}", source["offset"], source["timestamp"])


class Mark(NamedTuple):
    """Everything up to this offset that is not younger than this timestamp has been taken in."""

    offset: int
    timestamp: int

    def covers(self, position: Position) -> bool:
        return position.offset <= self.offset and position.timestamp <= self.timestamp


@dataclass(frozen=True, slots=True)
class Seen:
    """What has been taken in: for each source partition a mark of its present log, last, and of the logs before it.

    A mark is the newest offset with the *highest* timestamp, because the clocks of several producers differ: so a
    re-delivery is always known, whatever its timestamp. What is not covered is new, also at a lower offset when it is
    younger. An older log's mark stays until the new log has passed it: copies of its inputs may still come, from topics
    of our own. It remains that an input of a new log is passed over when its timestamp is not above those of the log
    before, which takes a producer's clock that is behind by more than the time between the two.
    """

    marks: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)

    def has(self, position: Position) -> bool:
        """Whether this input has been taken in: it is a re-delivery."""
        return any(mark.covers(position) for mark in self.marks.get(position.partition, ()))

    def ends_with(self, position: Position) -> bool:
        """Whether this input is the newest that was taken in of its partition."""
        marks = self.marks.get(position.partition)
        return marks is not None and marks[-1].offset == position.offset and marks[-1].covers(position)

    def goes_beyond(self, position: Position) -> bool:
        """Whether newer inputs of its partition have been taken in."""
        marks = self.marks.get(position.partition, ())
        return any(mark.covers(position) for mark in marks[:-1]) or (
            bool(marks) and marks[-1].offset > position.offset and marks[-1].covers(position)
        )

    def and_also(self, position: Position) -> Self:
        """With this input taken in."""
        if self.has(position):
            return self
        before = self.marks.get(position.partition, ())
        newest = Mark(position.offset, position.timestamp)
        if before and position.offset > before[-1].offset:
            newest = Mark(position.offset, max(position.timestamp, before[-1].timestamp))
        kept = tuple(mark for mark in before if mark.offset > newest.offset)
        return type(self)({**self.marks, position.partition: (*kept, newest)})

    def to_json(self) -> dict[str, list[list[int]]]:
        """For a changelog: lists of [offset, timestamp] by partition."""
        return {partition: [list(mark) for mark in marks] for partition, marks in self.marks.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls({partition: tuple(Mark(*mark) for mark in marks) for partition, marks in value.items()})
