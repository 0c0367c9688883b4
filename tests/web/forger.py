"""A process that sends forged webhooks at a pace: `python forger.py HOST PORT PATH RATE SECONDS`.

It needs nothing but the standard library, so that it starts at once and has time left to send. Prints how many answers
it had of each status, and how long all of it took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

CONNECTIONS = 40
BODY = json.dumps({"event": {"id": "forged", "event_type": "incident.resolved", "data": {"x": "y" * 1_000}}}).encode()


def request(path: str, number: int) -> bytes:
    """One delivery with a signature of the right form; each says something else, and names our subscription."""
    body = BODY.replace(b"forged", b"forged-%08d" % number)
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"x-webhook-id: {number}\r\nx-webhook-subscription: PWHSUB1\r\n"
        f"x-pagerduty-signature: v1={number:064x}\r\n\r\n"
    ).encode() + body


async def one_connection(host: str, port: int, path: str, numbers: range, pace: float) -> Counter[str]:
    """Send these, one after another, each at its time or as soon as the one before is answered."""
    answers: Counter[str] = Counter()
    reader, writer = await asyncio.open_connection(host, port)
    started = time.monotonic()
    for count, number in enumerate(numbers):
        if (early := started + count * pace - time.monotonic()) > 0:
            await asyncio.sleep(early)
        writer.write(request(path, number))
        head = await reader.readuntil(b"\r\n\r\n")
        answers[head.split(b" ", 2)[1].decode()] += 1
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
    writer.close()
    return answers


async def main(host: str, port: int, path: str, rate: int, seconds: int) -> None:
    started, total = time.monotonic(), rate * seconds
    found = await asyncio.gather(
        *(
            one_connection(host, port, path, range(first, total, CONNECTIONS), CONNECTIONS / rate)
            for first in range(CONNECTIONS)
        )
    )
    print(json.dumps({"answers": sum(found, Counter()), "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
