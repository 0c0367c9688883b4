"""What is particular to accounts: webhooks find their Cases, open incidents are known, and others than Cases have
turns."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from streams.dispatch.case_runner import CaseRunner
from streams.dispatch.destination import Destination, Place
from streams.dispatch.incident import row_key
from streams.dispatch.plan import Rank
from streams.dispatch.rows import cursor_key, destination_of, index_key
from streams.dispatch.runner import Ack
from streams.sync.row import CaseIncident
from streams.sync.said import Said
from streams.sync.status import Status

if TYPE_CHECKING:
    from streams.dispatch.dispatcher import Dispatcher


class AccountDesk:
    """The accounts of this worker's partitions."""

    def __init__(self, owner: Dispatcher) -> None:
        self._owner = owner
        self._open: dict[str, dict[str, Place]] = defaultdict(dict)
        self._guests: dict[Place, asyncio.Future[None]] = {}

    # -- what PagerDuty says ----------------------------------------------------------------------------------------

    def hear(self, partition: int, account: str, said: Said, ack: Ack) -> str:
        """Take what PagerDuty said to its Case. `ack` is called once, when all that follows is confirmed by the broker.

        Returns what became of it, as a word: `news`, `echo` (the row knows it), or `unknown_incident`. Between `drain`
        and `recover` it is dropped, as it comes again.
        """
        if not self._owner.acts():
            return "dropped"
        place = self._place(partition, account, said)
        if place is None:
            ack()
            return "unknown_incident"
        runner = self._owner.runner(place)
        assert isinstance(runner, CaseRunner), "accounts have Cases"
        new = runner.hear(said, ack)
        self._owner.sweep(runner)
        return "news" if new else "echo"

    def _place(self, partition: int, account: str, said: Said) -> Place | None:
        """Where the Case of an incident is: by the incident's key, else by its id."""
        key = row_key(account, said.key) if said.key is not None else None
        if key is None or not self._known((partition, key)):
            key = self._owner.table.read(partition, index_key(account, said.incident))
        return (partition, key) if key is not None and self._known((partition, key)) else None

    def _known(self, place: Place) -> bool:
        return self._owner.runner_at(place) is not None or self._owner.table.read(*place) is not None

    # -- which incidents are open -----------------------------------------------------------------------------------

    def noted(self, place: Place, incident: CaseIncident) -> None:
        """The row of a Case was read or written."""
        if incident.link is None:
            return
        account = destination_of(place[1]).decode()
        if incident.ended is None and incident.status is not Status.RESOLVED:
            self._open[account][incident.link.id] = place
        else:
            self._open[account].pop(incident.link.id, None)

    def open_incidents(self, account: str) -> list[str]:
        """Ids of the incidents of Cases that were open when last heard of."""
        return list(self._open.get(account, ()))

    # -- turns for others ---------------------------------------------------------------------------------------

    async def turn(self, partition: int, account: str, limit: int) -> Destination:
        """A turn at the account for a call that is no Case's; whoever has it gives it back."""
        place = (partition, cursor_key(account))
        destination = self._owner.destination({"destination": account, "limit": limit})
        if not destination.take(Rank.REPEAT):
            future = self._guests[place] = asyncio.get_running_loop().create_future()
            destination.wait(place, Rank.REPEAT, float(destination.rounds.join(place, "")))
            await future
        return destination

    def granted(self, place: Place) -> bool:
        """Whether a turn was for one of these."""
        future = self._guests.pop(place, None)
        if future is None:
            return False
        if not future.done():
            future.set_result(None)
        return True

    def dismissed(self, place: Place) -> bool:
        """Whether one of these stood in the line of an account that refuses; it does not wait any more."""
        future = self._guests.pop(place, None)
        return future is not None and future.cancel()

    def close(self) -> None:
        """The partitions are given back."""
        for future in self._guests.values():
            future.cancel()
        self._guests.clear()
        self._open.clear()
