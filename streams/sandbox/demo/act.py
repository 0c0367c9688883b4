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

STEP_SECONDS: Final = 15.0
"""Bound on the wait for one step of an idle system, which takes some hundred milliseconds; the demo goes on without."""

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
        if not await self._until(lambda: self._incident(self._checkout) and self._incident(self._payments)):
            self._say("PagerDuty has not heard of the Cases that Ada opened")
            return
        self._say(f"Ada opens {self._checkout} and {self._payments}: each has its incident at PagerDuty")
        self._simulator.people.acknowledge(self._id(self._checkout), ALEX)
        followed = await self._until(lambda: self._store.case(self._checkout)["status"] == "ACKNOWLEDGED")
        self._tell(followed, f"Alex acknowledges in PagerDuty: {self._checkout} is acknowledged as well")

    def meanwhile(self) -> None:
        """While the worker is dead, both sides go on."""
        if not (self._incident(self._checkout) and self._incident(self._payments)):
            return
        self._store.comment(self._checkout, ADA, "Since the deployment at noon")
        self._simulator.people.add_note(self._id(self._checkout), ROBIN, "The connection pool is exhausted")
        self._simulator.people.resolve(self._id(self._payments), KIM, note="The bank is back")
        self._say("meanwhile Ada and Robin comment, each on their side, and Kim resolves the other in PagerDuty")

    async def resolved(self) -> None:
        """Both sides have heard of each other; Ada resolves her Case."""
        if not (self._incident(self._checkout) and self._incident(self._payments)):
            return
        followed = await self._until(lambda: self._in_step(self._checkout) and self._in_step(self._payments))
        self._tell(followed, "what either side did in the meantime is on the other, once")
        self._store.resolve(self._checkout, ADA, "Rolled back")
        followed = await self._until(lambda: self._in_step(self._checkout))
        self._tell(followed, f"Ada resolves {self._checkout}: its incident is resolved, with her note")

    @property
    def on_its_way(self) -> bool:
        """Whether a notice of the Case system or a webhook has not been handed over yet."""
        return bool(self._store.unsent(1)) or bool(self._simulator.webhooks_waiting)

    def _in_step(self, case: str) -> bool:
        return pair_of(self._store, self._simulator, case).in_step

    def _incident(self, case: str) -> Incident | None:
        found = self._simulator.rest.incidents(incident_key=f"case/{case}") if case else []
        return found[-1] if found else None

    def _id(self, case: str) -> str:
        incident = self._incident(case)
        assert incident is not None, "nobody acts on an incident that there is not"
        return incident.id

    async def _until(self, holds: Callable[[], object]) -> bool:
        until = time.monotonic() + STEP_SECONDS
        while not holds():
            if time.monotonic() > until:
                self.in_time = False
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    def _tell(self, followed: bool, text: str) -> None:
        self._say(text if followed else f"NOT within {STEP_SECONDS:.0f} s: {text}")
