"""The name under which the simulator speaks of a routing key, which is a secret."""

from __future__ import annotations

import hashlib
import re

EVERY = "*"
"""Matches every destination in faults, limits and maintenance windows."""

REST = "rest"
"""Stands for the REST API in faults."""

_ID = re.compile(r"key:[0-9a-f]{16}")


def destination_of(key: str) -> str:
    """The destination id of a routing key: `key:` and the first 16 hex digits of its SHA-256.

    A destination id is given back as it is, so that callers may name a destination either way.
    """
    if _ID.fullmatch(key):
        return key
    return "key:" + hashlib.sha256(key.encode()).hexdigest()[:16]


def target_of(key: str) -> str:
    """Like `destination_of`, with `*` standing for every destination, and `rest` for the REST API."""
    return key if key in (EVERY, REST) else destination_of(key)
