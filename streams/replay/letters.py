"""Dead letters and the outcomes of their replays, folded into what is still to be done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from streams.events import TEST_IDENTITY

State = Literal["open", "replayed"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. `value` is its record's value as it stands in the topic; times are ms since the epoch."""

    id: str
    stage: str
    reason: str
    message: str
    destination: str | None
    incident: str | None
    action: str | None
    topic: str
    partition: int
    offset: int
    timestamp: int
    at: int
    replay: str | None
    value: bytes = field(repr=False)

    @classmethod
    def read(cls, value: bytes) -> Letter:
        """Raises KeyError, TypeError or ValueError when the value is no dead letter."""
        record = orjson.loads(value)
        source = record["source"]
        return cls(
            id=record["id"],
            stage=record["stage"],
            reason=record["reason"]["type"],
            message=record["reason"]["message"],
            destination=record["destination"],
            incident=record["incident"],
            action=record["action"],
            topic=source["topic"],
            partition=source["partition"],
            offset=source["offset"],
            timestamp=source["timestamp"],
            at=record["at"],
            replay=record.get("replay"),
            value=value,
        )

    @property
    def record(self) -> dict[str, Any]:
        """The whole record."""
        record: dict[str, Any] = orjson.loads(self.value)
        return record

    @property
    def test(self) -> bool:
        """Whether it is the trigger of a test notification: nobody is there any more to resolve what it would open."""
        identity = self.incident.partition(":")[2] if self.incident is not None else self.record["source"]["key"] or ""
        return self.action != "resolve" and identity.startswith(TEST_IDENTITY)

    @property
    def order(self) -> tuple[int, str, int, int]:
        """The order of the inputs: of one incident, the older input must be replayed first."""
        return self.timestamp, self.topic, self.partition, self.offset


@dataclass(frozen=True, slots=True)
class Result:
    """How a replay ended: a record of `deliveries` or `dead-letters` that names the dead letter `id`."""

    id: str
    status: str
    reason: str
    at: int

    def __str__(self) -> str:
        return self.status if self.status in ("delivered", "superseded") else f"{self.status} ({self.reason})"

    @classmethod
    def of_delivery(cls, record: Mapping[str, Any]) -> Result | None:
        """None for the outcome of something else than a replay."""
        if not record.get("replay"):
            return None
        outcome = record["outcome"]
        return cls(record["replay"], outcome["status"], outcome["reason"], outcome["at"])

    @classmethod
    def of_letter(cls, letter: Letter) -> Result | None:
        """None for a dead letter of something else than a replay."""
        return cls(letter.replay, "dead", letter.reason, letter.at) if letter.replay else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A dead letter as it stands now: `replayed` is the outcome of a replay that has settled it, None while open."""

    letter: Letter
    replayed: Result | None = None


class Folder:
    """Takes dead letters in any order and keeps the newest of each id.

    A replay that ends dead under another id (at another destination, or at one at all) goes on as that one: the older
    is not shown any more, but its id still finds the newer.
    """

    def __init__(self) -> None:
        self._newest: dict[str, Letter] = {}
        self._goes_on: dict[str, dict[str, int]] = {}

    def add(self, letter: Letter) -> None:
        """Take one in."""
        before = self._newest.get(letter.id)
        if before is None or before.at <= letter.at:
            self._newest[letter.id] = letter
        if letter.replay and letter.replay != letter.id:
            further = self._goes_on.setdefault(letter.replay, {})
            further[letter.id] = max(letter.at, further.get(letter.id, 0))

    def letters(self) -> list[Letter]:
        """Those that stand, in the order of their inputs."""
        return sorted((one for one in self._newest.values() if not self._further(one)), key=lambda one: one.order)

    def resolve(self, letter_id: str) -> set[str]:
        """The ids under which a dead letter goes on; itself when it does not. Empty when there is none of that id."""
        found: set[str] = set()
        seen: set[str] = set()
        asked = [letter_id]
        while asked:
            one = asked.pop()
            if one in seen:
                continue
            seen.add(one)
            letter = self._newest.get(one)
            further = self._goes_on.get(one, {}) if letter is None else self._further(letter)
            asked += further
            if letter is not None and not further:
                found.add(one)
        return found

    def _further(self, letter: Letter) -> Mapping[str, int]:
        return {name: at for name, at in self._goes_on.get(letter.id, {}).items() if at >= letter.at}


def settled(letters: Iterable[Letter], results: Iterable[Result]) -> list[Entry]:
    """The letters, each with the newest result of its replays when that is younger than the letter itself."""
    newest: dict[str, Result] = {}
    for result in results:
        if result.status != "dead" and (result.id not in newest or newest[result.id].at <= result.at):
            # "Already replayed" says that there is another result, which is worth more to know.
            if result.reason == "already_replayed" and result.id in newest:
                result = replace(newest[result.id], at=result.at)
            newest[result.id] = result
    entries = []
    for letter in letters:
        result_of = newest.get(letter.id)
        entries.append(Entry(letter, result_of if result_of is not None and result_of.at >= letter.at else None))
    return entries


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters. Empty: all. `since` and `until`: when they were given up, ms since the epoch."""

    reasons: frozenset[str] = frozenset()
    destinations: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None

    def has(self, letter: Letter) -> bool:
        """Whether a letter is one of them."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.destinations or (letter.destination or "-") in self.destinations)
            and (not self.stages or letter.stage in self.stages)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
        )
