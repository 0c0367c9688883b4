"""A consumer group's member as a process: `group_member.py BOOTSTRAP GROUP TOPIC`. Says what it is assigned."""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener


class Says(ConsumerRebalanceListener):
    async def on_partitions_revoked(self, revoked: set) -> None:
        print("revoked", flush=True)

    async def on_partitions_assigned(self, assigned: set) -> None:
        print("assigned", len(assigned), flush=True)


async def main(bootstrap: str, group: str, topic: str) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        session_timeout_ms=2_000,
        heartbeat_interval_ms=500,
        rebalance_timeout_ms=10_000,
        enable_auto_commit=False,
    )
    consumer.subscribe([topic], listener=Says())
    await consumer.start()
    try:
        while True:
            await consumer.getmany(timeout_ms=200)
    finally:
        await consumer.stop()


asyncio.run(main(*sys.argv[1:]))
