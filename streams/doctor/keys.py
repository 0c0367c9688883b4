"""Whether PagerDuty knows the integration keys that connectors name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streams.doctor.finding import Finding, note, ok, wrong
from streams.documents.connector import Connector
from streams.documents.references import References
from streams.documents.secrets import Secret, is_routing_key, is_template
from streams.errors import UnresolvedReference
from streams.pagerduty.answers import Accepted, Refused, TryAgain, judge
from streams.pagerduty.events import EventsClient

NOBODY: Final = "pagerline-doctor"
"""A deduplication key that no incident has: PagerDuty answers a resolve of it and does nothing."""

MOST_KEYS: Final = 300
"""Asked for, one after another; some hundred milliseconds each."""


@dataclass(frozen=True, slots=True)
class Named:
    """A key and where events under it go (None: where the settings say)."""

    key: Secret
    events_url: str | None


def keys_named(
    connectors: Iterable[Connector], references: References
) -> tuple[dict[Named, list[str]], Sequence[Finding]]:
    """The keys that stand in connectors as they are, each with the connectors, and what could not be looked up.

    Templates are passed over: which key one gives depends on the event.
    """
    named: dict[Named, list[str]] = {}
    findings = []
    for connector in connectors:
        for fields in (connector.fields, *connector.overrides.values()):
            secret = fields.get("integrationKey")
            if secret is None or is_template(secret.reveal()):
                continue
            try:
                key = references.resolve(secret)
            except UnresolvedReference as error:
                findings.append(note("keys", f"connector {connector.id}: {error}"))
                continue
            if is_routing_key(key.reveal()):
                named.setdefault(Named(key, connector.options.events_url), []).append(connector.id)
            elif not is_template(key.reveal()):
                told = f"connector {connector.id}: what its reference leads to is no integration key"
                findings.append(wrong("keys", told, "put the key of 32 letters and digits there"))
    return named, findings


async def examine(connectors: Iterable[Connector], client: EventsClient) -> AsyncIterator[Finding]:
    """One finding for each key that does not work, and one for all others."""
    named, findings = keys_named(connectors, References())
    for finding in findings:
        yield finding
    known = 0
    for one, names in list(named.items())[:MOST_KEYS]:
        where = f"{one.key} of connector {', '.join(dict.fromkeys(names))}"
        record = {"action": "resolve", "dedup_key": NOBODY, "events_url": one.events_url}
        match judge(await client.enqueue(record, one.key.reveal())):
            case Accepted():
                known += 1
            case TryAgain(reason="rate_limited"):
                yield note("keys", f"{where} is at its limit, so it could not be tried")
            case TryAgain(reason, words):
                yield wrong(
                    "PagerDuty",
                    f"the Events API does not answer as it should ({reason}): {words}",
                    "see PAGERLINE_EVENTS_URL, HTTPS_PROXY, and status.pagerduty.com",
                )
                return
            case Refused(reason, words):
                yield wrong("keys", f"{where} is refused ({reason}): {words}", "copy the Integration Key again")
    if known:
        yield ok("keys", f"PagerDuty knows {known} of {len(named)}")
    if len(named) > MOST_KEYS:
        yield note("keys", f"{len(named) - MOST_KEYS} more were not tried")
