"""What one would write by hand: aiokafka, a Jinja2 template for the key, aiohttp, 64 requests at once.

No state, no pins, no order per incident, no limiter, no retry: the ceiling of this stack, not a product. Run as
`python -m bench.handwritten BROKERS TOPIC EVENTS_URL`; prints "ready".
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import jinja2
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer

from bench.load import KEY_TEMPLATE

IN_FLIGHT = 64


async def main(brokers: str, topic: str, url: str) -> None:
    template = jinja2.Environment().from_string(KEY_TEMPLATE)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=brokers, group_id="handwritten", auto_offset_reset="latest", enable_auto_commit=True
    )
    await consumer.start()
    while not consumer.assignment():
        await asyncio.sleep(0.1)
    await consumer.seek_to_end()
    for partition in consumer.assignment():
        await consumer.position(partition)  # the seek is lazy; only now does nothing produced from here on get lost
    slots = asyncio.Semaphore(IN_FLIGHT)
    tasks: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def send(value: bytes) -> None:
            document = orjson.loads(value)
            alert = document["alert"]
            event = {
                "routing_key": template.render(document).strip(),
                "event_action": "trigger" if alert["status"] == "Triggered" else "resolve",
                "dedup_key": alert["groupingKey"],
                "payload": {
                    "summary": document["alertDef"]["name"],
                    "source": alert["groups"][0]["keyValues"]["host"],
                    "severity": "info",
                    "custom_details": {"priority": document["alertDef"]["priority"]},
                },
            }
            async with session.post(f"{url}/v2/enqueue", data=orjson.dumps(event)) as response:
                await response.read()
            slots.release()

        print("ready", flush=True)
        async for record in consumer:
            await slots.acquire()
            task = asyncio.create_task(send(record.value))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
