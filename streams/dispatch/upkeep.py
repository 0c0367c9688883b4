"""Looking through all rows while the work goes on: what is over is deleted, what an older key sealed is sealed anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

from streams.dispatch.destination import Place
from streams.dispatch.rows import destination_of, index_key, is_account, is_incident, is_over
from streams.documents.renewal import Renewal
from streams.sync.row import CaseIncident

if TYPE_CHECKING:
    from streams.dispatch.dispatcher import Dispatcher

Rows = Iterable[tuple[int, bytes, bytes]]

YIELD_EVERY = 500
"""Rows looked through in one turn of the loop."""

RENEWED_AT_ONCE = 50
"""Rows on their way to the broker while more are sealed anew: some milliseconds of work, for pages come first."""


async def purge(owner: Dispatcher, rows: Rows, closed_before_ms: int) -> int:
    """Delete rows of incidents closed before that time (ms since the epoch); returns how many went.

    `rows` may be as old as this call: each is read again at the moment of its deletion. Ends when partitions move.
    """
    gone, epoch = 0, owner.epoch
    batch: list[Place] = []
    for number, (partition, key, row) in enumerate(rows, start=1):
        if is_incident(key) and is_over(key, row, closed_before_ms):
            batch.append((partition, key))
        if number % YIELD_EVERY == 0:
            gone += await _delete(owner, batch, closed_before_ms)
            batch = []
            await asyncio.sleep(0)
        if not owner.acts() or epoch != owner.epoch:
            return gone
    return gone + await _delete(owner, batch, closed_before_ms)


async def _delete(owner: Dispatcher, places: Iterable[Place], closed_before_ms: int) -> int:
    writes, deleted = [], 0
    for place in places:
        row = None if owner.runner_at(place) is not None else owner.table.read(*place)
        if row is not None and is_over(place[1], row, closed_before_ms):
            writes += [owner.table.write(place[0], key, None) for key in (place[1], *_indexes(place[1], row))]
            deleted += 1
    await asyncio.gather(*writes)
    return deleted


def _indexes(key: bytes, row: bytes) -> Iterable[bytes]:
    """The rows that lead to an account's incident, and go with it."""
    if not is_account(key):
        return ()
    incident = CaseIncident.from_row(row)
    ids = (*incident.past, *((incident.link.id,) if incident.link is not None else ()))
    return [index_key(destination_of(key).decode(), one) for one in ids]


async def renew(owner: Dispatcher, rows: Rows, renewal: Renewal) -> int:
    """Have rows and what is in memory sealed with the newest key; returns how many were not.

    Each is written by its incident's own task, so that nothing newer is overwritten: the count says what was begun, or
    has to wait for a request under way. Ends when partitions move.
    """
    epoch, found = owner.epoch, 0
    places = [(runner.place, True) for runner in owner.runners()]
    stored = (((partition, key), renewal.is_old(row)) for partition, key, row in rows)
    for number, (place, look) in enumerate(chain(places, stored), start=1):
        if number % YIELD_EVERY == 0:
            await asyncio.sleep(0)
        if not owner.acts() or epoch != owner.epoch:
            return found
        if look:
            runner = owner.runner(place)
            if runner.renew(renewal.record):
                found += 1
                if runner.task is not None and found % RENEWED_AT_ONCE == 0:
                    await asyncio.wait({runner.task})
            owner.sweep(runner)
    return found
