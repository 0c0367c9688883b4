"""SIGTERM while work is in flight: an end within the bound that loses nothing."""

from __future__ import annotations

import asyncio
import signal

import pytest
from faust_harness import Arena

pytestmark = pytest.mark.kafka

DRAIN_SECONDS = 1.0


async def test_sigterm_ends_within_the_bound_and_loses_nothing(arena: Arena) -> None:
    """One event in flight, for as long as its gate is shut.

    Plain Faust has two ways, and both are wrong: with `stream_wait_empty` it waits for the work without any bound,
    without it the event counts as done.
    """
    gate = arena.gate("open")
    who = {"plain waits": {"wait_empty": True}, "plain drops": {}, "safe": {"drain": DRAIN_SECONDS}}
    topics = {name: await arena.topic(name.replace(" ", "-")) for name in who}
    workers = {}
    for name, job in who.items():
        await arena.put(topics[name], "held", gate=str(gate))
        workers[name] = arena.start(name.split()[0], [topics[name]], group=topics[name], who=name, **job)
    for name in who:
        await arena.wait("begin", who=name, id="held")

    for worker in workers.values():
        worker.signal(signal.SIGTERM)
    assert await workers["safe"].ended() == 0, "it ends while its work is still held: the drain is bounded"
    assert not gate.exists()
    await workers["plain drops"].ended()
    assert workers["plain waits"].alive, "it would wait for as long as the work takes"
    assert arena.journal("cancelled", who="safe", id="held")
    assert arena.journal("cancelled", who="plain drops", id="held")
    assert await arena.committed(arena.group(topics["safe"]), topics["safe"]) in (None, 0)
    assert await arena.committed(arena.group(topics["plain drops"]), topics["plain drops"]) == 1

    gate.touch()
    await workers["plain waits"].ended()
    for name in ("plain drops", "safe"):
        arena.start(name.split()[0], [topics[name]], group=topics[name], who=f"{name} again")
        await arena.put(topics[name], "last")
    await asyncio.gather(*(arena.wait("done", who=f"{name} again", id="last") for name in ("plain drops", "safe")))
    assert arena.journal("done", who="safe again", id="held")
    assert not arena.journal("done", who="plain drops again", id="held"), "plain Faust lost the event for good"


async def test_work_that_ends_within_the_bound_is_finished_and_committed(arena: Arena) -> None:
    topic = await arena.topic("safe")
    await arena.put(topic, "short", seconds=1.0)
    worker = arena.start("safe", [topic], drain=10.0)
    await arena.wait("begin", id="short")
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    assert arena.journal("done", id="short")
    assert await arena.committed(arena.group("safe"), topic) == 1


async def test_nothing_begins_after_the_drain(arena: Arena) -> None:
    """Hundreds of events wait in the agents' buffer and behind full lanes; none of them may slip past the drain."""
    topic = await arena.topic("safe")
    for n in range(200):
        await arena.put(topic, f"e{n}", seconds=0.1 + 0.1 * (n % 7))
    worker = arena.start("safe", [topic], drain=5.0, lanes=10)
    await arena.wait("done", count=20)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    story = [entry["what"] for entry in arena.journal()]
    after = story[story.index("drain", story.index("ready")) :]
    assert "drained" in after
    assert "begin" not in after, "work that began after the drain was asked for"
    done = {entry["id"] for entry in arena.journal("done")}
    assert await arena.committed(arena.group("safe"), topic) == len(done)
