"""What is committed, and when: each fault on Faust as it comes, and its absence on Pagerline's layer."""

from __future__ import annotations

import asyncio

import pytest
from faust_harness import Arena

pytestmark = pytest.mark.kafka


async def test_commit_does_not_pass_work_in_flight(arena: Arena) -> None:
    """Event 0 is in flight, 1 to 6 are done; the worker is killed. Plain Faust has committed past event 0."""
    gate = arena.gate("open")
    topics = {app: await arena.topic(app, 2) for app in ("plain", "safe")}
    for topic in topics.values():
        await arena.put(topic, "held", gate=str(gate))
        await arena.put(topic, *(f"quick{n}" for n in range(6)))
    plain = arena.start("plain", [topics["plain"]], who="plain", partitions=2, concurrency=3)
    safe = arena.start("safe", [topics["safe"]], who="safe", partitions=2)
    for who in topics:
        await arena.wait("done", who=who, count=6)
        await arena.put(topics[who], "later", partition=1)  # its commit shows that a commit came after those six
        await arena.wait_committed(who, topics[who], 1, partition=1)
    plain.kill()
    safe.kill()
    assert await arena.committed(arena.group("plain"), topics["plain"]) == 7
    assert await arena.committed(arena.group("safe"), topics["safe"]) in (None, 0)

    gate.touch()
    for who, topic in topics.items():
        arena.start(who, [topic], who=f"{who} again", partitions=2, concurrency=3)
        await arena.put(topic, "last")
    await asyncio.gather(*(arena.wait("done", who=f"{who} again", id="last") for who in topics))
    assert not arena.journal("done", id="held", who="plain again"), "plain Faust lost the event for good"
    assert arena.journal("done", id="held", who="safe again")


async def test_an_exception_does_not_acknowledge(arena: Arena) -> None:
    """Event 1 of 3 fails once. Plain Faust counts it as done; ours ends with it uncommitted, and it comes again."""
    topics = {app: await arena.topic(app) for app in ("plain", "safe")}
    for who, topic in topics.items():
        await arena.put(topic, "first")
        await arena.put(topic, "failing", fail_once=str(arena.gate(f"{who} failed")))
        await arena.put(topic, "third")
    plain = arena.start("plain", [topics["plain"]], who="plain")
    safe = arena.start("safe", [topics["safe"]], who="safe")

    assert await safe.ended() == 1
    assert await arena.committed(arena.group("safe"), topics["safe"]) in (None, 1)
    await arena.wait_committed("plain", topics["plain"], 3)
    assert plain.alive
    assert [entry["id"] for entry in arena.journal("done", who="plain")] == ["first", "third"]
    plain.kill()

    for who, topic in topics.items():
        arena.start(who, [topic], who=f"{who} again")
        await arena.put(topic, "last")
    await asyncio.gather(*(arena.wait("done", who=f"{who} again", id="last") for who in topics))
    assert not arena.journal("done", id="failing", who="plain again"), "plain Faust lost the event for good"
    assert arena.journal("done", id="failing", who="safe again")


async def test_acknowledged_only_when_the_changelog_record_is_confirmed(arena: Arena) -> None:
    """A changelog that refuses the write, for a while. Plain Faust commits the source all the same."""
    topics = {app: await arena.topic(app, 2) for app in ("plain", "safe")}
    changelogs = {
        app: await arena.topic(f"{app}-rows-changelog", 2, cleanup="compact", max_message_bytes="200")
        for app in ("plain", "safe")
    }
    for topic in topics.values():
        await arena.put(topic, "row", padding="x" * 300)
    plain = arena.start("plain", [topics["plain"]], who="plain", partitions=2, table="rows")
    safe = arena.start("safe", [topics["safe"]], who="safe", partitions=2, table="rows")
    assert await safe.ended() == 1
    assert await arena.committed(arena.group("safe"), topics["safe"]) in (None, 0)
    await arena.wait_committed("plain", topics["plain"], 1)
    plain.kill()

    for changelog in changelogs.values():
        await arena.configure(changelog, max_message_bytes="1000000")
    for who, topic in topics.items():
        arena.start(who, [topic], who=f"{who} again", partitions=2, table="rows")
        await arena.put(topic, "last", partition=1)
    await asyncio.gather(*(arena.wait("done", who=f"{who} again", id="last") for who in topics))
    await arena.wait_committed("safe", topics["safe"], 1)
    assert await arena.keys(changelogs["plain"]) == [], "plain Faust lost the row for good"
    assert await arena.keys(changelogs["safe"]) == ["row"]
