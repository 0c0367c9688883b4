"""Workers of one group with different stages: what Faust's assignor makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from faust.assignor.partition_assignor import PartitionAssignor
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.topology import STAGES, Topology

PARTITIONS = 8
TOPOLOGY = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=PARTITIONS))
TABLES = dict(zip(STAGES, TOPOLOGY.changelogs(), strict=True))


class Cluster:
    """Every topic has as many partitions."""

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(range(PARTITIONS))


class Member:
    """A worker as far as its assignor goes."""

    def __init__(self, name: str, stages: Iterable[str]) -> None:
        self.stages = tuple(stages)
        tables = SimpleNamespace(data={}, changelog_topics={TABLES[stage] for stage in self.stages})
        sensors = SimpleNamespace(
            on_assignment_start=lambda *_: None,
            on_assignment_error=lambda *_: None,
            on_assignment_completed=lambda *_: None,
        )
        app = SimpleNamespace(
            tables=tables, tracer=None, sensors=sensors, conf=SimpleNamespace(canonical_url=f"http://{name}")
        )
        self.assignor = PartitionAssignor(app)

    @property
    def topics(self) -> set[str]:
        return {topic for stage in self.stages for topic in (*TOPOLOGY.stages()[stage], TABLES[stage])}

    def owned(self, topic: str) -> set[int]:
        return {tp.partition for tp in self.assignor.assigned_actives() if tp.topic == topic}


def rebalance(members: Mapping[str, Member], leader: str) -> None:
    metadata: Any = {name: member.assignor.metadata(member.topics) for name, member in members.items()}
    assignments = members[leader].assignor.assign(Cluster(), metadata)
    for name, member in members.items():
        member.assignor.on_assignment(assignments[name])


def check(members: Mapping[str, Member]) -> None:
    """Each stage that somebody runs is shared out whole, and a worker owns one partition of all its topics alike."""
    for stage in STAGES:
        running = [member for member in members.values() if stage in member.stages]
        for member in members.values():
            owned = [member.owned(topic) for topic in (*TOPOLOGY.stages()[stage], TABLES[stage])]
            assert all(one == owned[0] for one in owned)
            assert stage in member.stages or not owned[0]
        shared = sorted(partition for member in running for partition in member.owned(TOPOLOGY.stages()[stage][0]))
        assert shared == (list(range(PARTITIONS)) if running else [])


@pytest.mark.parametrize("leader", ["r", "d", "all"])
def test_a_worker_gets_partitions_of_its_own_stages_alone(leader: str) -> None:
    members = {
        "r": Member("r", ["route"]),
        "d": Member("d", ["dispatch", "project"]),
        "all": Member("all", STAGES),
        "e": Member("e", ["dispatch"]),
    }
    rebalance(members, leader)
    check(members)
    assert len(members["d"].owned(TOPOLOGY.outbox)) >= 2


stages = st.sets(st.sampled_from(STAGES), min_size=1)


@settings(deadline=None)
@given(st.lists(st.one_of(stages, st.integers(0, 9)), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_workers_of_any_stages_may_come_and_go(story: list[Any], random: Any) -> None:
    members: dict[str, Member] = {}
    for number, step in enumerate(story):
        if isinstance(step, int):
            if members:
                del members[sorted(members)[step % len(members)]]
        else:
            members[f"m{number}"] = Member(f"m{number}", step)
        if members:
            rebalance(members, random.choice(sorted(members)))
            check(members)
