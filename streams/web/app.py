"""The web process: routes, checks and answers around the operations of `streams.web.api`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import web

from streams.kafka.producer import Producer
from streams.settings import Settings
from streams.web.api import OPERATIONS
from streams.web.backend import Backend
from streams.web.checking import Reading
from streams.web.guard import Guard, guarding
from streams.web.metrics import WebMetrics
from streams.web.openapi import document
from streams.web.operation import JSON, Operation, Reply
from streams.web.problem import ApiError, as_api_error, response
from streams.web.taken import follow_taken
from streams.web.webhooks import WebhookIngress, routes

log = logging.getLogger("pagerline.web")

MOST_BYTES: Final = 4_000_000
"""Of a request's body: a thousand documents of some kilobytes, and the largest event."""

MOST_LINE_BYTES: Final = 131_072
"""Of a request's first line: the 800 ids of 128 characters that the documented batch reads take in the query."""

BACKEND: Final = web.AppKey("backend", Backend)

SECURITY: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
"""Of every answer. The console is two files of ours and needs nothing else."""

CONSOLE: Final[Mapping[str, tuple[str, str]]] = {
    "/": ("console.html", "text/html"),
    "/console.js": ("console.js", "text/javascript"),
    "/console.css": ("console.css", "text/css"),
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def web_app(settings: Settings, backend: Backend | None = None) -> web.Application:
    """All that `pagerline web` serves. Raises SettingsError when PAGERLINE_SECRET_KEYS is not set."""
    backend, metrics = backend or Backend.of(settings), WebMetrics()
    producer, topic = Producer(backend.options), backend.topology.webhooks
    ingress = WebhookIngress(
        snapshot=lambda: backend.snapshot,
        send=lambda key, value: producer.send(topic, key, value),
        registry=metrics.registry,
    )

    async def producing(_app: web.Application) -> AsyncIterator[None]:
        await producer.start()
        following = asyncio.create_task(follow_taken(backend.options, topic, ingress.remember))
        yield
        following.cancel()
        await asyncio.wait([following])
        await ingress.close()
        await producer.stop()

    app = make_app(backend, metrics=metrics)
    app.add_routes(routes(ingress))
    app.cleanup_ctx.append(producing)
    return app


def runner_of(app: web.Application, *, shutdown_timeout: float) -> web.AppRunner:
    """What serves the application. `shutdown_timeout` is for requests under way at its end, in seconds."""
    return web.AppRunner(app, access_log=None, max_line_size=MOST_LINE_BYTES, shutdown_timeout=shutdown_timeout)


def make_app(
    backend: Backend, *, operations: Iterable[Operation] = OPERATIONS, metrics: WebMetrics | None = None
) -> web.Application:
    """The API and the console. The application opens and closes the backend's log of documents."""
    declared = tuple(operations)
    metrics = metrics or WebMetrics()
    app = web.Application(
        middlewares=[metrics.middleware, _problems, guarding(Guard(backend.settings.web_token))],
        client_max_size=MOST_BYTES,
    )
    app[BACKEND] = backend
    app.cleanup_ctx.append(_following)
    app.on_response_prepare.append(_secure)
    described = orjson.dumps(document(declared), option=orjson.OPT_APPEND_NEWLINE)
    app.router.add_get("/openapi.json", _fixed(described, JSON))
    app.router.add_get("/livez", _fixed(b"the loop turns\n", "text/plain"))
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", metrics.page)
    for path, (name, kind) in CONSOLE.items():
        app.router.add_get(path, _fixed(files(__package__).joinpath(f"console/{name}").read_bytes(), kind))
    for operation in declared:
        app.router.add_route(operation.method, operation.route, _serving(operation))
    return app


def _serving(operation: Operation) -> Handler:
    reading = Reading(operation)

    async def serve(request: web.Request) -> web.Response:
        call = await reading.read(request, request.app[BACKEND])
        return _answer(await operation.handler(call))

    return serve


def _answer(reply: Reply) -> web.Response:
    body = orjson.dumps(reply.body, option=orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=body, status=reply.status, headers=reply.headers, content_type=JSON)


def _fixed(body: bytes, kind: str) -> Handler:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8" if kind.startswith("text/") else None)

    return serve


async def _readyz(request: web.Request) -> web.Response:
    """Nothing is served before the documents have been read; after that they may be followed no longer."""
    if request.app[BACKEND].log.following:
        return web.Response(text="at work\n")
    return web.Response(text="the documents are no longer followed: start this process anew\n", status=503)


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is answered as a problem document."""
    try:
        return await handler(request)
    except Exception as error:
        told = as_api_error(error)
        if told is None:
            # Without the request's own text, which may hold a secret.
            log.exception("%s %s failed", request.method, request.match_info.route.resource)
            told = ApiError("internal", "an unexpected error, which is in the log of this process")
        return response(told)


async def _secure(_request: web.Request, answer: web.StreamResponse) -> None:
    for name, value in SECURITY.items():
        answer.headers.setdefault(name, value)


async def _following(app: web.Application) -> AsyncIterator[None]:
    async with app[BACKEND].log:
        yield
