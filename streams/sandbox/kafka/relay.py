"""A process that runs Tansu and stands between it and its clients (`python -m streams.sandbox.kafka.relay`).

Started by EmbeddedKafka with a bound socket; ends when told to (SIGTERM) or when Tansu ends. What is changed on the way
is in `streams.sandbox.kafka.rewrite` and `log_ends`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import uvloop

from streams.errors import KafkaUnavailable
from streams.sandbox.kafka import log_ends, rewrite
from streams.sandbox.kafka.ready import wait_ready
from streams.sandbox.process import Child, free_port

START_SECONDS = 20.0
"""Tansu is ready in 10 ms; the rest is for a machine that is short of everything."""

MAX_FRAME = 128 * 1024 * 1024
"""Above Kafka's own bound (socket.request.max.bytes, 100 MiB): more is no Kafka request."""


class Connection:
    """One client's connection and its twin to the broker at `port`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._to_turn_back: dict[bytes, Callable[[bytes], bytes]] = {}  # by correlation id
        self._to_correct: dict[bytes, log_ends.Asked] = {}

    async def run(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        broker: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Carry frames both ways until one side closes; then both are closed."""
        pumps = [
            asyncio.create_task(self._requests(client[0], broker[1])),
            asyncio.create_task(self._answers(broker[0], client[1])),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for _, writer in (client, broker):
                writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            changed = rewrite.request(await _frame(reader))
            correlation = changed.frame[4:8]
            if changed.answer is not None:
                self._to_turn_back[correlation] = changed.answer
            if (asked := log_ends.asked(changed.frame)) is not None:
                self._to_correct[correlation] = asked
            await _send(writer, changed.frame)

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            frame = await _frame(reader)
            if self._to_turn_back and (turn_back := self._to_turn_back.pop(frame[:4], None)) is not None:
                frame = turn_back(frame)
            if self._to_correct and (asked := self._to_correct.pop(frame[:4], None)) is not None:
                frame = await log_ends.corrected(frame, asked, self._port)
            await _send(writer, frame)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(4), signed=True)
    if not 0 <= length <= MAX_FRAME:
        raise ConnectionError(f"a frame of {length} bytes")
    return await reader.readexactly(length)


async def _send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.writelines((len(frame).to_bytes(4), frame))
    await writer.drain()


async def relay(listener: socket.socket, tansu: str) -> int:
    """Run Tansu and serve `listener` until SIGTERM (returns 0) or until Tansu has ended (returns 1)."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    port = free_port()
    child = Child.start(_command(tansu, port, listener.getsockname()[1]), own_group=False)
    server: asyncio.Server | None = None
    ended = asyncio.create_task(child.wait())
    stopping = asyncio.create_task(stop.wait())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            broker = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        except OSError:
            writer.close()
            return
        with suppress(ConnectionError, asyncio.CancelledError):
            await Connection(port).run((reader, writer), broker)

    try:
        await wait_ready(f"127.0.0.1:{port}", alive=lambda: child.returncode is None, timeout=START_SECONDS)
        server = await asyncio.start_server(serve, sock=listener, limit=1 << 20)
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
    except KafkaUnavailable as error:
        print(f"{error}\n{child.tail()}", file=sys.stderr)
        return 1
    finally:
        if server is not None:
            server.close()
        failed = ended.done()
        stopping.cancel()
        if failed:
            print(f"Tansu has ended (exit code {child.returncode})\n{child.tail()}", file=sys.stderr)
        await child.kill()  # it keeps nothing, so there is nothing to end in order
        await ended
        child.close()
    return 1 if failed else 0


def _command(tansu: str, port: int, public_port: int) -> list[str]:
    return [
        *(tansu, "broker", "--silent"),
        *("--storage-engine", "memory://tansu/"),
        *("--listener-url", f"tcp://127.0.0.1:{port}"),
        *("--advertised-listener-url", f"tcp://127.0.0.1:{public_port}"),
    ]


def main() -> None:
    """`python -m streams.sandbox.kafka.relay --fd N --tansu PATH`: N is a bound socket that was inherited."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--tansu", required=True)
    arguments = parser.parse_args()
    with socket.socket(fileno=arguments.fd) as listener:
        sys.exit(uvloop.run(relay(listener, arguments.tansu)))


if __name__ == "__main__":
    main()
