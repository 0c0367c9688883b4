"""`pagerline sandbox demo` and `pagerline sandbox up`."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import suppress

import click
from rich.console import Console

from streams.sandbox.demo.play import Play
from streams.sandbox.demo.screen import Screen
from streams.sandbox.demo.stage import Stage
from streams.sandbox.worker import WORKER, WorkerProcess

TRY_NEXT = """\
Up, until Ctrl-C.

The console:               {web}/
People act on incidents:   {simulator}/sim/

In another terminal:

{activate}  export PAGERLINE_BROKERS={brokers} PAGERLINE_SECRET_KEYS={key}
  export PAGERLINE_EVENTS_URL={simulator} PAGERLINE_API_URL={simulator}
  pagerline sandbox cases --db {cases} open "Search is slow" --priority P2
  pagerline get connectors
  pagerline get routers -o yaml
  pagerline lag --topics
  pagerline sandbox produce --alerts 20 --team alpha --connector alpha=by-team
  pagerline dead-letters list
  echo '{{"alert": {{"groupingKey": "disk/web-1", "status": "Triggered"}}}}' | pagerline preview --event -
  pagerline cases list
  pagerline explain CASE-1
  pagerline doctor --integration main
  pagerline sandbox verify --simulator {simulator} --cases {cases}
  curl -s {simulator}/sim/incidents | python3 -m json.tool | sed -n 1,30p
  curl -s {health}/metrics | grep '^pagerline_outcomes_total'
"""


@click.command(
    epilog="""\b
Examples:
  pagerline sandbox demo
  pagerline sandbox demo --keep
"""
)
@click.option("--keep", is_flag=True, help="Stay up afterwards and say what to try next.")
@click.option("--seed", default=7, show_default=True, help="Of the sample alerts and Cases.")
@click.option("--alerts", default=120, show_default=True, type=click.IntRange(1, 300), help="Alerts, each with a life.")
@click.option("--cases", default=30, show_default=True, type=click.IntRange(0, 100), help="Cases, each with a life.")
@click.option("--worker", "program", help="Another worker program, to see the verdict find it out.")
def demo(keep: bool, seed: int, alerts: int, cases: int, program: str | None) -> None:
    """Alerts and Cases from an embedded Kafka to a simulated PagerDuty, with a worker killed by SIGKILL half-way.

    Two more Cases live in a small Case system; people act on them there and on their incidents in PagerDuty, while no
    worker runs too. Ends by itself within a minute or so. The verdict is computed from the raw topics, the simulator's
    account and the Case system's file: exit code 0 when every input is accounted for, PagerDuty's states are right, and
    Cases and incidents say the same, 1 when not.
    """
    console = Console()
    worker = tuple(shlex.split(program)) if program else WORKER
    try:
        sys.exit(asyncio.run(run(console, worker, keep=keep, seed=seed, alerts=alerts, cases=cases)))
    except KeyboardInterrupt:
        sys.exit(130)


@click.command(
    epilog="""\b
Example:
  pagerline sandbox up
"""
)
def up() -> None:
    """Run Kafka, the PagerDuty simulator, a worker, web and a small Case system with sample documents, until Ctrl-C."""
    console = Console()

    async def stand() -> None:
        async with Stage() as stage:
            await stage.prepare()
            worker = await stage.launch_worker()
            await stage.subscribe()
            await worker.ready()
            await stay(console, stage, worker)

    with suppress(KeyboardInterrupt):
        asyncio.run(stand())


async def stay(console: Console, stage: Stage, worker: WorkerProcess | None) -> None:
    """Say what to try next, and wait to be interrupted, or for the Case system to lose Kafka."""
    text = TRY_NEXT.format(
        activate=f"  . {shlex.quote(f'{sys.prefix}/bin/activate')}\n" if sys.prefix != sys.base_prefix else "",
        brokers=stage.kafka.bootstrap,
        key=stage.settings["PAGERLINE_SECRET_KEYS"],
        simulator=stage.simulator.events_url,
        cases=shlex.quote(str(stage.cases)),
        web=stage.web.url,
        health=worker.url if worker else "",
    )
    console.print(text, highlight=False, markup=False, soft_wrap=True)
    await stage.link.run()


async def run(console: Console, worker: tuple[str, ...], *, keep: bool, seed: int, alerts: int, cases: int) -> int:
    """Run the demo; returns the exit code."""
    async with Stage(worker) as stage:
        with Screen(console) as screen:
            play = Play.of(stage, screen, seed=seed, alerts=alerts, cases=cases)
            verdict = await play.perform()
        console.print()
        console.print(verdict.text(), highlight=False, markup=False, soft_wrap=True)
        if keep:
            with suppress(asyncio.CancelledError):  # Ctrl-C, which is how it ends; the verdict stands
                await stay(console, stage, play.worker)
        return 0 if verdict.ok and play.finished else 1
