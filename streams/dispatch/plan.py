"""What to do next for one incident."""

from __future__ import annotations

from streams.dispatch.incident import Incident, Record


def plan(incident: Incident) -> Record | None:
    """The outbox record to send now, or None when PagerDuty knows all there is to know."""
    return incident.pending[0] if incident.pending else None
