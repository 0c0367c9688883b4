"""The second act: people on both sides of two Cases, one of them while no worker runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from streams.sandbox.case_system import Person
from streams.sandbox.demo.pairs import pair_of
from streams.sandbox.demo.stage import Stage
from streams.sandbox.pagerduty.incidents import Incident

ADA: Final = Person("ada@example.com")
ALEX, KIM, ROBIN = "alex@example.com", "kim@example.com", "robin@example.com"

STEP_SECONDS: Final = 30.0
"""Bound on the wait for one step; on an idle machine it takes some hundred milliseconds. The demo goes on without."""

LOOK_SECONDS: Final = 0.05


class TwoWayAct:
    """What people do, in three scenes around the death of the worker. Each waits for the other side to follow.

    `in_time` says whether it did every time; what it came to, the verdict says.
    """

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self._store = stage.store
        self._simulator = stage.simulator
        self._say = say
        self.in_time = True
        self._checkout = self._payments = ""

    async def opened(self) -> None:
        """Two Cases are opened; Alex acknowledges the one at PagerDuty."""
        self._checkout = self._store.open("Checkout is slow", ADA, priority="P1")
        self._payments = self._store.open("Card payments fail", ADA, priority="P2")
        text = f"Ada opens {self._checkout} and {self._payments}: each has its incident at PagerDuty"
        await self._follows(text, self._both_there)
        if self._both_there():
            self._simulator.people.acknowledge(self._id(self._checkout), ALEX)
            text = f"Alex acknowledges in PagerDuty: {self._checkout} is acknowledged as well"
            await self._follows(text, lambda: self._store.case(self._checkout)["status"] == "ACKNOWLEDGED")

    def meanwhile(self) -> None:
        """While the worker is dead, both sides go on."""
        if not self._both_there():
            return
        self._store.comment(self._checkout, ADA, "Since the deployment at noon")
        self._simulator.people.add_note(self._id(self._checkout), ROBIN, "The connection pool is exhausted")
        self._simulator.people.resolve(self._id(self._payments), KIM, note="The bank is back")
        self._say("meanwhile Ada and Robin comment, each on their side, and Kim resolves the other in PagerDuty")

    async def resolved(self) -> None:
        """Both sides have heard of each other; Ada resolves her Case."""
        if not self._both_there():
            return
        text = "what either side did in the meantime is on the other"
        await self._follows(text, lambda: self._in_step(self._checkout) and self._in_step(self._payments))
        self._store.resolve(self._checkout, ADA, "Rolled back")
        text = f"Ada resolves {self._checkout}: its incident is resolved, with her note"
        await self._follows(text, lambda: self._in_step(self._checkout))

    @property
    def on_its_way(self) -> bool:
        """Whether a notice of the Case system or a webhook has not been handed over yet."""
        return bool(self._store.unsent(1)) or bool(self._simulator.webhooks_waiting)

    def _both_there(self) -> bool:
        return all(self._incident(case) is not None for case in (self._checkout, self._payments))

    def _in_step(self, case: str) -> bool:
        return pair_of(self._store, self._simulator, case).in_step

    def _incident(self, case: str) -> Incident | None:
        found = self._simulator.rest.incidents(incident_key=f"case/{case}") if case else []
        return found[-1] if found else None

    def _id(self, case: str) -> str:
        incident = self._incident(case)
        assert incident is not None, "nobody acts on an incident that there is not"
        return incident.id

    async def _follows(self, text: str, holds: Callable[[], object]) -> None:
        """Wait until the other side has followed, and say so with the time it took."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > STEP_SECONDS:
                self.in_time = False
                self._say(f"NOT within {STEP_SECONDS:.0f} s: {text}")
                return
            await asyncio.sleep(LOOK_SECONDS)
        self._say(f"{text} (after {time.monotonic() - began:.1f} s)")
