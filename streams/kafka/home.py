"""The home partition of a key, the one that Kafka's own clients put it on."""

from __future__ import annotations

from aiokafka.partitioner import murmur2


def home_partition(key: bytes, partitions: int) -> int:
    """The partition of `key` in a topic of that many: murmur2, as the Java client does."""
    home: int = murmur2(key) % 0x80000000 % partitions
    return home
