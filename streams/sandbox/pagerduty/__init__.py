"""A PagerDuty that runs on this machine, for the demo, for Pagerline's tests and for its users' own.

`Simulator` is all that most tests need:

    async with Simulator() as sim:
        await post(sim.events_url + "/v2/enqueue", event)
        assert sim.incident(routing_key, "db-1/disk").status == "triggered"

        service = sim.rest.add_service("Checkout")              # REST API v2 is at sim.api_url
        sim.webhooks.subscribe("http://127.0.0.1:8080/hook")    # webhooks v3
        incident = sim.people.open(service, "Checkout is slow", "alex@example.com")
        sim.people.resolve(incident.id, "alex@example.com", note="Disk was cleaned up.")
"""

from streams.sandbox.pagerduty.account import Service
from streams.sandbox.pagerduty.clock import Clock, ManualClock, SystemClock
from streams.sandbox.pagerduty.destination import EVERY, destination_of
from streams.sandbox.pagerduty.incidents import Effect, Incident
from streams.sandbox.pagerduty.journal import Entry
from streams.sandbox.pagerduty.rest.access import Access
from streams.sandbox.pagerduty.rest.journal import RestCall
from streams.sandbox.pagerduty.simulator import Simulator

__all__ = [
    "EVERY",
    "Access",
    "Clock",
    "Effect",
    "Entry",
    "Incident",
    "ManualClock",
    "RestCall",
    "Service",
    "Simulator",
    "SystemClock",
    "destination_of",
]
