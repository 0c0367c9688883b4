"""One incident at one destination: its inputs, what was told of them, and what PagerDuty saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from streams.sandbox.verify.journal import Pair, Request
from streams.sandbox.verify.outcomes import DEAD, NOWHERE, Outcome, Told
from streams.sandbox.verify.reading import Input

NONE: Final = "none"
"""PagerDuty has never heard of the incident, or has dropped all it heard."""

OPEN: Final = frozenset({"triggered", "acknowledged"})


@dataclass(slots=True)
class History:
    """Everything about one (destination, dedup key). `inputs` are all that concern the incident, not yet ordered."""

    destination: str
    dedup_key: str
    inputs: Sequence[Input]
    told: Mapping[str, Mapping[str, Outcome]]
    requests: list[Request] = field(default_factory=list)
    final: str = NONE
    connectors: frozenset[str] = field(init=False)
    """Those by way of which the incident came to this destination."""
    moved_in: int | None = field(init=False)
    """When a replay brought the incident here, if nothing had before; ms since the epoch."""
    moved_out: int | None = field(init=False)
    """When a replay of what died here first went elsewhere."""

    def __post_init__(self) -> None:
        at = [self.told.get(one.id, {}).get(self.destination) for one in self.inputs]
        named = (outcome.connector for outcome in at if outcome is not None)
        self.connectors = frozenset(name for name in named if name is not None)
        first = min((outcome for outcome in at if outcome is not None), key=lambda outcome: outcome.at, default=None)
        self.moved_in = first.at if first is not None and first.replay is not None else None
        left = [
            other.at
            for one, outcome in zip(self.inputs, at, strict=True)
            if outcome is not None and outcome.status == DEAD
            for other in self.told[one.id].values()
            if other.replay is not None and other.destination != self.destination
        ]
        self.moved_out = min(left, default=None)

    @property
    def incident(self) -> str:
        return self.inputs[0].incident if self.inputs else f"dedup key {self.dedup_key}"

    @property
    def place(self) -> str:
        return f"at {self.destination}"

    def outcome(self, one: Input) -> Outcome | None:
        """What became of an input here, or without any destination."""
        at = self.told.get(one.id, {})
        return at.get(self.destination) or at.get(NOWHERE)

    @property
    def outcomes_here(self) -> dict[str, Outcome]:
        """The outcomes that name this destination, by input."""
        return {one.id: self.told[one.id][self.destination] for one in self.inputs if self.here(one)}

    def here(self, one: Input) -> bool:
        """Whether an outcome names this destination."""
        return self.destination in self.told.get(one.id, {})

    def concerns(self, one: Input) -> bool:
        """Whether PagerDuty has to hear of an input here.

        A trigger concerns the destinations that route chose for it, which only the outcomes tell. An acknowledge or
        resolve concerns every destination of the incident; one that names connectors, those of these connectors. One
        that route could not place at all is in the dead letters, and concerns none.
        """
        if self.here(one):
            return True
        if one.action == "trigger":
            return False
        outcome = self.outcome(one)
        if outcome is not None and outcome.status == DEAD:
            return False
        if self._elsewhere(one):
            return False
        return not one.connectors or not one.connectors.isdisjoint(self.connectors)

    def _elsewhere(self, one: Input) -> bool:
        """Whether an input went to another destination before the incident came here, or after it had left."""
        times = [outcome.at for outcome in self.told.get(one.id, {}).values()]
        before = self.moved_in is not None and bool(times) and max(times) < self.moved_in
        after = self.moved_out is not None and bool(times) and max(times) >= self.moved_out
        return before or after


class Step(NamedTuple):
    """An input in its place: the state that all older ones together ask for."""

    one: Input
    before: str
    acknowledged: bool
    """Whether an older acknowledge belongs to the life that is open before."""
    delivered: bool
    """Whether a trigger of that life was delivered here."""


def steps(history: History, order: Sequence[Input], *, dead: bool) -> Iterator[Step]:
    """The inputs that concern a history, oldest first. `dead`: count those that were dead-lettered as well.

    Ends with the state after all of them; that last step repeats the newest input. Yields nothing when there is none.
    """
    state, acknowledged, delivered = NONE, False, False
    newest: Input | None = None
    for one in order:
        if one.action is None or not history.concerns(one):
            continue
        outcome = history.outcome(one)
        if not dead and outcome is not None and outcome.status == DEAD:
            continue
        newest = one
        yield Step(one, state, acknowledged, delivered)
        if one.action == "resolve":
            state, acknowledged, delivered = ("resolved" if state != NONE else NONE), False, False
        elif one.action == "acknowledge":
            if state in OPEN:
                state, acknowledged = "acknowledged", True
        else:
            # The newest state asked for. PagerDuty itself lets a trigger not undo an acknowledge.
            state = "triggered"
            delivered = delivered or (outcome is not None and outcome.status == "delivered")
    if newest is not None:
        yield Step(newest, state, acknowledged, delivered)


def histories(
    groups: Mapping[str, Sequence[Input]], told: Told, requests: Sequence[Request], states: Mapping[Pair, str]
) -> dict[Pair, History]:
    """All histories: of every destination that an outcome, a request or an incident of PagerDuty names.

    `groups` are the inputs by dedup key.
    """
    found: dict[Pair, History] = {}

    def at(pair: Pair) -> History:
        if pair not in found:
            destination, dedup_key = pair
            found[pair] = History(destination, dedup_key, groups.get(dedup_key, ()), told)
        return found[pair]

    for dedup_key, inputs in groups.items():
        for one in inputs:
            for destination in told.get(one.id, {}):
                if destination != NOWHERE:
                    at((destination, dedup_key))
    for request in requests:
        at(request.pair).requests.append(request)
    for pair, status in states.items():
        at(pair).final = status
    return found
