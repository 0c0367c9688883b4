"""A small arena for tests against a real Kafka: topics, workers as processes, what they did, what is committed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.protocol.group import LeaveGroupRequest

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[2]

PATIENCE_SECONDS = 60.0
"""Bound of every wait: many times what a slow machine needs."""

POLL_SECONDS = 0.05


async def until(
    condition: Callable[[], Any], what: str, *, seconds: float = PATIENCE_SECONDS, tell: Callable[[], str] = str
) -> Any:
    """Wait until `condition()` (or what it returns, awaited) is true, and return it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}\n{tell()}")
        await asyncio.sleep(POLL_SECONDS)


async def never(condition: Callable[[], Any], *, seconds: float, tell: Callable[[], str] = str) -> None:
    """Watch for `seconds` that `condition()` stays false: the only way to see that something does not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert not condition(), tell()
        await asyncio.sleep(POLL_SECONDS)


@dataclass
class Worker:
    """One worker process; `who` is its name in the journal."""

    who: str
    process: subprocess.Popen[bytes]
    stderr: Path

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    @property
    def alive(self) -> bool:
        return self.exit_code is None

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self.alive:
            self.process.kill()
        self.process.wait()

    async def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait until the process has ended; returns its exit code."""
        await until(lambda: not self.alive, f"{self.who} ends", seconds=seconds, tell=self.log)
        assert self.exit_code is not None
        return self.exit_code

    def log(self) -> str:
        return self.stderr.read_text()


class Recorder:
    """A local HTTP server that notes who asked for what, in order of arrival."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                heard.append((body.get("who") or body["event_action"], body.get("id") or body["dedup_key"]))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, who: str) -> int:
        """How many requests `who` has sent."""
        return sum(name == who for name, _id in self.heard)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Arena:
    """One test's corner of the broker: its topics and groups carry a prefix that no other test has."""

    brokers: str
    folder: Path
    prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:8]}")
    workers: list[Worker] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        await self.admin.start()
        self._producer = AIOKafkaProducer(bootstrap_servers=self.brokers, acks="all")
        await self._producer.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for worker in self.workers:
            worker.kill()
        await self._producer.stop()
        await self.admin.close()

    # -- topics and records -------------------------------------------------------------------------------------

    async def topic(self, name: str, partitions: int = 1, *, cleanup: str = "delete", **config: str) -> str:
        """Make a topic and wait until it can be written to; returns its full name."""
        full = f"{self.prefix}-{name}"
        settings = {"cleanup.policy": cleanup, **{key.replace("_", "."): value for key, value in config.items()}}
        await self.admin.create_topics([NewTopic(full, partitions, 1, topic_configs=settings)])
        await until(lambda: self._has_leaders(full, partitions), f"{full} exists")
        return full

    async def configure(self, topic: str, **config: str) -> None:
        """Change settings of a topic."""
        settings = {key.replace("_", "."): value for key, value in config.items()}
        await self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])

    async def delete_records(self, topic: str, before: int, *, partition: int = 0) -> None:
        """Delete all records below an offset, as retention does."""
        await self.admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})

    async def _has_leaders(self, topic: str, partitions: int) -> bool:
        found = (await self.admin.describe_topics([topic]))[0]["partitions"]
        return len(found) == partitions and all(part["leader"] >= 0 for part in found)

    async def put(self, topic: str, *ids: str, partition: int = 0, key: str | None = None, **asks: Any) -> int:
        """Produce one event per id (see `work` for what an event can ask); returns the last one's offset."""
        offset = -1
        for name in ids:
            value = json.dumps({"id": name, **asks}).encode()
            sent = await self._producer.send_and_wait(topic, value, (key or name).encode(), partition)
            offset = sent.offset
        return offset

    async def committed(self, group: str, topic: str, partition: int = 0) -> int | None:
        """The group's committed offset, None when there is none."""
        offsets = await self.admin.list_consumer_group_offsets(group)
        found = offsets.get(TopicPartition(topic, partition))
        return None if found is None or found.offset < 0 else found.offset

    async def wait_committed(self, group: str, topic: str, offset: int, *, partition: int = 0) -> None:
        """Wait until exactly this offset is committed."""

        async def is_there() -> bool:
            return await self.committed(self.group(group), topic, partition) == offset

        await until(is_there, f"{group} commits {offset} of {topic}/{partition}", tell=self.story)

    async def members(self, group: str) -> list[str]:
        """The member ids of a group."""
        response = (await self.admin.describe_consumer_groups([group]))[0]
        return [member[0] for group_row in response.groups for member in group_row[5]]

    async def evict(self, group: str) -> None:
        """Take all members out of the group, without asking them."""
        client = self.admin._client
        coordinator = await self.admin.find_coordinator(self.group(group))
        for member in await self.members(self.group(group)):
            response = await client.send(coordinator, LeaveGroupRequest(self.group(group), member))
            assert response.error_code == 0, response

    async def records(self, topic: str, partition: int = 0) -> list[tuple[bytes | None, bytes | None]]:
        """All records of a partition, as (key, value)."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.brokers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            tp = TopicPartition(topic, partition)
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            found: list[tuple[bytes | None, bytes | None]] = []
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, []):
                    found.append((record.key, record.value))
            return found
        finally:
            await consumer.stop()

    async def keys(self, topic: str, partition: int = 0) -> list[str]:
        """The keys of all records of a partition."""
        return [(key or b"").decode() for key, _value in await self.records(topic, partition)]

    # -- workers ------------------------------------------------------------------------------------------------

    def start(
        self, app: str, topics: Iterable[str], *, group: str | None = None, who: str | None = None, **job: Any
    ) -> Worker:
        """Start `apps/<app>.py`; the group is the app's name unless it is given."""
        who = who or f"{app}{len(self.workers)}"
        stderr = self.folder / f"{who}.log"
        details = {
            "brokers": self.brokers,
            "group": self.group(group or app),
            "journal": str(self.folder / "journal"),
            "topics": list(topics),
            "who": who,
            **job,
        }
        with stderr.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(APPS / f"{app}.py"), json.dumps(details)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        worker = Worker(who, process, stderr)
        self.workers.append(worker)
        return worker

    def group(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def gate(self, name: str) -> Path:
        """A file that does not exist yet; `touch` opens the gate."""
        return self.folder / f"gate-{name}"

    # -- what they did ------------------------------------------------------------------------------------------

    def journal(self, what: str | None = None, **match: Any) -> list[Mapping[str, Any]]:
        """The journal's lines of this kind that have these values, in true order."""
        path = self.folder / "journal"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        entries = [json.loads(line) for line in lines]
        wanted = {"what": what, **match} if what else match
        return [entry for entry in entries if all(entry.get(key) == value for key, value in wanted.items())]

    async def wait(
        self, what: str, *, count: int = 1, seconds: float = PATIENCE_SECONDS, **match: Any
    ) -> Mapping[str, Any]:
        """Wait for the `count`-th such line of the journal and return it."""
        await until(
            lambda: len(self.journal(what, **match)) >= count,
            f"{count} x {what} {match}",
            seconds=seconds,
            tell=self.story,
        )
        return self.journal(what, **match)[count - 1]

    def story(self) -> str:
        """Everything there is, for the message of a failed test."""
        lines = [json.dumps(entry) for entry in self.journal()]
        for worker in self.workers:
            state = "alive" if worker.alive else f"exit {worker.exit_code}"
            lines.append(f"--- {worker.who}: {state}\n{worker.log()[-3000:]}")
        return "\n".join(lines)
