"""Web apps for tests without Kafka: documents given, topics out of reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from streams.documents.follower import Follower
from streams.documents.secrets import Cipher, new_key
from streams.documents.snapshot import NOTHING, Snapshot
from streams.settings import Settings
from streams.web.app import make_app
from streams.web.backend import Backend

TOKEN = "a-token-of-the-tests"


class StillFollower:
    """Documents that never change."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def backend_of(snapshot: Snapshot = NOTHING, *, token: str | None = TOKEN, **settings: Any) -> Backend:
    """A backend with these documents. Whatever asks Kafka fails: no broker listens on port 1."""
    secret = None if token is None else SecretStr(token)
    # Explicit arguments go before the environment; None is not "not given".
    made = Settings(_env_file=None, brokers=("127.0.0.1:1",), web_token=secret, **settings)  # type: ignore[call-arg]
    return Backend(made, cast(Follower, StillFollower(snapshot)), Cipher([new_key()]))


@asynccontextmanager
async def client_of(backend: Backend, **more: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of an app around it."""
    async with TestClient(TestServer(make_app(backend, **more))) as client:
        yield client


def bearer(token: str = TOKEN) -> dict[str, str]:
    """The header that lets in."""
    return {"Authorization": f"Bearer {token}"}
