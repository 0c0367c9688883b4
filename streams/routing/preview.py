"""What would become of an event, told in full: routers, rules, templates, destination and request. Sends nothing.

    shown = preview(event, snapshot, pins)
    changed = preview(event, with_documents(snapshot, documents), pins)
    differences(shown, changed)                # streams.routing.previewed

Everything that is told is decided by the same functions as when it counts. No routing key is in it but masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from streams.documents.document import Document, kind_of
from streams.documents.secrets import mask
from streams.documents.snapshot import Snapshot
from streams.events import Event
from streams.pagerduty.body import PATH, event_body
from streams.routing.age import TooOld
from streams.routing.connectors import choose_connectors
from streams.routing.decide import decide
from streams.routing.decision import Decision, Reject, Send
from streams.routing.destination import Resolve, as_it_is
from streams.routing.labels import routing_labels
from streams.routing.outbox import outbox_record
from streams.routing.pin import Pin
from streams.routing.plain import keyless
from streams.routing.presets import Tried, Writer
from streams.routing.previewed import Outcome, Preview, Request, RouterSeen, RuleSeen
from streams.routing.routers import (
    ENTITY_TYPES,
    AtWork,
    Choice,
    Routed,
    RouterAtWork,
    RuleAtWork,
    Verdict,
    at_work,
    written_at,
)

NEAR_MISSES: Final = 10
"""Routers told that do not match and share a label with the event; an account may have hundreds."""


def preview(
    event: Event,
    documents: Snapshot,
    pins: Mapping[str, Pin],
    *,
    connector: str | None = None,
    too_old: TooOld | None = None,
    resolve: Resolve = as_it_is,
    events_url: str = "https://events.pagerduty.com",
) -> Preview:
    """What `decide` would decide. `connector`: as if the event named that one; `events_url`: the worker's setting.

    Never raises.
    """
    if connector is not None:
        event = replace(event, connectors=(connector,))
    ready = at_work(documents)
    decisions = decide(event, documents, pins, too_old=too_old, resolve=resolve)
    chosen = choose_connectors(event, ready, pins) if event.action is not None else None
    choices = {one.connector: one for one in chosen.choices} if isinstance(chosen, Routed) else {}
    routers, others = _routers(event, ready)
    return Preview(
        incident=event.incident,
        action=event.action,
        revision=documents.revision,
        labels=routing_labels(event, ready.routers.label_names),
        asked=ready.routed and not event.connectors and not (event.action != "trigger" and pins),
        routers=routers,
        others=others,
        outcomes=tuple(_outcome(event, one, choices, ready, events_url) for one in decisions),
    )


def with_documents(snapshot: Snapshot, documents: Iterable[Document]) -> Snapshot:
    """The snapshot as it would be after an apply of these documents: the next revision."""
    changed: dict[str, dict[str, Any]] = {}
    for document in documents:
        kind = kind_of(document) + "s"
        changed.setdefault(kind, dict(getattr(snapshot, kind)))[document.id] = document
    return replace(snapshot, revision=snapshot.revision + 1, **changed)  # type: ignore[arg-type]


# -- routers ----------------------------------------------------------------------------------------------------------


def _routers(event: Event, ready: AtWork) -> tuple[tuple[RouterSeen, ...], int]:
    matching = ready.routers.matching(event)
    labels = routing_labels(event, ready.routers.label_names)
    near: list[RouterSeen] = []
    enabled = ready.routers.all
    for one in enabled:
        wanted = one.router.labels
        lacking = tuple(name for name, value in wanted.items() if value not in labels.get(name, ()))
        if lacking and len(lacking) < len(wanted) and len(near) < NEAR_MISSES:
            near.append(RouterSeen(one.router.id, dict(wanted), lacking))
    seen = (*(_matching(one, event) for one in matching), *near)
    return seen, len(enabled) - len(seen)


def _matching(one: RouterAtWork, event: Event) -> RouterSeen:
    entity = ENTITY_TYPES[event.kind]
    rules = tuple(_rule(rule, rule.holds(event, partial(written_at, event))) for rule in one.rules[entity])
    return RouterSeen(
        one.router.id,
        dict(one.router.labels),
        (),
        rules,
        tuple(choice.connector for choice in one.fallback.get(entity, ())),
        used=not any(rule.outcome == "true" for rule in rules),
    )


def _rule(rule: RuleAtWork, verdict: Verdict) -> RuleSeen:
    return RuleSeen(
        rule.name,
        keyless(rule.rule.condition),
        verdict.outcome,
        verdict.reason,
        verdict.missing,
        tuple(choice.connector for choice in rule.choices),
    )


# -- outcomes ---------------------------------------------------------------------------------------------------------


def _outcome(
    event: Event, decision: Decision, choices: Mapping[str, Choice], ready: AtWork, events_url: str
) -> Outcome:
    if not isinstance(decision, Send):
        why = decision.why
        return Outcome(
            "reject" if isinstance(decision, Reject) else "skip",
            decision.connector_id,
            decision.reason,
            decision.message,
            why=None if why is None else why.to_json(),
        )
    tried = _tried(event, decision, choices.get(decision.connector_id), ready, partial(written_at, event))
    record = outbox_record(event, decision, "")
    account = None
    request = None
    if decision.ask is None:
        url = (record.get("events_url") or events_url).rstrip("/") + PATH
        request = Request("POST", url, event_body(record, _masked(decision)))
    else:
        account = {name: record[name] for name in ("integration", "service", "case", "message", "comment")}
    return Outcome(
        "send",
        decision.connector_id,
        decision.reason,
        decision.message,
        decision.action,
        decision.destination,
        decision.why.to_json(),
        tried,
        decision.render_errors,
        request,
        account,
    )


def _tried(event: Event, send: Send, choice: Choice | None, ready: AtWork, now: partial[datetime]) -> tuple[Tried, ...]:
    if choice is None or (send.payload is None and send.ask is None):
        return ()
    writer = Writer(event, ready.presets, now)
    return writer.write("PAGERDUTY" if send.ask is None else "PAGERDUTY_INCIDENTS", choice.preset, choice.details).tried


def _masked(send: Send) -> str:
    """The routing key as it may be shown; that of a pin is sealed, and not even its end is known here."""
    return mask(send.routing_key.reveal()) if send.routing_key is not None else "…"
