"""Dead letters sealed anew: those that stand and need an older key, each behind itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import orjson

from streams.documents.renewal import Renewal
from streams.documents.secrets import Cipher, new_key
from streams.replay.letters import Folder, Letter, Result, settled
from streams.replay.topics import Topics
from streams.rotation.letters import Old, old_letters
from streams.stages.headers import RENEWED
from streams.topology import Topology

OLD, NEW = new_key(), new_key()
RENEWAL = Renewal(Cipher([NEW, OLD]))
TOPOLOGY = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=1))


def letter(name: str, key: str | None, at: int = 5, replay: str | None = None) -> bytes:
    return orjson.dumps(
        {
            "id": name,
            "stage": "dispatch",
            "reason": {"type": "unknown_routing_key", "message": "", "path": ""},
            "source": {"topic": "alerts", "partition": 0, "offset": 1, "timestamp": 1, "key": "gk"},
            "destination": "key:1",
            "incident": "alert:gk",
            "action": "trigger",
            "at": at,
            "replay": replay,
            "outbox": None if key is None else {"routing_key": Cipher([key]).seal("x")},
        }
    )


class Scan:
    """A topic of one partition."""

    def __init__(self, *values: bytes | None) -> None:
        self._values = values

    async def ends(self, topics: list[str]) -> Any:
        assert topics == ["dead-letters"]
        return {}

    async def until(self, ends: Any) -> AsyncIterator[Any]:
        for offset, value in enumerate(self._values):
            yield SimpleNamespace(partition=3, offset=offset, key=b"gk", value=value)


async def found(*values: bytes | None) -> list[Old]:
    return await old_letters(Scan(*values), TOPOLOGY, RENEWAL)  # type: ignore[arg-type]


async def test_those_that_need_an_older_key() -> None:
    values = [letter("a", OLD), letter("b", NEW), letter("c", None), b"no letter", None]
    assert await found(*values) == [Old(values[0] or b"", 3, b"gk")]


async def test_what_has_been_sealed_anew_is_not_found_again() -> None:
    old = letter("a", OLD)
    renewed = RENEWAL.value(old)
    assert renewed is not None
    assert await found(old, renewed) == []
    assert await found(old, letter("a", OLD, at=9), letter("a", NEW, at=9)) == []


async def test_one_that_went_on_under_another_id_is_not_needed() -> None:
    assert await found(letter("a", OLD), letter("b", NEW, at=9, replay="a")) == []


def test_a_renewed_letter_stands_in_the_place_of_the_old_and_as_settled_as_it() -> None:
    old = letter("a", OLD)
    folder = Folder()
    for value in (old, RENEWAL.value(old) or b""):
        folder.add(Letter.read(value))
    (stands,) = folder.letters()
    assert RENEWAL.value(stands.value) is None
    ((entry),) = settled([stands], [Result("a", "delivered", "delivered", 7)])
    assert entry.replayed is not None


def test_a_renewed_letter_is_no_news_to_who_waits_for_its_replay() -> None:
    topics = Topics(TOPOLOGY, {}, None)  # type: ignore[arg-type]
    value = letter("a", NEW, replay="a")
    for headers, news in ([(RENEWED, b"")], False), ([], True):
        record = SimpleNamespace(topic="dead-letters", partition=0, offset=1, value=value, headers=headers)
        assert (topics._result(record) is not None) is news
