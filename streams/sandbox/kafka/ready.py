"""Is there a Kafka behind this address? Asked with a real request, since an open port proves little."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Final

from streams.errors import KafkaUnavailable

ASK_SECONDS: Final = 2.0
"""For one question; a broker that is starting may accept and then say nothing."""

AGAIN_SECONDS: Final = 0.05
"""Between two questions: short beside the start of any broker, and cheap."""

# Metadata v4 (the newest without compact fields' complications in the answer's head): no topics, create none.
_REQUEST: Final = struct.pack(">hhih", 3, 4, 1, -1) + struct.pack(">i?", 0, False)


async def brokers(address: str) -> int:
    """How many brokers the one at `host:port` knows; in KRaft mode 0 until it may be used.

    Raises OSError or EOFError when there is no Kafka, TimeoutError when it says nothing.
    """
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(ASK_SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(len(_REQUEST).to_bytes(4) + _REQUEST)
            length = int.from_bytes(await reader.readexactly(4))
            answer = await reader.readexactly(length)
        finally:
            writer.close()
    if len(answer) < 12:  # correlation id, throttle time, number of brokers
        raise ConnectionError("the answer is not Kafka's")
    return int.from_bytes(answer[8:12])


async def wait_ready(address: str, *, alive: Callable[[], bool], timeout: float) -> None:
    """Wait until the Kafka at `address` can be used.

    Raises KafkaUnavailable when its process is not `alive` any more or `timeout` seconds have passed.
    """
    last: object = "no answer"
    try:
        async with asyncio.timeout(timeout):
            while True:
                if not alive():
                    raise KafkaUnavailable(f"the Kafka for {address} ended while it was starting")
                try:
                    if await brokers(address) > 0:
                        return
                    last = "it knows no brokers yet"
                except (OSError, EOFError) as error:
                    last = error
                await asyncio.sleep(AGAIN_SECONDS)
    except TimeoutError:
        raise KafkaUnavailable(f"no Kafka at {address} within {timeout:g} s: {last}") from None
