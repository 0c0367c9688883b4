"""What the topics say of one incident, as it was read: the material of a story. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from streams.dispatch.incident import DIGEST_TOPIC

Record = Mapping[str, Any]

_UNPINNED: Final[Record] = {"pinned": False}
"""Of an input that route gave up before it asked a connector: a pin would have held it."""

CLOCKS_MS: Final = 60_000
"""Clocks of producers, brokers and workers differ; an outcome may seem to be that much older than its input."""


@dataclass(frozen=True, slots=True)
class Queued:
    """An input that no stage has finished: in an input topic behind what is committed, or in the outbox.

    `source` is the input's `topic/partition/offset`, `written_at` its timestamp (ms since the epoch). `before` counts
    the records of `partition` (of the topic it waits in) that come first and are not finished either. `outbox` is the
    record, of one that waits in the outbox.
    """

    stage: Literal["route", "dispatch"]
    source: str
    written_at: int
    action: str | None
    partition: str
    before: int
    outbox: Record | None = None
    replay: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """Records of one incident. `incident` is None for an input that tells none.

    `pins` and `rows` are the tables' rows, the latter by destination. `complete`: whether the beginning of the
    incident's present life, or all that there is, was read. `workers`: members of the consumer group; None: not known.
    `asked` is the input that the question named. `updates` are a Case's records of `case-updates`.
    """

    incident: str | None
    deliveries: Sequence[Record] = ()
    letters: Sequence[Record] = ()
    pins: Record | None = None
    rows: Mapping[str, Record] = field(default_factory=dict)
    queued: Sequence[Queued] = ()
    workers: int | None = None
    complete: bool = True
    asked: str | None = None
    updates: Sequence[Record] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.deliveries or self.letters or self.pins or self.rows or self.queued or self.updates)


def begun(found: Findings) -> bool:
    """Whether the oldest input that was found began a life: a trigger that no pin held. Nothing lies before it then."""
    seen = list(_seen(found))
    oldest = min((one[:4] for one in seen), default=None)
    return any(one[:4] == oldest and one[4] for one in seen)


def _seen(found: Findings) -> Iterator[tuple[int, str, int, int, bool]]:
    """The inputs that were found: timestamp and place, and whether it chose a destination, or was to."""
    letters = [{**one, "why": (one.get("outbox") or one).get("why") or _UNPINNED} for one in found.letters]
    waiting = [one for row in found.rows.values() for one in row.get("pending") or ()]
    outbox = [one.outbox for one in found.queued if one.outbox is not None]
    for record in [*found.deliveries, *letters, *waiting, *outbox]:
        source = record["source"]
        if not record.get("replay") and source["topic"] != DIGEST_TOPIC:
            place = (source["topic"], source["partition"], source["offset"])
            why = record.get("why")
            yield (source["timestamp"], *place, record["action"] == "trigger" and bool(why) and not why["pinned"])
    for queued in found.queued:
        if queued.outbox is None:
            topic, partition, offset = queued.source.rsplit("/", 2)
            first = queued.action == "trigger" and found.pins is None
            yield (queued.written_at, topic, int(partition), int(offset), first)


def beginning(deliveries: Iterable[Record], before_ms: int | None = None) -> int | None:
    """When the newest life of the incident began, as far as these deliveries tell: the timestamp of the input that
    chose the destination (ms since the epoch). With `before_ms`: the life that an input of that time belongs to."""
    begins = [
        record["source"]["timestamp"]
        for record in deliveries
        if record["action"] == "trigger"
        and record.get("why")
        and not record["why"]["pinned"]
        and not record.get("replay")
        and (before_ms is None or record["source"]["timestamp"] <= before_ms)
    ]
    return max(begins, default=None)
