"""A PagerDuty that runs on this machine, for the demo, for Pagerline's tests and for its users' own.

`Simulator` is all that most tests need:

    async with Simulator() as sim:
        await post(sim.events_url + "/v2/enqueue", event)
        assert sim.incident(routing_key, "db-1/disk").status == "triggered"
"""

from streams.sandbox.pagerduty.account import Service
from streams.sandbox.pagerduty.clock import Clock, ManualClock, SystemClock
from streams.sandbox.pagerduty.destination import EVERY, destination_of
from streams.sandbox.pagerduty.incidents import Effect, Incident
from streams.sandbox.pagerduty.journal import Entry
from streams.sandbox.pagerduty.simulator import Simulator

__all__ = [
    "EVERY",
    "Clock",
    "Effect",
    "Entry",
    "Incident",
    "ManualClock",
    "Service",
    "Simulator",
    "SystemClock",
    "destination_of",
]
