"""Short words for the tests of the simulator's REST API and webhooks: calls without HTTP, samples, a receiver."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from aiohttp import web

from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.clock import ManualClock
from streams.sandbox.pagerduty.reply import Reply
from streams.sandbox.pagerduty.rest.request import Received

ALEX, ROBIN, KIM = "alex@example.com", "robin@example.com", "kim@example.com"
TOKEN = "y_NbAkKc66ryYTWUXYEu"

FIXTURES = Path(__file__).parents[2] / "fixtures" / "pagerduty"


def rest_sample(name: str) -> Any:
    return json.loads((FIXTURES / "rest" / f"{name}.json").read_text())


def webhook_sample(name: str) -> Any:
    return json.loads((FIXTURES / "webhooks_v3" / f"{name}.json").read_text())


class PureRest:
    """An account and its REST API with a clock that stands still."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.account = Account(clock=self.clock, rng=random.Random(7), **settings)
        self.rest = self.account.rest
        self.people = self.account.people

    def reply(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = ALEX,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        path, _, query = path.partition("?")
        given = {} if token is None else {"authorization": f"Token token={token}"}
        if user is not None:
            given["from"] = user
        text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.rest.handle(
            Received(method, path, parse_qsl(query, keep_blank_values=True), {**given, **(headers or {})}, text)
        )

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and body, parsed when it is JSON."""
        answer = self.reply(method, path, body, **more).answer
        assert answer is not None, "the connection was dropped"
        if not answer.body:
            return answer.status, None
        is_json = answer.content_type == "application/json"
        return answer.status, json.loads(answer.body) if is_json else answer.body.decode()

    def get(self, path: str, **more: Any) -> Any:
        """The body of a call that must be answered 200."""
        status, body = self.call("GET", path, **more)
        assert status == 200, body
        return body

    def open(self, title: str = "Checkout is slow", *, service: str | None = None, **fields: Any) -> str:
        """Open an incident over REST; its id."""
        if service is None:
            services = self.rest.services
            service = services[0].id if services else self.rest.add_service("Checkout")
        status, body = self.call("POST", "/incidents", incident(title, service, **fields))
        assert status == 201, body
        its_id: str = body["incident"]["id"]
        return its_id

    def put(self, incident_id: str, **fields: Any) -> tuple[int, Any]:
        return self.call("PUT", f"/incidents/{incident_id}", {"incident": {"type": "incident_reference", **fields}})


def incident(title: str, service: str, **fields: Any) -> dict[str, Any]:
    """The body of POST /incidents."""
    reference = {"id": service, "type": "service_reference"}
    return {"incident": {"type": "incident", "title": title, "service": reference, **fields}}


class Delivery(NamedTuple):
    """A webhook as a receiver gets it."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)["event"]

    @property
    def type(self) -> str:
        its_type: str = self.event["event_type"]
        return its_type

    @property
    def id(self) -> str:
        return self.headers["x-webhook-id"]

    @property
    def incident(self) -> str:
        """The incident that it is about."""
        data = self.event["data"]
        its_id: str = data["id"] if data["type"] == "incident" else data["incident"]["id"]
        return its_id


class Receiver:
    """Takes webhooks. `answer` decides on the status; None leaves the sender waiting."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.deliveries: list[Delivery] = []
        self.answer: Callable[[Delivery], int | None] = lambda delivery: 202

    @property
    def types(self) -> list[str]:
        return [delivery.type for delivery in self.deliveries]

    def answers(self, *statuses: int) -> None:
        """Answer so, one after the other, and 202 then."""
        left: Iterator[int] = iter(statuses)
        self.answer = lambda delivery: next(left, 202)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on this machine."""
    import asyncio

    gone = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        delivery = Delivery({name.lower(): value for name, value in request.headers.items()}, await request.read())
        receiver.deliveries.append(delivery)
        status = receiver.answer(delivery)
        if status is None:
            await gone.wait()
            return web.Response()
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver = Receiver(f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
    try:
        yield receiver
    finally:
        gone.set()
        await runner.cleanup()
