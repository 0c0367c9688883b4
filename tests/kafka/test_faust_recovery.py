"""Tables after a start or a takeover: exactly the confirmed rows of the partitions that are owned, and never a hang."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from faust_harness import Arena, never, until

pytestmark = pytest.mark.kafka

GRACE_SECONDS = 3.0
"""What plain Faust gets after ours is done, which started at the same moment."""


async def start_both(arena: Arena, prepared: dict[str, str]) -> dict[str, str]:
    """Start a plain and a safe worker, each on a topic and the changelog made before; returns the topics."""
    topics = {app: await arena.topic(app) for app in prepared}
    for app, topic in topics.items():
        arena.start(app, [topic], who=app, table="rows")
        await arena.put(topic, "event")
    return topics


async def test_a_changelog_that_ends_in_a_transaction_marker(arena: Arena) -> None:
    """The last offset holds no record. Plain Faust waits for it until another record happens to come."""
    changelogs = {app: await arena.topic(f"{app}-rows-changelog", cleanup="compact") for app in ("plain", "safe")}
    writer = AIOKafkaProducer(bootstrap_servers=arena.brokers, transactional_id=arena.prefix)
    await writer.start()
    async with writer.transaction():
        for changelog in changelogs.values():
            await writer.send(changelog, b"1", b"one", 0)
            await writer.send(changelog, b"2", b"two", 0)
    await writer.stop()
    await start_both(arena, changelogs)
    ready = await arena.wait("ready", who="safe")
    assert ready["rows"] == {"one": "1", "two": "2"}
    await arena.wait("done", who="safe", id="event")
    await never(lambda: arena.journal("done", who="plain"), seconds=GRACE_SECONDS, tell=arena.story)
    await arena.put(changelogs["plain"], "three")
    await arena.wait("done", who="plain", id="event")


async def test_a_changelog_whose_records_were_all_deleted(arena: Arena) -> None:
    changelog = await arena.topic("safe-rows-changelog", cleanup="compact,delete")
    await arena.put(changelog, "one", "two")
    await arena.delete_records(changelog, 2)
    topic = await arena.topic("safe")
    await arena.put(topic, "event")
    arena.start("safe", [topic], who="safe", table="rows")
    assert (await arena.wait("ready"))["rows"] == {}
    await arena.wait("done", id="event")


async def test_takeover_restores_the_confirmed_rows_and_drops_those_given_away(arena: Arena) -> None:
    """One worker writes rows, a second one joins, the first is killed with a row unconfirmed."""
    partitions = 4
    gate = arena.gate("never")
    topics = {app: await arena.topic(app, partitions) for app in ("plain", "safe")}
    job = {"partitions": partitions, "table": "rows", "commit": 0.2}
    expected = {f"key{n}": n % partitions for n in range(12)}
    for app, topic in topics.items():
        await arena.topic(f"{app}-rows-changelog", partitions, cleanup="compact")
        for key, partition in expected.items():
            await arena.put(topic, f"old {key}", key=key, partition=partition)
            await arena.put(topic, f"new {key}", key=key, partition=partition)
        arena.start(app, [topic], who=f"{app} first", **job)
    for app in topics:
        await asyncio.gather(*(arena.wait("done", who=f"{app} first", id=f"new {key}") for key in expected))
    await arena.wait("written", who="safe first", count=2 * len(expected))

    for app, topic in topics.items():
        arena.start(app, [topic], who=f"{app} second", **job)
    await asyncio.gather(
        *(arena.wait("ready", who=f"{app} first", count=2) for app in topics),
        *(arena.wait("ready", who=f"{app} second") for app in topics),
    )
    for who in ("safe first", "safe second"):
        last = arena.journal("ready", who=who)[-1]
        owned = {partition for _topic, partition in last["owned"]}
        assert len(owned) == partitions / 2
        assert sorted(last["rows"]) == sorted(key for key, partition in expected.items() if partition in owned)
        assert all(value.startswith('{"id": "new ') for value in last["rows"].values())
    kept = arena.journal("ready", who="plain first")[-1]
    assert len(kept["owned"]) == partitions / 2
    assert sorted(kept["rows"]) == sorted(expected), "plain Faust still shows the rows it has given away"

    owned_by_first = arena.journal("ready", who="safe first")[-1]["owned"][0][1]
    await arena.put(topics["safe"], "unconfirmed", key="held", partition=owned_by_first, gate=str(gate))
    await arena.wait("begin", who="safe first", id="unconfirmed")
    next(worker for worker in arena.workers if worker.who == "safe first").kill()
    await until(
        lambda: len(arena.journal("ready", who="safe second")[-1]["owned"]) == partitions, "takeover", tell=arena.story
    )
    assert sorted(arena.journal("ready", who="safe second")[-1]["rows"]) == sorted(expected)
    await arena.wait("begin", who="safe second", id="unconfirmed")
