"""A preview as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from streams.explain.screen import Line, Style
from streams.explain.words import printable, safe
from streams.routing.presets import WRITTEN
from streams.routing.previewed import Difference, Outcome, Preview, RouterSeen, RuleSeen

_OUTCOMES: Mapping[str, Style] = {"true": "good", "false": "dim", "missing": "dim", "invalid": "bad"}


def preview_lines(shown: Preview) -> Iterator[Line]:
    """Everything that a preview tells."""
    labels = ", ".join(f"{name}={'|'.join(values)}" for name, values in shown.labels.items())
    yield Line(f"{shown.incident}: {shown.action or 'asks for nothing'}, by revision {shown.revision}", "title")
    if labels:
        yield Line(f"  routing labels: {labels}")
    yield Line("")
    yield from _routers(shown)
    for one in shown.outcomes:
        yield from _outcome(one)


def difference_lines(found: Sequence[Difference]) -> Iterator[Line]:
    """What another set of documents would change."""
    if not found:
        yield Line("With the changed documents: no difference", "title")
        return
    yield Line("With the changed documents:", "title")
    for one in found:
        yield Line(f"  {one.where}")
        signs: tuple[tuple[str, Any, Style], ...] = (("-", one.before, "bad"), ("+", one.after, "good"))
        for sign, value, style in signs:
            if value is not None:
                yield Line(f"    {sign} {_value(value)}", style)


def _routers(shown: Preview) -> Iterator[Line]:
    if shown.routers and not shown.asked:
        yield Line("The routers are not asked: the event names its connectors, or goes where its incident is.", "dim")
    for router in shown.routers:
        yield from _router(router)
    if shown.others:
        yield Line(f"{shown.others} {'more routers do' if shown.others > 1 else 'more router does'} not match", "dim")
    if shown.routers or shown.others:
        yield Line("")


def _router(router: RouterSeen) -> Iterator[Line]:
    labels = ", ".join(f"{name}={value}" for name, value in router.labels.items()) or "no labels"
    if not router.matches:
        yield Line(f"router {router.id} ({labels}): does not match, by {', '.join(router.lacking)}", "dim")
        return
    yield Line(f"router {router.id} ({labels}): matches")
    for rule in router.rules:
        yield Line(f"  {_rule(rule)}", _OUTCOMES[rule.outcome])
    if router.used:
        to = ", ".join(router.fallback) or "nobody, it has no fallback"
        yield Line(f"  no rule is true: to {to}", "good" if router.fallback else "bad")


def _rule(rule: RuleSeen) -> str:
    said = f"rule {rule.name}: {rule.outcome}"
    if rule.outcome == "true":
        return f"{said}, to {', '.join(rule.targets)}"
    if rule.outcome == "missing":
        return f"{said}: {rule.missing or safe(rule.reason)}; {_condition(rule)}"
    return f"{said}: {safe(rule.reason)}" if rule.reason else f"{said}; {_condition(rule)}"


def _condition(rule: RuleSeen) -> str:
    text = " ".join(rule.condition.split())
    return text if len(text) <= 100 else text[:99] + "…"


def _outcome(one: Outcome) -> Iterator[Line]:
    name = f"connector {one.connector}" if one.connector else "the event"
    if one.outcome != "send":
        yield Line(f"{name}: {'skipped' if one.outcome == 'skip' else 'dead letter'}, {one.reason}", "bad")
        yield Line(f"  {safe(one.message)}")
        yield from _why(one.why or {})
        return
    yield Line(f"{name}: {one.action} to {one.destination}", "good")
    yield from _why(one.why or {})
    for tried in one.tried:
        layer = "" if tried.layer == "general" else f", {tried.layer}"
        text = f"  {tried.field}: preset {tried.preset}{layer}"
        yield Line(f"{text}: {safe(tried.error)}" if tried.error else text, "bad" if tried.error else "plain")
    told = {WRITTEN.get(tried.field, tried.field) for tried in one.tried if tried.error}
    for field, error in (one.render_errors or {}).items():
        if field not in told:
            yield Line(f"  {field}: {safe(error)}", "wait")
    if one.request is not None:
        yield Line(f"  {one.request.method} {one.request.url}")
        yield from _json(one.request.body)
    if one.account is not None:
        yield Line("  the account is told")
        yield from _json(one.account)


def _why(why: Mapping[str, Any]) -> Iterator[Line]:
    if router := why.get("router"):
        yield Line(f"  router {router}, {'rule ' + why['rule'] if why.get('rule') else 'fallback'}")
    for over in why.get("passed_over", ()):
        yield Line(f"  {over['candidate']}: {safe(over['reason'])}", "dim")
    if chosen := why.get("chosen"):
        gives = why.get("service") or why.get("key") or "where its incident is open"
        yield Line(f"  {chosen}: gives {printable(gives)}")


def _json(value: Any) -> Iterator[Line]:
    for line in orjson.dumps(value, option=orjson.OPT_INDENT_2).decode().splitlines():
        yield Line(f"  {printable(line)}")


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and "outcome" in value:  # a connector that comes or goes, as a whole
        router = (value["why"] or {}).get("router")
        by = f", by router {router}" if router else ""
        return f"{value['outcome']}, {value['destination'] or value['reason']}{by}"
    return printable(value if isinstance(value, str) else orjson.dumps(value).decode())
