"""The demo: the main job on an embedded Kafka and a PagerDuty simulator, a worker killed half-way, a computed verdict."""
