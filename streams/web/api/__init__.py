"""The operations of the API, a module a group; `OPERATIONS` is all of them."""

from __future__ import annotations

from streams.web.api import (
    cases,
    connectors,
    documents,
    explain,
    lag,
    letters,
    presets,
    preview,
    routers,
    send,
    testing,
    unsaved,
)
from streams.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *connectors.OPERATIONS,
    *presets.OPERATIONS,
    *routers.OPERATIONS,
    *testing.OPERATIONS,
    *unsaved.OPERATIONS,
    *send.OPERATIONS,
    *documents.OPERATIONS,
    *preview.OPERATIONS,
    *explain.OPERATIONS,
    *letters.OPERATIONS,
    *lag.OPERATIONS,
    *cases.OPERATIONS,
)
