"""Faust's assignor, for workers that come back under their instance id at another address.

A static member that returns within its session gets the assignment that the group already has, without a rebalance
(KIP-345). It bears the address that the process before it advertised, and Faust's assignor ends the worker over that.
"""

from __future__ import annotations

from typing import Any, cast

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor


class ReturningAssignor(PartitionAssignor):
    """Takes the place of the process before it in an assignment that was made for that one.

    The other members learn the new address with the next rebalance; until then they ask the old one.
    """

    def on_assignment(self, assignment: Any) -> None:
        """Take an assignment over, under the address that this process has."""
        metadata = cast(ClientMetadata, ClientMetadata.loads(self._decompress(assignment.user_data)))
        before, now = metadata.url, str(self._url)
        if before != now:
            metadata.url = now
            for distribution in (metadata.changelog_distribution, metadata.external_topic_distribution):
                if before in distribution:
                    distribution[now] = distribution.pop(before)
            assignment = ConsumerProtocolMemberAssignment(
                assignment.version, assignment.assignment, self._compress(metadata.dumps())
            )
        super().on_assignment(assignment)
