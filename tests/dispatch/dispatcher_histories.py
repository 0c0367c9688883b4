"""Histories of a dispatcher's world, for hypothesis: what is asked, what breaks, when it is killed."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from model_world import Settings, World

DESTINATIONS = ("key:a0", "key:b1", "key:c2")
INCIDENTS = ("i", "j", "k")

STEPS = st.integers(0, 40)
SECONDS = st.sampled_from((0.0, 0.0, 0.01, 0.3, 1.1, 4.0, 15.0, 70.0))


@dataclass(frozen=True, slots=True)
class Ask:
    """An input. `source` chooses among the two source partitions of its incident."""

    destination: str
    incident: str
    action: str
    source: int
    refused: bool

    def happen(self, world: World) -> None:
        place = self.destination, self.incident
        world.ask(place, self.action, source_partition=self.source, refused=self.refused and self.action == "trigger")


@dataclass(frozen=True, slots=True)
class Replay:
    """Route repeats its last inputs of a source partition."""

    source: int
    count: int

    def happen(self, world: World) -> None:
        world.replay(self.source, self.count)


@dataclass(frozen=True, slots=True)
class Outage:
    """One destination answers every request in the same wrong way for a while."""

    destination: str
    kind: str
    seconds: float

    def happen(self, world: World) -> None:
        world.outages[self.destination] = (world.loop.time() + self.seconds, self.kind)


@dataclass(frozen=True, slots=True)
class Steps:
    """So many callbacks of the event loop run, without time passing."""

    count: int

    def happen(self, world: World) -> None:
        world.pass_steps(self.count)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Time passes."""

    count: float

    def happen(self, world: World) -> None:
        world.pass_time(self.count)


@dataclass(frozen=True, slots=True)
class Crash:
    """kill -9."""

    def happen(self, world: World) -> None:
        world.crash()


@dataclass(frozen=True, slots=True)
class Start:
    """A worker comes up, if there is none."""

    def happen(self, world: World) -> None:
        world.start()


@dataclass(frozen=True, slots=True)
class Rebalance:
    """The group moves partitions; `bound` is the drain's, in seconds."""

    bound: float
    moved: bool

    def happen(self, world: World) -> None:
        world.rebalance(self.bound, moved=self.moved)


@dataclass(frozen=True, slots=True)
class Renew:
    """The keys that routing keys are sealed with are rotated."""

    def happen(self, world: World) -> None:
        world.renew()


def asks(destinations: int, incidents: int) -> st.SearchStrategy[Ask]:
    return st.builds(
        Ask,
        destination=st.sampled_from(DESTINATIONS[:destinations]),
        incident=st.sampled_from(INCIDENTS[:incidents]),
        action=st.sampled_from(("trigger", "trigger", "acknowledge", "resolve", "resolve")),
        source=st.sampled_from((0, 0, 0, 1)),
        refused=st.sampled_from((False,) * 11 + (True,)),
    )


FAULTS = st.one_of(
    st.just(Crash()),
    st.just(Renew()),
    st.builds(Replay, source=st.integers(0, 1), count=st.integers(1, 5)),
    st.builds(
        Outage,
        destination=st.sampled_from(DESTINATIONS),
        kind=st.sampled_from(
            ("throttled_for", "broken", "broken_but_taken", "hanging", "hanging_but_taken", "cut_off")
        ),
        seconds=st.sampled_from((1.0, 20.0, 200.0)),
    ),
    st.builds(Rebalance, bound=st.sampled_from((0.0, 0.5, 8.0)), moved=st.booleans()),
)
TIME = st.one_of(st.builds(Steps, STEPS), st.builds(Seconds, SECONDS), st.just(Start()))

SETTINGS = st.builds(
    Settings,
    seed=st.integers(0, 2**32),
    limit=st.sampled_from((1, 2, 5, 1000)),
    in_flight=st.sampled_from((1, 2, 8)),
    share=st.sampled_from((1, 2)),
    withheld=st.sampled_from((0, 1, 3, 1000)),
    faults=st.sampled_from((0.0, 0.1, 0.5)),
    fold=st.sampled_from((0, 0, 1, 3)),
    slow_broker=st.sampled_from((0.0, 0.0, 0.2)),
)


@st.composite
def histories(draw: st.DrawFn) -> list[object]:
    """Up to forty things that happen, over one to three destinations with one to three incidents each."""
    ask = asks(draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    least = draw(st.sampled_from((0, 8, 20)))  # left alone, hypothesis makes lists of five
    return draw(st.lists(st.one_of(ask, ask, TIME, TIME, FAULTS), min_size=least, max_size=40))
