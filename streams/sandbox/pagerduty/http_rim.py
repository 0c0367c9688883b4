"""What both APIs' HTTP rims do: send an answer, or hold or drop the connection."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.clock import Clock
from streams.sandbox.pagerduty.reply import Reply

MAX_READ_BYTES: Final = 8 * 1024 * 1024
"""Longer bodies are refused unread. Far above the API's own limit, so that an over-size event is still attributed."""


class Rim:
    """Connections that are held are let go when `stopping` is set."""

    def __init__(self, clock: Clock, stopping: asyncio.Event) -> None:
        self._clock = clock
        self._stopping = stopping

    async def answer(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """Do what the reply says."""
        if reply.delay != 0.0:
            await self._hold(reply.delay)
        if reply.answer is None:
            return _dropped(request)
        return _response(reply.answer)

    async def _hold(self, seconds: float | None) -> None:
        """Wait so many seconds (None: for ever), but not longer than the server lives."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._stopping.wait())]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body, content_type=answer.content_type, headers=answer.headers
    )


def _dropped(request: web.Request) -> web.Response:
    """Close the connection. The response is for aiohttp's form only: there is nobody left to send it to."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
