"""The order of a rotation: workers first looked at, documents, then what workers do, dead letters last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from streams.documents.log import DocumentLog
from streams.documents.renewal import Renewal
from streams.errors import PagerlineError
from streams.kafka.scan import scanner
from streams.kafka.topics import admin_client
from streams.rotation.documents import renew_documents
from streams.rotation.letters import old_letters, renew_letters
from streams.rotation.members import Member, members
from streams.rotation.topics import Remains, Watched
from streams.settings import Settings, kafka_options
from streams.topology import Topology, group_id

LOOK_SECONDS: Final = 1.0
"""Between two looks at what workers have left to do."""

TELL_SECONDS: Final = 5.0
"""Between two lines about it while it does not change."""

NAMED: Final = 5
"""Workers that one message names."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class End:
    """How it ended. `remains` and `letters`: what still needs an older key; `workers`: those that run; `alone`: there
    is no older key in the list."""

    remains: Remains
    letters: int
    workers: int
    alone: bool

    @property
    def done(self) -> bool:
        """Whether nothing needs an older key, nor one that is not at hand."""
        left = self.remains.documents + self.remains.of_workers + self.letters
        return left == 0 and not self.remains.locked


async def rotate(
    settings: Settings,
    say: Say,
    *,
    look_only: bool = False,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> End:
    """Seal everything with the newest key and wait until nothing needs an older one, for so many seconds. `look_only`:
    change nothing, and do not wait.

    `say` is told how far it is. Raises PagerlineError when a worker seals with another key, and as the topics do.
    """
    topology, group, options = Topology.of(settings), group_id(settings), kafka_options(settings)
    async with DocumentLog(settings) as log, admin_client(options) as admin, scanner(options) as scan:
        renewal, alone = Renewal(log.cipher), not log.cipher.rotating
        watched = Watched(scan, admin, topology, group, renewal)
        workers = await members(admin, group)
        say(f"workers: {len(workers):,}; the newest key is {log.cipher.key_id}")
        if not look_only:
            _same_key(workers, log.cipher.key_id)
        remains = await watched.look()
        say(f"to be sealed anew: {remains}")
        if look_only:
            return End(remains, len(await old_letters(scan, topology, renewal)), len(workers), alone)
        if names := watched.documents:
            count, nowhere = await renew_documents(log, names)
            watched.leave(nowhere)
            say(f"documents: {count:,} sealed anew")
        until, told = clock() + seconds, clock()
        while True:
            before, remains = remains, await watched.look()
            if not remains.of_workers + remains.documents or clock() > until:
                break
            if remains != before or clock() - told >= TELL_SECONDS:
                told = clock()
                say(f"waiting for workers: {remains}" + ("" if workers else "; no worker is running"))
            await sleep(LOOK_SECONDS)
            workers = await members(admin, group)
            _same_key(workers, log.cipher.key_id)
        if remains.of_workers:  # what is given up from now on may still be sealed with an older key
            return End(remains, len(await old_letters(scan, topology, renewal)), len(workers), alone)
        if letters := await old_letters(scan, topology, renewal):
            await renew_letters(letters, options, topology, renewal)
            say(f"dead letters: {len(letters):,} sealed anew")
        return End(await watched.look(), len(await old_letters(scan, topology, renewal)), len(workers), alone)


def _same_key(workers: Iterable[Member], key_id: str) -> None:
    """All workers must seal with the newest key, or more is sealed with an older one at once."""
    others = [worker for worker in workers if worker.key_id != key_id]
    if not others:
        return
    if not any(worker.host or worker.key_id for worker in others):  # a broker that tells nothing of a member
        raise PagerlineError(
            "the brokers do not say which key each worker has (the embedded Kafka does not); rotate against Apache "
            "Kafka"
        )
    named = "; ".join(
        f"the one on {one.host} with {one.key_id or 'one that it does not name'}" for one in others[:NAMED]
    )
    more = f"; and {len(others) - NAMED} more" if len(others) > NAMED else ""
    raise PagerlineError(
        f"not every worker seals with the newest key of PAGERLINE_SECRET_KEYS here, {key_id}: {named}{more}. Give them "
        "all the same list, newest first, and restart them one by one (docs/secrets.md)"
    )
