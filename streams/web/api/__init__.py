"""The operations of the API, a module a group; `OPERATIONS` is all of them."""

from __future__ import annotations

from streams.web.api import cases, explain, lag, letters, send
from streams.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *lag.OPERATIONS,
    *explain.OPERATIONS,
    *letters.OPERATIONS,
    *send.OPERATIONS,
    *cases.OPERATIONS,
)
