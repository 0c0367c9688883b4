"""Members that come and go under load: nothing lost, nothing out of order, nothing done twice without need."""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from faust_harness import Arena, until

pytestmark = pytest.mark.kafka

PARTITIONS = 4
KEYS = 40
EVERY_SECONDS = 0.01
TAKES_SECONDS = 0.03


@asynccontextmanager
async def load(arena: Arena, topic: str) -> AsyncIterator[list[str]]:
    """Produce events for as long as the block lasts; the list grows by the ids, `<key>-<number>`."""
    sent: list[str] = []

    async def produce() -> None:
        while True:
            number = len(sent)
            key = number % KEYS
            name = f"k{key}-{number}"
            await arena.put(topic, name, key=f"k{key}", partition=key % PARTITIONS, seconds=TAKES_SECONDS)
            sent.append(name)
            await asyncio.sleep(EVERY_SECONDS)

    task = asyncio.create_task(produce())
    try:
        yield sent
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def owners(arena: Arena, workers: Sequence[str], *, since: int) -> None:
    """Wait until these workers, and nobody else, have told to own all partitions, after line `since` of the journal."""

    def shared() -> bool:
        last = {entry["who"]: entry["owned"] for entry in arena.journal()[since:] if entry["what"] == "ready"}
        parts = [tuple(part) for who in workers for part in last.get(who, [])]
        return len(set(parts)) == PARTITIONS == len(parts)

    await until(shared, f"{workers} share the partitions", tell=arena.story)


def done(arena: Arena) -> set[str]:
    return {entry["id"] for entry in arena.journal("done")}


def redone(entries: Sequence[Mapping[str, Any]], *, forgive: str = "") -> list[str]:
    """Ids that were begun again although they had been done, except by the worker `forgive`, which was killed."""
    finished: set[str] = set()
    again = []
    for entry in entries:
        if entry["what"] == "begin" and entry["id"] in finished:
            again.append(entry["id"])
        elif entry["what"] == "done" and entry["who"] != forgive:
            finished.add(entry["id"])
    return again


def out_of_order(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Ids that were done for the first time after a later event of their key."""
    newest: dict[str, int] = defaultdict(lambda: -1)
    seen: set[str] = set()
    late = []
    for entry in entries:
        if entry["what"] == "done" and entry["id"] not in seen:
            seen.add(entry["id"])
            key, number = entry["id"].split("-")
            if int(number) < newest[key]:
                late.append(entry["id"])
            newest[key] = max(newest[key], int(number))
    return late


def trespasses(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Work that began or ended on a partition that another worker had been the last to announce as its own."""
    owner: dict[int, str] = {}
    found = []
    for entry in entries:
        if entry["what"] == "ready":
            owner |= {partition: entry["who"] for _topic, partition in entry["owned"]}
        elif entry["what"] in ("begin", "done") and owner.get(entry["partition"]) != entry["who"]:
            found.append(entry)
    return found


async def test_what_was_acknowledged_is_not_redone_when_a_worker_joins(arena: Arena) -> None:
    """Plain Faust forgets the acknowledgements since its last commit; here its commits are far apart."""
    topics = {app: await arena.topic(app, PARTITIONS) for app in ("plain", "safe")}
    job = {"partitions": PARTITIONS, "commit": 600.0, "drain": 5.0}
    for app, topic in topics.items():
        arena.start(app, [topic], who=f"{app} 1", **job)
    await asyncio.gather(*(arena.wait("ready", who=f"{app} 1") for app in topics))
    async with load(arena, topics["plain"]) as plain_sent, load(arena, topics["safe"]) as safe_sent:
        await until(lambda: len(done(arena)) > 300, "some work", tell=arena.story)
        for app, topic in topics.items():
            arena.start(app, [topic], who=f"{app} 2", **job)
        await asyncio.gather(*(arena.wait("ready", who=f"{app} 2") for app in topics))
        count = len(arena.journal("done"))
        await until(lambda: len(arena.journal("done")) > count + 200, "more work", tell=arena.story)
    assert plain_sent
    entries = arena.journal()
    plain = [entry for entry in entries if entry["who"].startswith("plain")]
    safe = [entry for entry in entries if entry["who"].startswith("safe")]
    await until(lambda: done_by(arena, "safe") >= set(safe_sent), "all work", tell=arena.story)
    assert len(redone(plain)) > 50
    assert redone(safe) == []
    assert trespasses(safe) == []


def done_by(arena: Arena, app: str) -> set[str]:
    return {entry["id"] for entry in arena.journal("done") if entry["who"].startswith(app)}


async def test_what_was_read_and_never_committed_comes_again_after_a_seek(arena: Arena) -> None:
    """The first records of a partition, nothing committed yet: plain Faust stays behind them, so they never return."""
    seek, gate = arena.gate("seek"), arena.gate("open")
    topics = {app: await arena.topic(app) for app in ("plain", "safe")}
    for who, topic in topics.items():
        await arena.put(topic, "held", gate=str(gate))
        arena.start(who, [topic], who=who, seek=str(seek))
    for who in topics:
        await arena.wait("begin", who=who, id="held")
    seek.touch()
    for who, topic in topics.items():
        await arena.wait("sought", who=who)
        await arena.put(topic, "later")
    gate.touch()
    for who in topics:
        await arena.wait("done", who=who, id="later")
    assert len(arena.journal("begin", who="plain", id="held")) == 1, "plain Faust has gone back after all"
    assert len(arena.journal("begin", who="safe", id="held")) == 2


async def test_churn(arena: Arena) -> None:
    """Joins, a SIGKILL, a SIGTERM and another join, all under load, on ours alone."""
    topic = await arena.topic("in", PARTITIONS)

    def start(who: str) -> Any:
        return arena.start("safe", [topic], who=who, partitions=PARTITIONS, table="rows", drain=5.0)

    await arena.topic("safe-rows-changelog", PARTITIONS, cleanup="compact")
    workers = {"a": start("a")}
    async with load(arena, topic) as sent:
        await owners(arena, ["a"], since=0)
        since = len(arena.journal())
        workers["b"] = start("b")
        workers["c"] = start("c")
        await owners(arena, ["a", "b", "c"], since=since)
        since = len(arena.journal())
        workers["a"].kill()
        await owners(arena, ["b", "c"], since=since)
        since = len(arena.journal())
        workers["b"].signal(signal.SIGTERM)
        workers["d"] = start("d")
        assert await workers["b"].ended() == 0
        await owners(arena, ["c", "d"], since=since)
        count = len(arena.journal("done"))
        await until(lambda: len(arena.journal("done")) > count + 100, "more work", tell=arena.story)
    await until(lambda: done(arena) >= set(sent), "all work", tell=arena.story)
    entries = arena.journal()
    assert workers["c"].alive
    assert workers["d"].alive
    assert out_of_order(entries) == []
    assert trespasses(entries) == []
    assert redone(entries, forgive="a") == []
