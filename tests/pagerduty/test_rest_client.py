"""What goes over the wire for each call of the REST client, and what never comes back from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from multidict import CIMultiDict

from streams import __version__
from streams.documents.secrets import Secret
from streams.pagerduty import rest
from streams.pagerduty.http import StaleWorker
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest

SAMPLES = Path(__file__).parents[1] / "fixtures" / "pagerduty" / "rest"
TOKEN = "u+" + "t" * 18
BOT = "bot@example.com"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Call = Callable[[RestClient], Awaitable[RestAnswer]]


class Server:
    """Answers every request in one way, and keeps what came."""

    def __init__(self, status: int = 200, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.answer = (status, body, headers or {})
        self.requests: list[tuple[str, str, Any]] = []
        self.headers: list[CIMultiDict[str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((request.method, request.path_qs, orjson.loads(body) if body else None))
        self.headers.append(CIMultiDict(request.headers))
        status, text, headers = self.answer
        return web.Response(status=status, body=text, headers=headers)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def client(url: str, **options: Any) -> RestClient:
    return RestClient(url, Secret(TOKEN), BOT, **{"timeout": 5, "connections": 2, **options})


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


OPEN = "date_range=all&sort_by=created_at:asc&statuses[]=triggered&statuses[]=acknowledged"
PAGE = "limit=100&offset=0"
CALLS: list[tuple[str, Call, str, str, Any]] = [
    (
        "create",
        lambda api: api.create_incident(
            title="T", service="PSVC", key="case/1", details="d", urgency="low", priority="P"
        ),
        "POST",
        "/incidents",
        {
            "incident": {
                "type": "incident",
                "title": "T",
                "service": {"id": "PSVC", "type": "service_reference"},
                "incident_key": "case/1",
                "body": {"type": "incident_body", "details": "d"},
                "urgency": "low",
                "priority": {"id": "P", "type": "priority_reference"},
            }
        },
    ),
    (
        "create, bare",
        lambda api: api.create_incident(title="T", service="PSVC", key="k"),
        "POST",
        "/incidents",
        {
            "incident": {
                "type": "incident",
                "title": "T",
                "service": {"id": "PSVC", "type": "service_reference"},
                "incident_key": "k",
            }
        },
    ),
    ("get", lambda api: api.incident("Q1"), "GET", "/incidents/Q1", None),
    (
        "an id that is a path",
        lambda api: api.incident("../users/me?x=1#y"),
        "GET",
        "/incidents/..%2Fusers%2Fme%3Fx=1%23y",
        None,
    ),
    (
        "by key",
        lambda api: api.incidents_by_key("case/1&x", statuses=["triggered"]),
        "GET",
        "/incidents?incident_key=case/1%26x&date_range=all&sort_by=created_at:desc&limit=100&statuses[]=triggered",
        None,
    ),
    ("open", lambda api: api.open_incidents(), "GET", f"/incidents?{OPEN}&{PAGE}", None),
    (
        "open of services",
        lambda api: api.open_incidents(services=["P1", "P2"], offset=100),
        "GET",
        f"/incidents?{OPEN}&service_ids[]=P1&service_ids[]=P2&limit=100&offset=100",
        None,
    ),
    (
        "resolve",
        lambda api: api.update_incident("Q1", status="resolved", resolution="fixed"),
        "PUT",
        "/incidents/Q1",
        {"incident": {"type": "incident", "status": "resolved", "resolution": "fixed"}},
    ),
    (
        "change fields",
        lambda api: api.update_incident("Q1", title="T", urgency="low", priority="P"),
        "PUT",
        "/incidents/Q1",
        {
            "incident": {
                "type": "incident",
                "title": "T",
                "urgency": "low",
                "priority": {"id": "P", "type": "priority_reference"},
            }
        },
    ),
    ("notes", lambda api: api.notes("Q1"), "GET", "/incidents/Q1/notes", None),
    (
        "note",
        lambda api: api.add_note("Q1", "Überlauf ✅"),
        "POST",
        "/incidents/Q1/notes",
        {"note": {"content": "Überlauf ✅"}},
    ),
    (
        "log",
        lambda api: api.log_entries(since="2026-04-01T00:00:00Z", until="2026-04-02T00:00:00Z", offset=200),
        "GET",
        "/log_entries?since=2026-04-01T00:00:00Z&until=2026-04-02T00:00:00Z&is_overview=false&include[]=channels"
        "&time_zone=UTC&limit=100&offset=200",
        None,
    ),
    ("services", lambda api: api.services(), "GET", f"/services?sort_by=name&{PAGE}", None),
    ("services like", lambda api: api.services(query="a b"), "GET", f"/services?query=a+b&sort_by=name&{PAGE}", None),
    ("service", lambda api: api.service("PSVC"), "GET", "/services/PSVC", None),
    ("users", lambda api: api.users(query=BOT), "GET", f"/users?query=bot@example.com&{PAGE}", None),
    ("me", lambda api: api.user("me"), "GET", "/users/me", None),
    ("priorities", lambda api: api.priorities(), "GET", f"/priorities?{PAGE}", None),
    ("abilities", lambda api: api.abilities(), "GET", "/abilities", None),
    ("subscriptions", lambda api: api.subscriptions(), "GET", f"/webhook_subscriptions?{PAGE}", None),
    ("subscription", lambda api: api.subscription("PW"), "GET", "/webhook_subscriptions/PW", None),
    (
        "subscribe",
        lambda api: api.create_subscription(url="https://h/x", events=["incident.resolved"], description="d"),
        "POST",
        "/webhook_subscriptions",
        {
            "webhook_subscription": {
                "type": "webhook_subscription",
                "delivery_method": {"type": "http_delivery_method", "url": "https://h/x"},
                "description": "d",
                "events": ["incident.resolved"],
                "filter": {"type": "account_reference"},
            }
        },
    ),
    (
        "change subscription",
        lambda api: api.update_subscription("PW", {"active": True}),
        "PUT",
        "/webhook_subscriptions/PW",
        {"webhook_subscription": {"type": "webhook_subscription", "active": True}},
    ),
    ("enable", lambda api: api.enable_subscription("PW"), "POST", "/webhook_subscriptions/PW/enable", None),
    ("ping", lambda api: api.ping_subscription("PW"), "POST", "/webhook_subscriptions/PW/ping", None),
    ("unsubscribe", lambda api: api.delete_subscription("PW"), "DELETE", "/webhook_subscriptions/PW", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "call", "method", "path", "body"), CALLS, ids=[call[0] for call in CALLS])
async def test_what_goes_out(name: str, call: Call, method: str, path: str, body: Any) -> None:
    server = Server()
    async with serving(server.handle) as url, client(url) as api:
        answer = await call(api)
    assert judge_rest(answer) == Ok()
    [(sent, target, document)] = server.requests
    assert (sent, target.replace("%5B", "[").replace("%5D", "]").replace("%3A", ":"), document) == (method, path, body)
    [headers] = server.headers
    assert headers["Authorization"] == f"Token token={TOKEN}"
    assert headers["Accept"] == "application/vnd.pagerduty+json;version=2"
    assert headers.get("From") == (None if method == "GET" else BOT)
    assert headers["User-Agent"] == f"pagerline/{__version__}"
    assert headers.get("Content-Type") == (None if method == "GET" else "application/json")


async def test_what_would_ask_for_everything_is_not_asked() -> None:
    async with client("http://127.0.0.1:9") as api:
        with pytest.raises(ValueError, match="empty incident key"):
            await api.incidents_by_key("")
        for nothing in ("", ".", ".."):
            with pytest.raises(ValueError, match="an id is empty"):
                await api.incident(nothing)


async def test_what_comes_back() -> None:
    headers = {"ratelimit-remaining": "958", "ratelimit-reset": "20", "x-request-id": "abc", "Retry-After": "3"}
    server = Server(200, (SAMPLES / "log_entries_response_200.json").read_bytes(), headers)
    async with serving(server.handle) as url, client(url) as api:
        answer = await api.log_entries(since="2026-04-01T00:00:00Z")
    assert [entry["id"] for entry in answer.many("log_entries")] == ["R0ACME0LOGTRG1"]
    assert answer.more
    assert (answer.remaining, answer.reset, answer.retry_after, answer.request_id) == (958, 20.0, 3.0, "abc")
    assert answer.one("log_entries") == {}
    assert answer.many("incidents") == []


@pytest.mark.parametrize("body", [b"", b"  ", b"null", b"[1]", b'"text"', b"\xff\xfe", b"<html>", b"[" * 5_000])
async def test_a_body_of_any_kind_is_an_answer(body: bytes) -> None:
    server = Server(200, body, {"ratelimit-remaining": "many", "ratelimit-reset": "soon"})
    async with serving(server.handle) as url, client(url) as api:
        answer = await api.incident("Q1")
    assert (answer.one("incident"), answer.many("incidents"), answer.more) == ({}, [], False)
    assert (answer.remaining, answer.reset) == (None, None)


async def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "MOST_BYTES", 1_000)
    server = Server(200, b'{"incident": "' + b"x" * 2_000 + b'"}')
    async with serving(server.handle) as url, client(url) as api:
        answer = await api.incident("Q1")
    assert (answer.status, answer.body) == (None, None)
    assert "more than 1000 bytes" in str(answer.error)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirection_takes_the_token_elsewhere(status: int) -> None:
    stranger = Server()
    async with serving(stranger.handle) as elsewhere:
        server = Server(status, b"", {"Location": f"{elsewhere}/incidents/Q1"})
        async with serving(server.handle) as url, client(url) as api:
            answer = await api.incident("Q1")
    assert (answer.status, len(server.requests), stranger.requests) == (status, 1, [])


@pytest.mark.parametrize("status", [200, 400, 502])
@pytest.mark.parametrize("form", [b"<pre>GET /incidents Authorization: Token token=%s \xff</pre>", b'{"error": "%s"}'])
async def test_an_answer_that_repeats_the_request_is_kept_without_its_token(status: int, form: bytes) -> None:
    server = Server(status, form % TOKEN.encode())
    async with serving(server.handle) as url, client(url) as api:
        answer = await api.incident("Q1")
    assert TOKEN not in str(answer.body)
    assert "…ttt" in str(answer.body)
    verdict = judge_rest(answer)
    assert TOKEN not in repr((answer, verdict))


async def test_the_secret_of_a_new_subscription_is_shown_by_nothing() -> None:
    body = (SAMPLES / "webhook_subscription_create_response_200.json").read_bytes()
    server = Server(201, body)
    async with serving(server.handle) as url, client(url) as api:
        answer = await api.create_subscription(url="https://h/x", events=["incident.resolved"], description="d")
    secret = answer.one("webhook_subscription")["delivery_method"]["secret"]
    assert len(secret) > 40
    assert secret not in repr((answer, judge_rest(answer)))


async def test_a_worker_that_was_replaced_sends_nothing() -> None:
    server = Server()
    async with serving(server.handle) as url, client(url, may_send=lambda: False) as api:
        with pytest.raises(StaleWorker):
            await api.update_incident("Q1", status="resolved")
    assert server.requests == []
