"""The simulator's journal and incidents, as far as the verifier looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

Pair = tuple[str, str]
"""(destination, dedup key): what PagerDuty tells incidents apart by."""

TAKEN_IN: Final = frozenset({"opened", "updated", "acknowledged", "resolved", "dropped"})
"""Effects of a request that PagerDuty ingested. Also `none` with the reason `already_acknowledged`."""

LOST: Final = frozenset({"lose", "maintenance"})
"""Reasons of a drop that is PagerDuty's doing."""


class Request(NamedTuple):
    """An alert event that PagerDuty ingested, whether or not its answer got through."""

    order: int
    destination: str
    dedup_key: str
    action: str
    answered: bool
    """Whether the sender was told so, with a 2xx."""
    effect: str
    lost: bool
    source: str | None
    """The input that a trigger names in its custom details, `<topic>/<partition>/<offset>`."""

    @property
    def pair(self) -> Pair:
        return self.destination, self.dedup_key


def requests_of(journal: Iterable[Mapping[str, Any]]) -> list[Request]:
    """The ingested alert events of a journal, in order of arrival."""
    found = []
    for entry in journal:
        effect, reason = str(entry["effect"]), entry.get("reason")
        action, destination, dedup_key = entry["action"], entry["destination"], entry["dedup_key"]
        taken = effect in TAKEN_IN or reason == "already_acknowledged"
        if not taken or action not in ("trigger", "acknowledge", "resolve") or not destination or not dedup_key:
            continue
        status = entry["status"]
        found.append(
            Request(
                order=entry["order"],
                destination=destination,
                dedup_key=dedup_key,
                action=action,
                answered=status is not None and 200 <= status < 300,
                effect=effect,
                lost=effect == "dropped" and reason in LOST,
                source=_source(entry.get("custom_details")),
            )
        )
    return sorted(found)


def states_of(incidents: Iterable[Mapping[str, Any]]) -> dict[Pair, str]:
    """The status of the newest incident of each pair; `incidents` come oldest first."""
    return {(incident["destination"], incident["dedup_key"]): incident["status"] for incident in incidents}


def _source(details: object) -> str | None:
    pagerline = details.get("pagerline") if isinstance(details, dict) else None
    source = pagerline.get("source") if isinstance(pagerline, dict) else None
    return source if isinstance(source, str) else None
