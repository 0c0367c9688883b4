"""A PagerDuty that answers as fast as Python can, and remembers when each event came.

Neither Pagerline nor the hand-written loop should be measured against the speed of a faithful simulator. Run as
`python -m bench.sink`; prints its port.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import cast

import orjson
import uvloop

DEDUP_KEY = re.compile(rb'"dedup_key":\s*"([^"]+)"')
LENGTH = re.compile(rb"(?i)content-length:\s*(\d+)")
ACCEPTED = b'{"status":"success","message":"Event processed","dedup_key":"x"}'
ANSWER = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: " + str(len(ACCEPTED)).encode()
) + (b"\r\n\r\n" + ACCEPTED)

arrivals: list[tuple[str, float]] = []


class Sink(asyncio.Protocol):
    """Keep-alive HTTP/1.1, just enough: POST is an event, GET returns and forgets the arrivals."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self.buffer, 0, end)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < total:
                return
            request, self.buffer = self.buffer[:total], self.buffer[total:]
            self.transport.write(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        if request.startswith(b"POST"):
            found = DEDUP_KEY.search(request)
            arrivals.append((found[1].decode() if found else "", time.time()))
            return ANSWER
        body = orjson.dumps({"arrivals": arrivals}) if b"/arrivals" in request else orjson.dumps({"n": len(arrivals)})
        if b"/arrivals" in request:
            arrivals.clear()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
