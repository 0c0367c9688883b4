"""The play: produce, people on both sides, kill a worker half-way, wait until all is done, judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from streams.lag import measure
from streams.sandbox.demo.act import TwoWayAct
from streams.sandbox.demo.pairs import pairs_of
from streams.sandbox.demo.screen import Screen, View
from streams.sandbox.demo.stage import Stage
from streams.sandbox.samples import Record, produce, stories
from streams.sandbox.verify import Verdict, collect
from streams.sandbox.worker import WorkerProcess
from streams.topology import Topology, group_id

TEAMS = ("alpha", "beta", "gamma", "payments")

VIA = {"alpha": "by-team", "payments": "payments"}
"""The teams whose events name a connector; the routers of routers.yaml see to the others'."""

SERVICES = {
    "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1": "team alpha",
    "930bbbbbbbbbbbbbbbbbbbbbbbbbb0d1": "team beta",
    "930xxxxxxxxxxxxxxxxxxxxxxxxxx0d1": "all other teams",
    "930fffffffffffffffffffffffffff01": "no team named",
    "930cccccccccccccccccccccccccc0d1": "payments, alerts",
    "931cccccccccccccccccccccccccc0d1": "payments, Cases",
    "932cccccccccccccccccccccccccc0d1": "team gamma, urgent",
}
"""The integration keys of the documents, and what to call their services on the screen."""

PRODUCE_SECONDS = 12.0
"""Long enough to watch, short enough for the whole to end within a minute or so."""

LOOK_SECONDS = 0.5
"""Between two looks at the figures."""

TAKEOVER_SECONDS = 20
"""From the kill on, about: the session time-out of 10 s, then the group's join on the embedded Kafka."""

QUIET_LOOKS = 2
"""Looks in a row that find nothing left to do. One may fall between a change that came from PagerDuty and the Case
system's word of it."""

DONE_SECONDS = 90.0
"""Bound on the wait after the last input; a takeover on the embedded Kafka takes about 18 s."""


@dataclass(slots=True)
class Play:
    """One run of the demo. `finished` says whether everything was worked off before the bound."""

    stage: Stage
    screen: Screen
    records: Sequence[Record]
    view: View
    people: TwoWayAct
    finished: bool = False
    worker: WorkerProcess | None = None

    @classmethod
    def of(cls, stage: Stage, screen: Screen, *, seed: int, alerts: int, cases: int) -> Play:
        """A play with that many alerts and Cases, each from its first message to its last."""
        records = stories(seed, alerts=alerts, cases=cases, teams=TEAMS, connectors=VIA, start=int(time.time()) - 600)
        return cls(stage, screen, records, View(total=len(records)), TwoWayAct(stage, screen.say))

    async def perform(self) -> Verdict:
        """Run it to its end and judge it by the raw topics and the simulator's journal."""
        stage, screen = self.stage, self.screen
        for key, name in SERVICES.items():
            stage.simulator.name(key, name)
        await stage.prepare()
        screen.say("Kafka, PagerDuty simulator and a small Case system up; topics made, documents applied")
        first = await stage.launch_worker()
        self.view.worker = f"first (process {first.pid}), joining"
        watching = asyncio.create_task(self._watch())
        try:
            await stage.subscribe()
            screen.say("the doctor has subscribed to PagerDuty's webhooks; a test has arrived in Kafka")
            await first.ready()
            self.view.worker = f"first (process {first.pid})"
            screen.say(f"worker {first.pid} is at work; producing {len(self.records)} alerts and Cases")
            producing = asyncio.create_task(self._produce())
            second = await self._kill_half_way(first)
            await producing
            screen.say("everything is produced")
            await second.ready()
            self.worker = second
            self.view.worker = f"second (process {second.pid})"
            screen.say(f"worker {second.pid} has taken over")
            await self.people.resolved()
            self.finished = await self._done() and self.people.in_time
        finally:
            watching.cancel()
        screen.say("all worked off" if self.finished else f"not all worked off within {DONE_SECONDS:.0f} s")
        collected = await collect(stage.kafka.bootstrap, "", stage.simulator.events_url, stage.cases)
        return collected.judge()

    async def _produce(self) -> None:
        """Produce at an even rate, in steps, so that the screen can follow."""
        step = max(1, len(self.records) // int(PRODUCE_SECONDS / LOOK_SECONDS))
        started = time.monotonic()
        for index in range(0, len(self.records), step):
            await produce(self.stage.kafka.bootstrap, self.records[index : index + step])
            self.view.produced = min(len(self.records), index + step)
            due = started + (index + step) / len(self.records) * PRODUCE_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _kill_half_way(self, first: WorkerProcess) -> WorkerProcess:
        """SIGKILL once a third of what there is has been delivered and the Cases are open, amid the producing."""
        some = len(self.records) // 3
        await asyncio.gather(
            self.stage.simulator.seen(lambda entry: entry.status == 202, count=some, timeout=DONE_SECONDS),
            self.people.opened(),
        )
        await first.kill()
        self.screen.say(f"kill -9 {first.pid}: the worker is dead, with work in its hands")
        second = await self.stage.launch_worker()
        waiting = f"waiting for its partitions (about {TAKEOVER_SECONDS} s: session time-out, then the group's join)"
        self.screen.say(f"worker {second.pid} started, {waiting}; nothing is delivered meanwhile")
        self.view.worker = f"second (process {second.pid}), {waiting}"
        self.people.meanwhile()
        return second

    async def _watch(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        options = {"bootstrap_servers": self.stage.kafka.bootstrap}
        found = await measure(Topology.of(NAMING), group_id(NAMING), options)
        lag: dict[str, int] = {}
        for topic in found:
            lag[topic.stage] = lag.get(topic.stage, 0) + topic.records
        self.view.lag = lag
        simulator = self.stage.simulator
        services = {}
        for key, name in SERVICES.items():
            incidents = simulator.incidents(key)
            opened = sum(incident.status != "resolved" for incident in incidents)
            accepted = simulator.service(key).answers.get("202", 0)
            services[name] = (accepted, opened, len(incidents) - opened)
        self.view.services = services
        self.view.pairs = pairs_of(self.stage.store, simulator)
        self.screen.show(self.view)

    async def _done(self) -> bool:
        """Whether nothing is left to do for any stage, and nothing on its way, within the bound."""
        until = time.monotonic() + DONE_SECONDS
        quiet = 0
        while time.monotonic() < until:
            await self._look()
            busy = not self.view.lag or any(self.view.lag.values()) or self.people.on_its_way
            quiet = 0 if busy else quiet + 1
            if quiet == QUIET_LOOKS:
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False


@dataclass(frozen=True, slots=True)
class Naming:
    """The default names, as the demo's workers use them."""

    prefix: str = ""
    app_id: str = "pagerline"
    partitions: int = 8


NAMING = Naming()
