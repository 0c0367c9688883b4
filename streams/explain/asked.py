"""What somebody asks about: the forms of an id. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_PLACE: Final = re.compile(r"(?P<topic>[^/@]+)/(?P<partition>[0-9]{1,9})/(?P<offset>[0-9]{1,18})(?:@.*)?")
_KINDS: Final = ("alert:", "case:")


@dataclass(frozen=True, slots=True)
class Place:
    """The coordinates of an input record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Asked:
    """An id as it was given. `place` is set when it is an input's coordinates; else `incidents` are those it may mean,
    and it may be something that only the records know: a hashed deduplication key or an alert's own id."""

    text: str
    incidents: tuple[str, ...] = ()
    place: Place | None = None


def read_id(text: str, prefix: str, inputs: Collection[str]) -> Asked:
    """Read an id. `inputs` are the full names of the input topics; a place may leave the prefix out.

    The id of a dead letter or delivery (a place, `@`, a destination) stands for its input.
    """
    text = text.strip()
    if found := _PLACE.fullmatch(text):
        for topic in (found["topic"], f"{prefix}{found['topic']}"):
            if topic in inputs:
                return Asked(text, place=Place(topic, int(found["partition"]), int(found["offset"])))
    if text.startswith(_KINDS):
        return Asked(text, (text,))
    return Asked(text, tuple(f"{kind}{text}" for kind in _KINDS))
