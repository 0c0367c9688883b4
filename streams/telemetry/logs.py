"""Logging of a worker: plain lines on standard error."""

from __future__ import annotations

from typing import Any

QUIET = ("aiokafka", "faust", "mode", "kafka", "asyncio")
"""Libraries whose debug records cost 9 % of the throughput even when no handler shows them, so their loggers' own
level is set, not only the handler's."""


def logging_config(level: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` for a worker; `level` is for Pagerline's own lines."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {name: {"level": "WARNING"} for name in QUIET} | {"pagerline": {"level": level}},
    }
