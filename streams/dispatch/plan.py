"""What to do next for one incident, and how urgent that is."""

from __future__ import annotations

from enum import IntEnum

from streams.dispatch.incident import Incident, Record, is_digest, severity


class Rank(IntEnum):
    """Order within a destination when its limit binds (architecture, section 4)."""

    CRITICAL = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    STATE = 4
    """A resolve or an acknowledge."""
    REPEAT = 5
    """A trigger of what PagerDuty has already paged for."""


BY_SEVERITY = {"critical": Rank.CRITICAL, "error": Rank.ERROR, "warning": Rank.WARNING, "info": Rank.INFO}


LOW = (Rank.WARNING, Rank.INFO)
"""What a digest may stand for."""


def plan(incident: Incident) -> Record | None:
    """The outbox record to send now, or None when PagerDuty knows all there is to know."""
    return incident.pending[0] if incident.pending else None


def rank(incident: Incident) -> Rank:
    """The rank of the most urgent record that waits: what must go before a page goes with the page's rank."""
    most, paged = Rank.REPEAT, incident.paged
    for record in incident.pending:
        if record["action"] != "trigger":
            most = min(most, Rank.STATE)
            paged = paged and record["action"] != "resolve"
        elif not paged:
            level = Rank.CRITICAL if is_digest(record) else BY_SEVERITY.get(severity(record), Rank.ERROR)
            most = min(most, level)
    return most
