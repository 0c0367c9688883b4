"""Which changes are known, and which are of our own doing: what is told of them is an echo. Pure."""

from __future__ import annotations

from dataclasses import replace

from streams.sync.pieces import Change
from streams.sync.row import CHANGES_KEPT, CaseIncident
from streams.sync.said import TO, Said
from streams.sync.times import near, order
from streams.updates import Actor

DOES = {"acknowledged": "Acknowledge", "unacknowledged": "Unacknowledge", "resolved": "Resolve"}
"""The operation that leads to a change."""


def heard_before(row: CaseIncident, said: Said) -> tuple[CaseIncident, bool]:
    """Whether this is a known change heard of in another way; else it is noted as known from now on."""
    found = None if _contradicts(row, said) else absorbed(row, said, own=False)
    if found is not None:
        return found, True
    webhook = said.found_by == "webhook"
    return noted(row, Change(said.kind, said.at, webhook=webhook, log=not webhook)), False


def absorbed(row: CaseIncident, said: Said, *, own: bool) -> CaseIncident | None:
    """Take it for the echo of a known change (`own`: of one of ours), which has been heard of by each way once."""
    webhook = said.found_by == "webhook"
    for place, one in enumerate(row.changes):
        free = not (one.webhook if webhook else one.log) and (one.own or not own)
        if free and one.kind == said.kind and near(one.at, said.at):
            heard = replace(one, webhook=one.webhook or webhook, log=one.log or not webhook)
            return replace(row, changes=(*row.changes[:place], heard, *row.changes[place + 1 :]))
    return None


def _contradicts(row: CaseIncident, said: Said) -> bool:
    """Whether it cannot be an echo: not older than what is known, and something else."""
    return said.kind in TO and said.to is not row.status and order(said.at, row.status_at) >= 0


def noted(row: CaseIncident, change: Change) -> CaseIncident:
    """A change is known from now on."""
    return replace(row, changes=(*row.changes, change)[-CHANGES_KEPT:])


def ours(row: CaseIncident, actor: Actor | None) -> bool:
    """Whether it was done by the user in whose name Pagerline speaks."""
    return row.me is not None and actor is not None and actor.id == row.me


def resolved_by_us(row: CaseIncident, said: Said) -> bool:
    """Whether what a person opened again was resolved by an operation that is not answered yet."""
    own = any(change.own and change.kind == "resolved" and change.at <= said.at for change in row.changes)
    return row.doing == DOES["resolved"] or own


def by_us(row: CaseIncident, said: Said) -> bool:
    """Whether it is of our doing: what the operation under way leads to, or what one before it has led to.

    That our user did it is no proof: it may be a person's own account.
    """
    kinds = ("acknowledged", "unacknowledged") if said.kind == "reopened" else (said.kind,)
    if row.doing is not None and row.doing in [DOES.get(kind) for kind in kinds]:
        return True
    return any(change.own and change.kind in kinds and near(change.at, said.at) for change in row.changes)
