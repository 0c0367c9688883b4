"""Both sides of the bi-directional path for acceptance tests: a Case system, an account, Pagerline between them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import orjson

from streams.sandbox.case_system.link import CaseLink
from streams.sandbox.case_system.notice import Person
from streams.sandbox.case_system.store import CaseRefused, CaseStore
from streams.sandbox.pagerduty.incidents import Incident
from streams.sandbox.pagerduty.rest.journal import RestCall
from streams.sandbox.verify.collect import Reader
from streams.sync import notes
from tests.acceptance.running import Installation
from tests.acceptance.test_replay import pagerline
from tests.acceptance.test_web import Web

BOT, ALEX, ROBIN = "bot@example.com", "alex.person@example.com", "robin.person@example.com"
ADA = Person("ada@example.com")
TOKEN = "u+" + "t" * 18
SAME = {"OPEN": "triggered", "ACKNOWLEDGED": "acknowledged", "RESOLVED": "resolved", "CLOSED": "resolved"}
TOLD_AS = {
    "acknowledge": "acknowledged",
    "unacknowledge": "unacknowledged",
    "resolve": "resolved",
    "reopen": "reopened",
}
BECOMES = {"acknowledge": "acknowledged", "unacknowledge": "triggered", "resolve": "resolved"}
TOLD = frozenset(TOLD_AS.values())
LOGGED = {
    "trigger": "create",
    "acknowledge": "status",
    "unacknowledge": "status",
    "resolve": "status",
    "reopen": "status",
}

DOCUMENTS = """
kind: integration
id: main
name: Main
token: "{token}"
from: {bot}
baseUrl: {api}
webhookSecrets: ["{secret}"]
subscription: {subscription}
---
kind: connector
id: cases
type: PAGERDUTY_INCIDENTS
name: Cases
fields:
  integrationId: main
  service: {service}
