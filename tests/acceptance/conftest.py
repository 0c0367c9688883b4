"""Fixtures of the acceptance tests: an installation on each engine."""

from __future__ import annotations

import pytest

from streams.sandbox.kafka import Kafka
from streams.sandbox.pagerduty import Simulator
from tests.acceptance.running import Installation


@pytest.fixture
async def embedded(pagerline_kafka: Kafka, pagerline_prefix: str, pagerline_simulator: Simulator) -> Installation:
    """On the embedded Kafka."""
    installation = Installation(pagerline_kafka.bootstrap, pagerline_prefix, pagerline_simulator)
    await installation.make_topics()
    return installation


@pytest.fixture
async def real(pagerline_apache_kafka: Kafka, pagerline_prefix: str, pagerline_simulator: Simulator) -> Installation:
    """On Apache Kafka."""
    installation = Installation(pagerline_apache_kafka.bootstrap, pagerline_prefix, pagerline_simulator)
    await installation.make_topics()
    return installation
