"""Kafka on this machine: embedded (in memory, at once) or Apache's own (durable, needs Java)."""

from streams.sandbox.kafka.apache import ApacheKafka
from streams.sandbox.kafka.embedded import EmbeddedKafka
from streams.sandbox.kafka.engine import Capabilities, Kafka
from streams.sandbox.process import SandboxError

__all__ = ["ApacheKafka", "Capabilities", "EmbeddedKafka", "Kafka", "SandboxError"]
