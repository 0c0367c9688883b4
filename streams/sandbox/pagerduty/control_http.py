"""What the parts of the control API have in common: JSON in, JSON out, and a wrong request told with its reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def told(handler: Handler) -> Handler:
    """Answer 400 with the reason when a request is wrong."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (ValueError, TypeError) as wrong:  # TypeError: a field that `fail` does not have
            return json_answer({"error": str(wrong)}, status=400)

    return answer


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty one. Raises ValueError."""
    given = orjson.loads(await request.read() or b"{}")
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def whole_number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} is {text!r}; it must be a whole number from 0 on")
    return int(text)


def json_answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
