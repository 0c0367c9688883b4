"""Servers that fail in each of the ways in which a connection can."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from streams.sandbox.pagerduty import Simulator
from streams.sandbox.process import free_port

TIMEOUT = 0.3
"""Long enough for a connection on this machine, short enough to wait for."""

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@asynccontextmanager
async def answering(peer: Peer) -> AsyncIterator[str]:
    """A server that hands each connection to `peer` once the request's head has come; gives its URL."""

    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await peer(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await served.wait()


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client gives up and goes


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends a reset


async def closed(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None: ...


async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{")


async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


PEERS: dict[str, Peer] = {
    "time-out": silent,
    "connection reset": reset,
    "closed without an answer": closed,
    "cut off within the answer": cut,
    "not HTTP": babble,
}
ELSEWHERE = ("connection refused", "certificate not trusted", "host name unknown", "host name impossible")
WAYS = (*PEERS, *ELSEWHERE)


@asynccontextmanager
async def failing(way: str) -> AsyncIterator[str]:
    """The URL of something that fails in this way."""
    if way in PEERS:
        async with answering(PEERS[way]) as url:
            yield url
    elif way == "certificate not trusted":
        async with Simulator(tls=True) as simulator:
            yield simulator.events_url
    elif way == "host name impossible":
        yield "http://events..pagerduty.com"
    else:  # `.invalid` is no name anywhere (RFC 6761)
        yield "http://no-such-host.invalid" if way == "host name unknown" else f"http://127.0.0.1:{free_port()}"
