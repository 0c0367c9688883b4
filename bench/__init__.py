"""Throughput and latency of a worker beside a hand-written loop, in one run, on real Kafka."""