"""


class TwoWay:
    """Opened around a test: the web process runs, documents are applied, the Case system follows. No worker yet."""

    def __init__(
        self, installation: Installation, folder: Path, *, service: str = "Payments", dynamic: str = ""
    ) -> None:
        self.installation, self.folder = installation, folder
        self.sim = installation.simulator
        self.store = CaseStore(folder / "cases.sqlite")
        self.link = CaseLink(self.store, installation.brokers, prefix=installation.prefix)
        self.service, self.dynamic = service, dynamic
        self.said: list[str] = []
        self.web: Web | None = None
        self._open = AsyncExitStack()

    async def __aenter__(self) -> TwoWay:
        sim = self.sim
        for name, email in (("Bot", BOT), ("Alex Person", ALEX), ("Robin Person", ROBIN)):
            sim.rest.add_user(name, email)
        for name in ("Payments", "Search"):
            sim.rest.add_service(name)
        try:
            await self.start_web()
            self.subscription = sim.webhooks.subscribe(f"{self.url}/webhooks/pagerduty/main")
            await self.apply()
            await self._open.enter_async_context(self.link)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._open.aclose()
        await self.stop_web()
        self.store.close()

    async def start_web(self, bind: str = "127.0.0.1:0") -> None:
        """`pagerline web`; the same port again after it was killed."""
        self.web = Web(self.folder, self.installation.settings, bind)
        await self.web.__aenter__()

    @property
    def url(self) -> str:
        """Where the web process listens."""
        assert self.web is not None
        return self.web.url

    async def stop_web(self) -> None:
        """kill -9."""
        if self.web is not None:
            await self.web.__aexit__()
            self.web = None

    async def apply(self) -> None:
        path = self.folder / "documents.yaml"
        documents = DOCUMENTS.format(
            token=TOKEN,
            bot=BOT,
            api=self.sim.api_url,
            secret=self.subscription.secret,
            subscription=self.subscription.id,
            service=self.service,
        )
        path.write_text(documents + (f'  dynamicservice: "{self.dynamic}"\n' if self.dynamic else ""))
        code, _out, told = await pagerline(self.installation.settings, self.folder, "apply", "-f", str(path))
        assert code == 0, told

    # -- looking ----------------------------------------------------------------------------------------------------

    def incidents(self, case: str) -> list[Incident]:
        return self.sim.rest.incidents(incident_key=f"case/{case}")

    def incident(self, case: str) -> Incident:
        [found] = self.incidents(case)
        return found

    def status(self, case: str) -> str:
        return str(self.store.case(case)["status"])

    async def until(self, holds: Callable[[], Any], *, seconds: float = 60.0) -> float:
        """Wait for a condition; how long that took, in seconds."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.002)
        return time.monotonic() - began

    async def quiet(self) -> None:
        """Wait until nothing moves any more on either side, and nothing is left in between."""
        calm = 0
        async with asyncio.timeout(240):
            while calm < 4:
                before = self._picture()
                await asyncio.sleep(0.5)
                lag = await self.installation.lag()
                still = lag == 0 and not self.store.unsent(1) and self._picture() == before
                calm = calm + 1 if still else 0

    def _picture(self) -> tuple[int, int]:
        return len(self.sim.history.log), sum(len(self.store.comments(one["id"])) for one in self.store.cases())

    # -- doing ------------------------------------------------------------------------------------------------------

    def act(self, random: Random, case: str) -> None:
        """One action of anybody on a Case or its incident; what cannot be done now is not."""
        incidents = self.incidents(case)
        does = random.choice(("case", "pagerduty"))
        try:
            if does == "case":
                what = random.choice(("acknowledge", "unacknowledge", "comment", "comment", "priority", "resolve"))
                if what == "comment":
                    self.store.comment(case, ADA, f"comment {random.random()}")
                elif what == "priority":
                    self.store.prioritise(case, ADA, random.choice(("P1", "P2", "P3")))
                elif what == "resolve":
                    if random.random() < 0.2:
                        self.store.resolve(case, ADA, random.choice((None, "fixed")))
                else:
                    getattr(self.store, what)(case, ADA)
            elif incidents:
                self.person_acts(random, case)
        except (CaseRefused, ValueError):
            return

    def person_acts(self, random: Random, case: str) -> None:
        """One action of a person at PagerDuty."""
        people, name, who = self.sim.people, self.incident(case).id, random.choice((ALEX, ROBIN))
        what = random.choice(("acknowledge", "unacknowledge", "add_note", "add_note", "resolve"))
        try:
            if what == "add_note":
                text = f"note {random.random()}"
                people.add_note(name, who, text)
                self.said.append(text)
            elif what == "resolve":
                if random.random() < 0.2:
                    people.resolve(name, who, note=random.choice((None, "done")))
            else:
                getattr(people, what)(name, who)
        except ValueError:
            return

    async def replay(self, reason: str) -> None:
        """`pagerline dead-letters replay`."""
        arguments = ("dead-letters", "replay", "--reason", reason)
        code, _out, told = await pagerline(self.installation.settings, self.folder, *arguments)
        assert code == 0, told

    # -- what must hold -----------------------------------------------------------------------------------------

    def wrong(self) -> list[str]:
        """What is not as it must be once all is quiet, in words."""
        found = []
        texts: Counter[str] = Counter()
        for case in self.store.cases():
            name, incidents = case["id"], self.incidents(case["id"])
            if len(incidents) != 1:
                found.append(f"{name} has {len(incidents)} incidents")
                continue
            if incidents[0].status != SAME[case["status"]]:
                found.append(f"{name} is {case['status']}, its incident {incidents[0].status}")
            posted = self.sim.people.notes(incidents[0].id)
            marks = Counter(mark.comment for text in posted if (mark := notes.marker(text)) is not None)
            for comment in self.store.comments(name):
                if comment["origin"] == "case" and marks[comment["id"]] != 1:
                    found.append(f"comment {comment['id']} stands {marks[comment['id']]} times at PagerDuty")
                elif comment["origin"] == "pagerduty":
                    texts[comment["text"]] += 1
            found += [f"{mark} stands {count} times" for mark, count in marks.items() if count != 1]
        found += [f"{text!r} stands {texts[text]} times on its Case" for text in self.said if texts[text] != 1]
        return found + self.needless()

    async def untold(self) -> list[str]:
        """Changes of status by people that are not in `case-updates` once each, in their order."""
        told: dict[str, list[str]] = defaultdict(list)
        seen: set[str] = set()
        for update in await self.records("case-updates"):
            if update["change"] in TOLD and update["id"] not in seen:
                told[update["case"]].append(update["change"])
            seen.add(update["id"])
        found = []
        for case in self.store.cases():
            log = self.sim.rest.card(self.incident(case["id"]).id).log
            ours = self._ours()
            all_done = [TOLD_AS[entry.type] for entry in log if entry.type in TOLD_AS and entry not in ours]
            # Who acknowledges what somebody else has acknowledged changes nothing.
            done = [one for one, before in zip(all_done, ["", *all_done], strict=False) if one != before]
            if told[case["id"]] != done:
                found.append(f"{case['id']}: people did {done}, it was told {told[case['id']]}")
        return found

    async def dead_letters(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many."""
        async with asyncio.timeout(60):
            while len(found := await self.records("dead-letters")) < count:
                await asyncio.sleep(0.2)
        return found

    async def records(self, topic: str) -> list[dict[str, Any]]:
        """All values of a topic, oldest first within each key."""
        name = f"{self.installation.prefix}{topic}"
        async with Reader(self.installation.brokers) as reader:
            return [orjson.loads(record.value) async for record in reader.records([name]) if record.value]

    def needless(self) -> list[str]:
        """REST writes that changed nothing, by what they did and what the log says that we did.

        Not those that somebody was faster with, between our reading the incident and our writing its status.
        """
        made = Counter(LOGGED[entry.type] for entry in self._ours() if entry.type in LOGGED)
        made["note"] = sum(entry.type == "annotate" for entry in self._ours())
        wrote: Counter[str] = Counter()
        read: dict[str | None, int] = {}
        for call in self.sim.rest.journal:
            if call.action == "get_incident":
                read[call.incident] = call.at
            if not call.write or not call.done:
                continue
            status = (call.body or {}).get("incident", {}).get("status")
            if call.action == "create_incident":
                wrote["create"] += 1
            elif call.action == "create_note":
                wrote["note"] += 1
            elif status is not None:
                wrote["status"] += not self._somebody_was_faster(call, status, read.get(call.incident, 0))
        found = [kind for kind in wrote | made if wrote[kind] != made[kind]]
        return [f"{wrote[kind]} writes of {kind}, {made[kind]} changes" for kind in found]

    def _somebody_was_faster(self, call: RestCall, status: str, read_at: int) -> bool:
        ours = self._ours()
        between = [entry for entry in self.sim.history.log if read_at <= entry.at <= call.at and entry not in ours]
        return any(entry.incident.id == call.incident and BECOMES.get(entry.type) == status for entry in between)

    def _ours(self) -> list[Any]:
        return [entry for entry in self.sim.history.log if getattr(entry.agent, "email", None) == BOT]
