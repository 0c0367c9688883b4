"""Fixtures of the tests of `streams.kafka`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faust_harness import Arena


@pytest.fixture
async def arena(pagerline_apache_kafka: Any, tmp_path: Path) -> AsyncIterator[Arena]:
    """A corner of a real Kafka for one test; its worker processes end with the test."""
    async with Arena(pagerline_apache_kafka.bootstrap, tmp_path) as arena:
        yield arena
