"""`pagerline sandbox kafka`: a broker as a process of its own."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click
import uvloop

from streams.sandbox.kafka.apache import ApacheKafka
from streams.sandbox.kafka.embedded import EmbeddedKafka
from streams.sandbox.kafka.engine import Server

WATCH_SECONDS = 0.5
"""How soon the end of the broker's process is noticed."""

EXAMPLE = """\b
Examples:
  pagerline sandbox kafka --bind 127.0.0.1:9092
  pagerline sandbox kafka --engine apache --bind 127.0.0.1:9092 --data ./kafka-data
"""


@click.command("kafka", epilog=EXAMPLE)
@click.option(
    "--engine",
    type=click.Choice(["embedded", "apache"]),
    default="embedded",
    show_default=True,
    help="embedded: in memory, at once. apache: Apache Kafka 4.1, durable; needs Java 17 and Maven.",
)
@click.option(
    "--bind", default="127.0.0.1:0", show_default=True, metavar="127.0.0.1:PORT", help="Port 0 takes a free one."
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --engine apache: keep the records in this folder, for the next start too.",
)
def kafka(engine: str, bind: str, data: Path | None) -> None:
    """Run a Kafka broker on this machine until it is interrupted.

    Its host:port is printed on standard output when it is ready.
    """
    port = _port(bind)
    if engine == "embedded" and data is not None:
        raise click.UsageError("--data needs --engine apache: the embedded Kafka keeps nothing")
    broker = EmbeddedKafka(port=port) if engine == "embedded" else ApacheKafka(port=port, data=data)
    uvloop.run(_serve(broker))


async def _serve(broker: Server) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    starting = asyncio.create_task(broker.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():  # told to end before it was ready
            return
        await starting
        click.echo(broker.bootstrap)
        while broker.running and not stop.is_set():
            await asyncio.wait((stopping,), timeout=WATCH_SECONDS)
        if not stop.is_set():
            raise click.ClickException(f"the broker has ended by itself:\n{broker.tail()}")
    finally:
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await broker.stop()


def _port(bind: str) -> int:
    host, colon, port = bind.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise click.BadParameter(f"{bind!r} is not 127.0.0.1:PORT", param_hint="--bind")
    if host not in ("127.0.0.1", "localhost", ""):
        raise click.BadParameter(f"{host} is not this machine's loopback: use 127.0.0.1", param_hint="--bind")
    return int(port)
