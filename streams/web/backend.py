"""What the operations work with: the documents in memory, and the topics. The only part of the API that knows Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from streams.case_rows import all_rows, one_row
from streams.documents.changes import Changes
from streams.documents.connector import Connector, Entity
from streams.documents.log import DocumentLog
from streams.documents.snapshot import Snapshot
from streams.events import Event, Malformed, Skip
from streams.explain.search import Window
from streams.explain.tell import Told, tell
from streams.lag import TopicLag, measure
from streams.live import next_event, read_pins
from streams.project.row import CaseRow
from streams.replay.letters import Entry, Result
from streams.replay.selection import Plan, Selection, plan_replay
from streams.replay.topics import Topics, open_topics
from streams.routing.pin import Pin
from streams.send import Route, Sent, send_test
from streams.settings import Settings, kafka_options
from streams.topology import Topology, group_id
from streams.web.problem import ApiError, not_found

SEARCHES: Final = 4
"""Searches of topics at once: each has a client of its own and some megabytes; more wait for their turn."""

SEARCH_SECONDS: Final = 60.0
"""A search of a million records takes seconds; what takes longer than this had better be asked on the command line."""

TESTS: Final = 20
"""Test notifications, and previews that wait for an event, at once: they wait long and do little."""


LONGEST_WAIT_SECONDS: Final = 120.0
"""Who waits longer had better ask again, or use the command line."""


@dataclass(slots=True)
class Backend:
    """One for the process; `log` is opened by the app.

    `longest_wait`: seconds that any request may wait for outcomes or events, whatever it asks for.
    """

    settings: Settings
    log: DocumentLog
    longest_wait: float = LONGEST_WAIT_SECONDS
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _searches: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SEARCHES))
    _tests: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TESTS))

    @classmethod
    def of(cls, settings: Settings) -> Backend:
        """Raises SettingsError when PAGERLINE_SECRET_KEYS is not set."""
        return cls(settings, DocumentLog(settings))

    @property
    def topology(self) -> Topology:
        return Topology.of(self.settings)

    @property
    def options(self) -> Mapping[str, Any]:
        """Of any Kafka client."""
        return kafka_options(self.settings)

    @property
    def snapshot(self) -> Snapshot:
        """The documents as they are now."""
        return self.log.snapshot

    async def read(self) -> Snapshot:
        """The documents that are in the topic at this moment."""
        return await self.log.read()

    async def write(self, changes: Changes, *, by: str) -> Snapshot:
        """Write as one apply. Raises DocumentsChanged when somebody else was quicker."""
        async with self._writing:
            return await self.log.write(changes, by=by)

    def connector(self, connector_id: str) -> Connector:
        """Raises ApiError when there is none, or it cannot be read."""
        if connector_id not in self.snapshot.connectors:
            raise not_found(f"connector {connector_id}")
        return self.snapshot.connectors[connector_id]

    # -- what happened ------------------------------------------------------------------------------------------

    async def tell(self, text: str, window: Window) -> Told:
        """The stories of an id."""
        async with self._searching():
            return await tell(self.settings, text, window)

    async def lag(self) -> list[TopicLag]:
        """What every stage has still to do."""
        async with self._searching():
            return await measure(self.topology, group_id(self.settings), self.options)

    async def letters(self, selection: Selection, *, whole: bool) -> list[Entry]:
        """The dead letters of a selection. Raises DocumentError for an id that is not there."""
        async with self._searching(), open_topics(self.topology, self.options) as topics:
            return await selection.entries(topics, whole=whole)

    async def replay(
        self, selection: Selection, *, to: Connector | None, force: bool, dry_run: bool, wait: float
    ) -> tuple[Plan, Mapping[str, Result]]:
        """Send dead letters again; waits at most `wait` seconds for the outcomes (0: not at all)."""
        async with self._searching(), open_topics(self.topology, self.options) as topics:
            entries = await selection.entries(topics, whole=True)
            plan = plan_replay(entries, prefix=self.settings.prefix, force=force, to=to)
            if dry_run or not plan.go:
                return plan, {}
            place = await topics.place()
            await topics.write(plan.go, lambda: None)
            return plan, await _outcomes(topics, place, [one.letter.id for one in plan.go], self._bounded(wait))

    async def send(
        self,
        connector: Connector,
        *,
        entity: Entity | None,
        preset: str | None,
        wait: float,
        told: Callable[[str], None],
    ) -> Sent:
        """A test notification through the whole path."""
        wait = self._bounded(wait)
        async with self._tests:
            return await send_test(
                Route(self.topology, self.options), connector, entity=entity, preset=preset, timeout=wait, told=told
            )

    async def pins(self, incident: str) -> Mapping[str, Pin]:
        """Where an incident is pinned, by connector."""
        async with self._searching():
            return await read_pins(self.options, self.topology, incident)

    async def next_event(self, seconds: float) -> Event | Malformed | Skip | None:
        """The next event that is written to `alerts` or `cases`; None when none comes in time."""
        async with self._tests:
            return await next_event(
                self.options, self.topology, seconds=self._bounded(seconds), max_bytes=self.settings.max_event_bytes
            )

    async def case_rows(self) -> list[CaseRow]:
        """Table `cases`."""
        async with self._searching():
            return await all_rows(self.topology, self.options)

    async def case_row(self, case: str) -> CaseRow | None:
        """One of its rows."""
        async with self._searching():
            return await one_row(self.topology, self.options, case)

    def _bounded(self, wait: float) -> float:
        return min(wait, self.longest_wait)

    @asynccontextmanager
    async def _searching(self) -> AsyncIterator[None]:
        try:
            async with self._searches, asyncio.timeout(SEARCH_SECONDS):
                yield
        except TimeoutError:
            raise ApiError(
                "unavailable",
                f"it took longer than {SEARCH_SECONDS:.0f} s; the command line has no such bound",
                headers={"Retry-After": "60"},
            ) from None


async def _outcomes(topics: Topics, place: Any, ids: list[str], wait: float) -> Mapping[str, Result]:
    """Those that are there within `wait` seconds."""
    found: dict[str, Result] = {}

    def ended(result: Result) -> None:
        found[result.id] = result

    try:
        async with asyncio.timeout(wait):
            return await topics.wait(place, ids, ended, lambda: None)
    except TimeoutError:
        return found
