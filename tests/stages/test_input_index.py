"""The index of inputs: what it tells, how many share a record, and when they are acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from streams import input_index
from streams.events import Event, Source, dedup_key_of, read_event
from streams.input_index import Entry, entry_of, named, needle, record_of
from streams.stages import index
from streams.stages.index import InputIndex


def event(offset: int = 17, grouping_key: str = "gk", **more: Any) -> Event:
    document = {"alert": {"groupingKey": grouping_key, "status": "Triggered", **more}}
    read = read_event("alert", orjson.dumps(document), Source("alerts", 3, offset, 1_000 + offset))
    assert isinstance(read, Event)
    return read


def test_an_input_is_found_by_all_its_names_and_no_other() -> None:
    long = "x" * 300
    events = [event(1, id="id-1"), event(2, id=5), event(3, long, id='id "3" é'), event(4, "id-4", id="id-4")]
    value = record_of(map(entry_of, events))
    first, third = (
        Entry("alert:gk", "alerts/3/1", 1_001, "id-1", None),
        Entry(f"alert:{long}", "alerts/3/3", 1_003, 'id "3" é', dedup_key_of(long)),
    )
    assert orjson.loads(value)["v"] == 1
    for entry, names in ((first, ["alerts/3/1", "id-1"]), (third, ["alerts/3/3", 'id "3" é', dedup_key_of(long)])):
        for name in names:
            assert needle(name) in value
            assert list(named(value, name)) == [entry]
    assert [list(named(value, name)) for name in ("id", "5", "alerts/3", "id-4")] == [[], [], [], []]


def test_a_name_beyond_any_bound_is_left_out() -> None:
    assert len(entry_of(event(id="x" * 900_000))) < 100
    assert len(entry_of(event(1, "\U0001f600" * 2_048, id="\x01" * 2_048))) < 40_000


class Broker:
    """Confirms records when it is told to."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.confirm = asyncio.Event()
        self.error: Exception | None = None

    async def send_and_wait(self, topic: str, key: bytes | None, value: bytes) -> None:
        assert (topic, key) == ("input-index", None)
        self.values.append(value)
        await self.confirm.wait()
        if self.error is not None:
            raise self.error


def made(broker: Broker, crashes: list[BaseException]) -> tuple[InputIndex, list[int], Callable[[int], None]]:
    written, acked = InputIndex(broker, "input-index", crashes.append), []  # type: ignore[arg-type]

    def note(offset: int) -> None:
        written.note(event(offset), lambda: acked.append(offset))

    return written, acked, note


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_nothing_is_acknowledged_before_the_broker_has_its_entry() -> None:
    broker, crashes = Broker(), list[BaseException]()
    written, acked, note = made(broker, crashes)
    note(1)
    note(2)
    await written.flush(0.0)
    assert (len(broker.values), acked) == (1, [])
    assert [one.source for name in ("alerts/3/1", "alerts/3/2") for one in named(broker.values[0], name)] == [
        "alerts/3/1",
        "alerts/3/2",
    ]
    note(3)
    broker.confirm.set()
    await written.flush(1.0)
    assert (len(broker.values), acked, crashes) == (2, [1, 2, 3], [])


async def test_a_full_record_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MOST", 3)
    broker = Broker()
    broker.confirm.set()
    _, acked, note = made(broker, [])
    for offset in range(7):
        note(offset)
    await turns()
    assert (len(broker.values), acked) == (2, [0, 1, 2, 3, 4, 5])


async def test_large_entries_do_not_make_a_record_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MOST_BYTES", 100)
    broker = Broker()
    broker.confirm.set()
    _, acked, note = made(broker, [])
    for offset in range(6):
        note(offset)
    await turns()
    assert (len(broker.values), len(acked)) == (2, 6)


async def test_a_short_record_is_written_after_a_moment() -> None:
    broker = Broker()
    broker.confirm.set()
    _, acked, note = made(broker, [])
    note(1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not acked:
        await asyncio.sleep(0.01)
        assert loop.time() - began < 30
    assert acked == [1]


async def test_a_record_that_cannot_be_written_stops_the_worker() -> None:
    broker, crashes = Broker(), list[BaseException]()
    broker.error = RuntimeError("refused")
    broker.confirm.set()
    written, acked, note = made(broker, crashes)
    note(1)
    await written.flush(1.0)
    await turns()
    assert ([str(one) for one in crashes], acked) == (["refused"], [])


def test_entries_of_a_later_version_are_read_as_far_as_they_are_known() -> None:
    value = b'{"v":2,"more":1,"inputs":[["alert:gk","alerts/3/1",5,"id",null,"new"]]}'
    assert list(input_index.named(value, "id")) == [Entry("alert:gk", "alerts/3/1", 5, "id", None)]
