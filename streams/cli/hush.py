"""Quiet clients."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hushed() -> Iterator[None]:
    """What the clients log of a broker that is away, a command says in one line of its own."""
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in ("aiokafka", "pagerline.documents")}
    try:
        for logger in levels:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
