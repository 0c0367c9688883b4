"""What still needs an older key, folded from records; and which key the workers seal with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from streams.documents.renewal import Renewal
from streams.documents.secrets import Cipher, key_id, new_key
from streams.errors import KafkaUnavailable, PagerlineError
from streams.rotation.members import Member, client_id, members, read_client_id
from streams.rotation.remains import Rows, Waiting
from streams.rotation.rotate import _same_key

OLD, NEW, LOST = new_key(), new_key(), new_key()
RENEWAL = Renewal(Cipher([NEW, OLD]))


def record(key: str | None, *, name: bytes = b"k", offset: int = 0, partition: int = 0, topic: str = "outbox") -> Any:
    """A record sealed with this key; None: without a value."""
    value = None if key is None else orjson.dumps({"routing_key": Cipher([key]).seal("x")})
    return SimpleNamespace(topic=topic, partition=partition, offset=offset, key=name, value=value)


def test_the_newest_record_of_a_key_counts() -> None:
    rows = Rows(RENEWAL)
    for one in (record(OLD), record(OLD, partition=1), record(OLD, name=b"l"), record(LOST, name=b"m")):
        rows.take(one)
    assert (len(rows), len(rows.locked)) == (3, 1)
    rows.take(record(NEW))
    rows.take(record(None, partition=1))
    rows.take(record(NEW, name=b"m"))
    assert (rows.older, rows.locked) == ({(0, b"l")}, set())


def test_what_is_committed_does_not_wait() -> None:
    waiting = Waiting(RENEWAL)
    for offset, key in enumerate((OLD, NEW, OLD, OLD)):
        waiting.take(record(key, offset=offset))
    waiting.take(record(OLD, partition=1))
    assert len(waiting) == 4
    waiting.committed({TopicPartition("outbox", 0): 3, TopicPartition("outbox", 2): 9})
    assert len(waiting) == 2
    waiting.committed({TopicPartition("outbox", 0): 4, TopicPartition("outbox", 1): 1})
    assert len(waiting) == 0


def test_a_worker_names_its_key_in_its_client_id() -> None:
    assert read_client_id(client_id(Cipher([NEW, OLD]))) == key_id(NEW)
    assert [read_client_id(other) for other in ("faust-0.15.3", "pagerline-", "pagerline")] == [None] * 3


class Admin:
    """A coordinator that knows these client ids."""

    def __init__(self, *clients: str, code: int = 0) -> None:
        found = [(f"{client}-1", client, f"/10.0.0.{number}", b"", b"") for number, client in enumerate(clients)]
        self._answer = SimpleNamespace(groups=[(code, "pagerline", "Stable", "consumer", "faust", found)])

    async def describe_consumer_groups(self, groups: list[str]) -> list[Any]:
        return [self._answer]


async def test_workers_with_another_key_are_named() -> None:
    found = await members(Admin(client_id(Cipher([NEW])), client_id(Cipher([OLD])), "faust-0.15.3"), "pagerline")
    assert found == [Member("10.0.0.0", key_id(NEW)), Member("10.0.0.1", key_id(OLD)), Member("10.0.0.2", None)]
    with pytest.raises(PagerlineError) as refused:
        _same_key(found, key_id(NEW))
    assert f"the one on 10.0.0.1 with {key_id(OLD)}" in str(refused.value)
    assert "10.0.0.2 with one that it does not name" in str(refused.value)
    assert "10.0.0.0" not in str(refused.value)
    _same_key(found[:1], key_id(NEW))


async def test_brokers_that_do_not_say_are_an_error() -> None:
    with pytest.raises(KafkaUnavailable, match="describing the group must be allowed"):
        await members(Admin(code=30), "pagerline")


def test_brokers_that_tell_nothing_of_workers_are_named() -> None:
    with pytest.raises(PagerlineError, match="do not say which key each worker has"):
        _same_key([Member("", None), Member("", None)], key_id(NEW))
