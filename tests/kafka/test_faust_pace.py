"""Fetches at a pace: which requests leave, which wait, and until when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import NodeNotReadyError

from streams.kafka.pace import pace


class Fetcher:
    """Stands for aiokafka's: two brokers that always have something to fetch."""

    def __init__(self) -> None:
        self.fails = False

    def _get_actions_per_node(self, _assignment: Any) -> tuple[Any, ...]:
        return [(1, "one"), (2, "two")], {3: "reset"}, 0.5, True, ["resumed"]

    async def _proc_fetch_request(self, _assignment: Any, _node_id: int, _request: Any) -> bool:
        if self.fails:
            raise NodeNotReadyError
        return True


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def fetcher(now: list[float]) -> Fetcher:
    fetcher = Fetcher()
    pace(fetcher, lambda: now[0], seconds=0.25)
    return fetcher


def test_the_first_fetch_leaves_at_once_with_all_else_as_it_was(fetcher: Fetcher) -> None:
    assert fetcher._get_actions_per_node(None) == ([(1, "one"), (2, "two")], {3: "reset"}, 0.5, True, ["resumed"])


def test_after_an_answer_the_next_fetch_from_that_broker_waits(fetcher: Fetcher, now: list[float]) -> None:
    assert asyncio.run(fetcher._proc_fetch_request(None, 1, "one"))
    requests, _, timeout, *_ = fetcher._get_actions_per_node(None)
    assert requests == [(2, "two")]
    assert timeout == 0.25
    now[0] += 0.2
    requests, _, timeout, *_ = fetcher._get_actions_per_node(None)
    assert requests == [(2, "two")]
    assert timeout == pytest.approx(0.05)
    now[0] += 0.0625
    requests, _, timeout, *_ = fetcher._get_actions_per_node(None)
    assert requests == [(1, "one"), (2, "two")]
    assert timeout == 0.5


def test_a_failed_fetch_is_answered_too(fetcher: Fetcher) -> None:
    fetcher.fails = True
    with pytest.raises(NodeNotReadyError):
        asyncio.run(fetcher._proc_fetch_request(None, 2, "two"))
    requests, *_ = fetcher._get_actions_per_node(None)
    assert requests == [(1, "one")]
