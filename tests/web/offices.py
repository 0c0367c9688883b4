"""Web apps for tests without Kafka: documents in memory, topics out of reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self, cast

from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from streams.documents.changes import Changes, plan_changes
from streams.documents.document import KINDS, kind_of
from streams.documents.log import DocumentLog
from streams.documents.parse import load_documents
from streams.documents.snapshot import NOTHING, Snapshot
from streams.errors import DocumentsChanged
from streams.settings import Settings
from streams.web.app import make_app
from streams.web.backend import Backend

TOKEN = "a-token-of-the-tests"


class MemoryLog:
    """A log of documents that needs no broker. `overtaken`: how many writes find that somebody else was quicker."""

    def __init__(self, snapshot: Snapshot = NOTHING) -> None:
        self.snapshot = snapshot
        self.overtaken = 0
        self.following = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read(self) -> Snapshot:
        return self.snapshot

    async def write(self, changes: Changes, *, by: str, force: bool = False) -> Snapshot:
        before = self.snapshot
        if self.overtaken or before.head != changes.base:
            self.overtaken -= 1
            self.snapshot = replace(before, head=before.head + 1, revision=before.head + 1)
            raise DocumentsChanged(changes.base, before.head + 1, "somebody else")
        if not changes.writes:
            return before
        kinds: dict[str, dict[str, Any]] = {kind: dict(before.of(kind)) for kind in KINDS}
        for change in changes.writes:
            kind, _, name = change.name.partition("/")
            if change.document is None:
                del kinds[kind][name]
            else:
                assert kind_of(change.document) == kind
                kinds[kind][name] = change.document
        made: dict[str, Any] = {f"{kind}s": documents for kind, documents in kinds.items()}
        self.snapshot = replace(before, **made, head=before.head + 1, revision=before.head + 1)
        return self.snapshot


def log_of(yaml: str = "") -> MemoryLog:
    """A log with these documents in it."""
    log = MemoryLog()
    if yaml:
        changes = plan_changes(NOTHING, load_documents(["-"], lambda: yaml))
        made: dict[str, dict[str, Any]] = {f"{kind}s": {} for kind in KINDS}
        for change in changes:
            assert change.document is not None
            made[f"{kind_of(change.document)}s"][change.document.id] = change.document
        log.snapshot = replace(NOTHING, **cast(dict[str, Any], made), head=1, revision=1)
    return log


def backend_of(log: MemoryLog | None = None, *, token: str | None = TOKEN, **settings: Any) -> Backend:
    """A backend with these documents. Whatever else asks Kafka fails: no broker listens on port 1."""
    secret = None if token is None else SecretStr(token)
    settings = {"events_url": "http://127.0.0.1:1", **settings}
    made = Settings(_env_file=None, brokers=("127.0.0.1:1",), web_token=secret, **settings)  # type: ignore[call-arg]
    return Backend(made, cast(DocumentLog, log or MemoryLog()))


@asynccontextmanager
async def client_of(backend: Backend, **more: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of an app around it."""
    async with TestClient(TestServer(make_app(backend, **more))) as client:
        yield client


def bearer(token: str = TOKEN) -> dict[str, str]:
    """The header that lets in."""
    return {"Authorization": f"Bearer {token}"}
