"""An assignment made for the process before: plain Faust ends the worker over its address, ours takes it over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor

from streams.kafka.assignor import ReturningAssignor

BEFORE, NOW, OTHER = "http://127.0.0.1:1001", "http://127.0.0.1:1002", "http://127.0.0.1:1003"
TOPICS = {"alerts": [0, 1]}


def assigned(assignor: type[PartitionAssignor]) -> PartitionAssignor:
    """An assignor that has been given what the process before it was given."""
    app: Any = SimpleNamespace(
        conf=SimpleNamespace(canonical_url=NOW), tables=SimpleNamespace(changelog_topics=frozenset())
    )
    given = assignor(app)
    metadata = ClientMetadata(
        assignment=ClientAssignment(actives=TOPICS, standbys={}),
        url=BEFORE,
        changelog_distribution={},
        external_topic_distribution={BEFORE: TOPICS, OTHER: {"alerts": [2]}},
        topic_groups={},
    )
    user_data = assignor._compress(metadata.dumps())
    given.on_assignment(ConsumerProtocolMemberAssignment(1, [("alerts", [0, 1])], user_data))
    return given


def test_plain_faust_ends_the_worker() -> None:
    with pytest.raises(AssertionError):
        assigned(PartitionAssignor)


def test_it_takes_its_place_under_its_own_address() -> None:
    given = assigned(ReturningAssignor)
    assert given.external_topics_metadata() == {NOW: TOPICS, OTHER: {"alerts": [2]}}
    assert {tp.partition for tp in given._active_tps} == {0, 1}
