"""Writing documents: by two editors at once, in bulk, and by a writer that is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from documents_story import connector, integration, preset, router

from streams.documents.changes import Changes, plan_changes, plan_deletion
from streams.documents.document import Document
from streams.documents.log import DocumentLog
from streams.documents.router import Target
from streams.documents.secrets import new_key
from streams.documents.snapshot import Snapshot
from streams.errors import DocumentError, DocumentsChanged, SecretError, TopicMismatch
from streams.kafka.topics import TopicSpec, ensure_topics
from streams.settings import Settings

WITHIN = 30.0
"""Seconds that a test waits before it fails; what it waits for takes milliseconds."""


@pytest.fixture
async def settings(pagerline_kafka: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings that lead to a topic of this test's own."""
    return await make_settings(pagerline_kafka.bootstrap, monkeypatch, tmp_path)


async def make_settings(
    brokers: str,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    partitions: int = 1,
    config: Mapping[str, str] = MappingProxyType({}),
) -> Settings:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PAGERLINE_BROKERS", brokers)
    monkeypatch.setenv("PAGERLINE_PREFIX", f"t{uuid.uuid4().hex[:12]}.")
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
    settings = Settings()
    spec = TopicSpec(settings.topic("connectors"), partitions, "compact", config)
    await ensure_topics([spec], replication=1, options={"bootstrap_servers": brokers})
    return settings


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[DocumentLog]:
    async with DocumentLog(settings) as log:
        yield log


async def apply(log: DocumentLog, *documents: Document, by: str = "test") -> Snapshot:
    return await log.write(plan_changes(await log.read(), documents), by=by)


async def until(log: DocumentLog, holds: Callable[[Snapshot], bool]) -> Snapshot:
    async with asyncio.timeout(WITHIN):
        while not holds(log.snapshot):
            await log.follower.changed()
    return log.snapshot


async def test_an_apply_is_one_revision_and_all_who_follow_see_it(settings: Settings, log: DocumentLog) -> None:
    async with DocumentLog(settings) as other:
        written = await apply(log, integration(), connector(), preset(), router())
        assert written.revision == 1
        seen = await until(other, lambda now: now.revision == 1)
        assert seen.documents == written.documents
        assert seen.routers["team"].version == 1
        await log.write(plan_deletion(await log.read(), "router", "team"), by="test")
        assert (await other.read()).routers == {}


async def test_nothing_to_change_writes_nothing(log: DocumentLog) -> None:
    await apply(log, connector())
    assert (await apply(log, connector())).revision == 1


async def test_changes_planned_from_documents_that_have_changed_are_refused(settings: Settings) -> None:
    async with DocumentLog(settings) as ann, DocumentLog(settings) as bob:
        from_ann = plan_changes(await ann.read(), [connector(name="Ann's")])
        from_bob = plan_changes(await bob.read(), [connector(name="Bob's")])
        await bob.write(from_bob, by="bob")
        with pytest.raises(DocumentsChanged, match=r"from revision 0 to 1 \(by bob\)"):
            await ann.write(from_ann, by="ann")
        assert (await ann.read()).connectors["payments"].name == "Bob's"


async def test_of_two_who_write_at_the_same_moment_one_is_told(settings: Settings) -> None:
    """Both have looked and found nothing new; their batches stand in the topic one behind the other."""
    async with DocumentLog(settings) as ann, DocumentLog(settings) as bob:
        plans = [
            plan_changes(await log.read(), [connector(name=who), connector(who)])
            for log, who in ((ann, "ann"), (bob, "bob"))
        ]
        both_looked = asyncio.Barrier(2)
        for log in (ann, bob):
            meet_before_writing(log, both_looked)
        outcomes = await asyncio.gather(
            ann.write(plans[0], by="ann"), bob.write(plans[1], by="bob"), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["DocumentsChanged", "Snapshot"]
        winner = "ann" if isinstance(outcomes[0], Snapshot) else "bob"
        for log in (ann, bob):
            snapshot = await log.read()
            assert snapshot.connectors["payments"].name == winner
            assert sorted(snapshot.connectors) == sorted(["payments", winner])
            assert snapshot.strays == frozenset()  # the other has written what holds over its own
        async with DocumentLog(settings) as later:
            assert later.snapshot.documents == ann.snapshot.documents


def meet_before_writing(log: DocumentLog, meeting: asyncio.Barrier) -> None:
    """Make a writer wait for the others once it has looked whether something is new."""
    started = log._started_producer
    met: list[bool] = []

    async def start() -> Any:
        if not met:
            met.append(True)
            await meeting.wait()
        return await started()

    log._started_producer = start  # type: ignore[method-assign]


async def test_stored_secrets_that_cannot_be_opened_stop_a_writer(
    settings: Settings, log: DocumentLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply(log, connector())
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
    async with DocumentLog(Settings()) as other:
        with pytest.raises(SecretError, match="does not open connector/payments"):
            await apply(other, connector("more"))
        await other.write(plan_changes(await other.read(), [connector("more")]), by="test", force=True)
    assert "connector/more" in (await log.read()).problems


async def test_a_topic_of_several_partitions_is_only_read(
    pagerline_kafka: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = await make_settings(pagerline_kafka.bootstrap, monkeypatch, tmp_path, partitions=3)
    async with DocumentLog(settings) as log:
        with pytest.raises(TopicMismatch, match="has 3 partitions"):
            await apply(log, connector())


async def test_thousands_of_documents_are_one_apply(settings: Settings, log: DocumentLog) -> None:
    template = "{# " + "long " * 100 + "#}{{ alertDef.entityLabels.key }}"
    many: list[Document] = [connector(f"c{number}", template) for number in range(3_000)]
    many += [router(f"r{number}", Target(f"c{number}")) for number in range(500)]
    changes = Changes(0, plan_changes(log.snapshot, many).changes)
    assert (await log.write(changes, by="test")).revision == 1
    async with DocumentLog(settings) as other:
        assert (len(other.snapshot.connectors), len(other.snapshot.routers)) == (3_000, 500)


WRITER = """
import asyncio, os, sys
from documents_story import connector
from streams.documents.changes import plan_changes
from streams.documents.log import DocumentLog
from streams.settings import Settings

async def main():
    number = 0
    async with DocumentLog(Settings()) as log:
        while True:
            number += 1
            documents = [connector(f"c{one}", name=f"name {number}") for one in range(200)]
            await log.write(plan_changes(await log.read(), documents), by="writer")
            print(number, flush=True)

asyncio.run(main())
"""


async def test_a_writer_that_is_killed_leaves_whole_applies_only(settings: Settings, log: DocumentLog) -> None:
    for written in (1, 2, 3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(WITHIN):
            for _ in range(written):
                await process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        await process.wait()
        names = {one.name for one in (await log.read()).connectors.values()}
        assert len(names) == 1
        assert len(log.snapshot.connectors) == 200


@pytest.mark.kafka
async def test_more_than_a_topic_takes_is_refused_and_nothing_written(
    pagerline_apache_kafka: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = await make_settings(
        pagerline_apache_kafka.bootstrap, monkeypatch, tmp_path, config={"max.message.bytes": "3000"}
    )
    async with DocumentLog(settings) as log:
        with pytest.raises(DocumentError, match=r"more than the topic takes at once.*raise max\.message\.bytes"):
            await apply(log, *(connector(f"c{number}", f"{number:032d}") for number in range(50)))
        assert (await apply(log, connector())).revision == 1
        assert list(log.snapshot.connectors) == ["payments"]
