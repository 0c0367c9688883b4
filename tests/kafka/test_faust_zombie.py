"""Workers that look alive and are not: stopped and woken, or out of their group."""

from __future__ import annotations

import json
import signal

import pytest
from faust_harness import Arena, Recorder, until

pytestmark = pytest.mark.kafka


async def test_a_stopped_worker_sends_nothing_stale_when_it_wakes(arena: Arena) -> None:
    """A worker is stopped in the middle of its work until another one has taken over, and is then woken.

    While it works it tells an HTTP server and a topic, all the time. Plain Faust goes on telling both. Ours tells
    nobody anything any more and ends itself.
    """
    gate = arena.gate("never")
    topics = {app: await arena.topic(app) for app in ("plain", "safe")}
    outs = {app: await arena.topic(f"{app}-out") for app in ("plain", "safe")}
    with Recorder() as recorder:
        job = {"recorder": recorder.url, "wait_empty": False}
        first = {}
        for app, topic in topics.items():
            await arena.put(topic, "long", gate=str(gate))
            first[app] = arena.start(app, [topic], who=f"{app} first", out=outs[app], **job)
        for app in topics:
            await until(lambda app=app: recorder.count(f"{app} first") > 3, "first sends", tell=arena.story)
        for worker in first.values():
            worker.signal(signal.SIGSTOP)
        second = {
            app: arena.start(app, [topic], who=f"{app} second", out=outs[app], **job) for app, topic in topics.items()
        }
        for app in topics:
            await until(lambda app=app: recorder.count(f"{app} second") > 3, "second sends", tell=arena.story)

        before = {app: recorder.count(f"{app} first") for app in topics}
        for worker in first.values():
            worker.signal(signal.SIGCONT)
        assert await first["safe"].ended() == 1
        await until(lambda: recorder.count("plain first") > before["plain"], "plain Faust sends stale requests")
        assert recorder.count("safe first") == before["safe"]
        taken_over = recorder.count("safe second")
        await until(lambda: recorder.count("safe second") > taken_over + 3, "the second goes on", tell=arena.story)
        assert second["safe"].alive

        senders = {
            app: [json.loads(value or b"")["who"] for _, value in await arena.records(outs[app])] for app in topics
        }
    for app, names in senders.items():
        since = names.index(f"{app} second")
        stale = names[since:].count(f"{app} first")
        assert (stale > 0) == (app == "plain"), f"{app}: {stale} records of the first after the second's first"


async def test_a_worker_that_the_coordinator_refuses_ends_itself(arena: Arena) -> None:
    """A group error that aiokafka parks for a caller that Faust never is. Plain Faust stays alive, out of its group."""
    inject = arena.gate("inject")
    topics = {app: await arena.topic(app) for app in ("plain", "safe")}
    workers = {app: arena.start(app, [topic], who=app, inject=str(inject)) for app, topic in topics.items()}
    for app, topic in topics.items():
        await arena.put(topic, "before")
        await arena.wait("done", who=app, id="before")
    inject.touch()
    assert await workers["safe"].ended() == 1
    assert "refused" in workers["safe"].log()

    await until(lambda: empty(arena, "plain"), "the broker drops the member", tell=arena.story)
    await arena.put(topics["plain"], "after")
    await arena.put(topics["safe"], "after")
    arena.start("safe", [topics["safe"]], who="safe again")
    await arena.wait("done", who="safe again", id="after")
    assert workers["plain"].alive
    assert not arena.journal("done", who="plain", id="after")
    assert await empty(arena, "plain"), "plain Faust stays out for good"


async def test_a_worker_whose_membership_was_taken_ends_at_once(arena: Arena) -> None:
    """Its member id is removed from the group, as an operator's tool or an expired session does."""
    topic = await arena.topic("safe")
    gate = arena.gate("open")
    await arena.put(topic, "held", gate=str(gate))
    with Recorder() as recorder:
        worker = arena.start("safe", [topic], who="first", recorder=recorder.url)
        await until(lambda: recorder.count("first") > 3, "first sends", tell=arena.story)
        await arena.evict("safe")
        assert await worker.ended() == 1
    assert "no longer knows this worker" in worker.log()
    gate.touch()
    arena.start("safe", [topic], who="second")
    await arena.wait("done", who="second", id="held")


async def empty(arena: Arena, group: str) -> bool:
    """Whether the group has no member."""
    return not await arena.members(arena.group(group))
