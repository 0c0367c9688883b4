"""Applying many documents: `python -m bench.documents [--connectors N] [--routers N]`.

Writes connectors, and routers of ten rules each, as one YAML file; applies it with the command on Apache Kafka, changes
one connector and applies it again, and lets a process read all of it as a worker does at its start. Prints seconds, and
the memory of each process at its peak.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streams.documents.secrets import new_key
from streams.sandbox.kafka import ApacheKafka

RULES = 10

FOLLOW = """
import asyncio, resource, time
from streams.documents.log import DocumentLog
from streams.settings import load

async def main():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    async with DocumentLog(load()) as log:
        seconds = time.perf_counter() - started
        found = log.snapshot
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"{len(found.documents)} documents in {seconds:.2f} s, {grown / 1024:.0f} MB more")

asyncio.run(main())
"""


def connector(number: int) -> str:
    key = f"930{number:029d}"
    template = "{% if alertDef.entityLabels.team == 'team-" + str(number) + "' %}" + key + "{% endif %}"
    return (
        f"kind: connector\nid: c{number}\ntype: PAGERDUTY\nname: Connector {number}\n"
        f'fields:\n  integrationKey: "{key}"\n  dynamicintegrationKey: "{template}"\n'
    )


def router(number: int, connectors: int) -> str:
    rules = "".join(
        f"  - name: rule {rule}\n"
        f"    condition: alertDef.name is starting_with('s-{number}-{rule}') and alert.highestPriority == 'P1'\n"
        f"    targets: [c{(number * RULES + rule) % connectors}, c{(number + rule) % connectors}]\n"
        for rule in range(RULES)
    )
    return (
        f"kind: router\nid: r{number}\nname: Router {number}\nlabels: {{team: team-{number}, service: s}}\n"
        f"rules:\n{rules}fallback: {{alerts: c{number % connectors}}}\n"
    )


def run(what: str, *command: str) -> None:
    """Run a command to its end and print what it took."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        said = child.stdout.read()
        complaints = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(f"{what}: exit {child.returncode}\n{complaints}")
    last = said.splitlines()[-1] if said else ""
    print(f"{what}: {seconds:.1f} s ({usage.ru_utime + usage.ru_stime:.1f} s of CPU), "
          f"{usage.ru_maxrss / 1024:.0f} MB at the peak; {last}", flush=True)  # fmt: skip


async def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connectors", type=int, default=1_000, metavar="N")
    parser.add_argument("--routers", type=int, default=500, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with ApacheKafka() as kafka:
            os.environ.update(
                PAGERLINE_BROKERS=kafka.bootstrap, PAGERLINE_PARTITIONS="1", PAGERLINE_SECRET_KEYS=new_key()
            )
            file = Path(folder) / "documents.yaml"
            connectors = [connector(number) for number in range(options.connectors)]
            file.write_text(
                "---\n".join([*connectors, *(router(number, options.connectors) for number in range(options.routers))])
            )
            print(f"{options.connectors:,} connectors, {options.routers:,} routers of {RULES} rules: "
                  f"{file.stat().st_size / 1e6:.1f} MB of YAML", flush=True)  # fmt: skip
            pagerline = ("-m", "streams.cli.main")
            await asyncio.to_thread(run, "topics apply", *pagerline, "topics", "apply")
            await asyncio.to_thread(run, "apply", *pagerline, "apply", "-f", str(file))
            await asyncio.to_thread(run, "apply again, nothing changed", *pagerline, "apply", "-f", str(file))
            one = Path(folder) / "one.yaml"
            one.write_text(connectors[0].replace("Connector 0", "Renamed"))
            await asyncio.to_thread(run, "apply of one connector", *pagerline, "apply", "-f", str(one))
            await asyncio.to_thread(run, "read as at a worker's start", "-c", FOLLOW)


if __name__ == "__main__":
    asyncio.run(main())
