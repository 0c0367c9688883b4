"""What a preview tells, as values; as JSON; and what differs between two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from streams.routing.presets import Tried


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """A rule of a router that matches. `outcome` of its condition: true, false, missing (a value, named in `missing`)
    or invalid; `reason` says more. `targets`: connectors."""

    name: str
    condition: str
    outcome: Literal["true", "false", "missing", "invalid"]
    reason: str
    missing: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RouterSeen:
    """A router, and what it says of the event. `labels` are those it wants; `lacking` those that the event has not.

    `rules` are those of the event's entity type, `fallback` the connectors of its fallback, which is `used` where no
    rule is true.
    """

    id: str
    labels: Mapping[str, str]
    lacking: tuple[str, ...]
    rules: tuple[RuleSeen, ...] = ()
    fallback: tuple[str, ...] = ()
    used: bool = False

    @property
    def matches(self) -> bool:
        return not self.lacking


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to PagerDuty's Events API, the routing key masked."""

    method: str
    url: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of the event at one connector (or at none: `connector` is None).

    `outcome` is send, skip or reject; `why` as deliveries carry it. `tried`: the message's templates, in the order of
    trial. `request` is what a service key is sent; an account has `account` instead: what the dispatcher is asked, and
    makes REST requests of by the incident's state.
    """

    outcome: Literal["send", "skip", "reject"]
    connector: str | None
    reason: str
    message: str
    action: str | None = None
    destination: str | None = None
    why: Mapping[str, Any] | None = None
    tried: tuple[Tried, ...] = ()
    render_errors: Mapping[str, str] | None = None
    request: Request | None = None
    account: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of an event by the documents of `revision`. `labels` are the event's routing labels.

    `routers` are those that match and some that nearly do; `others` counts the rest. They are asked only when the event
    names no connector and, being an acknowledge or resolve, finds none that holds its incident: `asked`.
    """

    incident: str
    action: str | None
    revision: int
    labels: Mapping[str, tuple[str, ...]]
    asked: bool
    routers: tuple[RouterSeen, ...]
    others: int
    outcomes: tuple[Outcome, ...]

    @property
    def sends(self) -> bool:
        """Whether anything would be sent."""
        return any(one.outcome == "send" for one in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """As `pagerline preview -o json` and the web API give it."""
        return {
            "incident": self.incident,
            "action": self.action,
            "revision": self.revision,
            "labels": {name: list(values) for name, values in self.labels.items()},
            "routers_asked": self.asked,
            "routers": [_router_json(one) for one in self.routers],
            "other_routers": self.others,
            "outcomes": [_outcome_json(one) for one in self.outcomes],
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs: `where` in words and a path (`connector payments: request.body.payload.summary`), and the values
    before and after; None: not there."""

    where: str
    before: Any
    after: Any


def differences(before: Preview, after: Preview) -> tuple[Difference, ...]:
    """What another set of documents changes: which connectors, and where they differ, field by field."""
    found: list[Difference] = []
    one, other = (_by_connector(of) for of in (before, after))
    for name in dict.fromkeys([*one, *other]):
        for path, old, new in _compared(one.get(name), other.get(name)):
            found.append(Difference(f"{name}: {path}" if path else name, old, new))
    return tuple(found)


def _router_json(one: RouterSeen) -> dict[str, Any]:
    said: dict[str, Any] = {"id": one.id, "matches": one.matches, "labels": dict(one.labels)}
    if not one.matches:
        return {**said, "lacking": list(one.lacking)}
    rules = [
        {
            "name": rule.name,
            "condition": rule.condition,
            "outcome": rule.outcome,
            "reason": rule.reason or None,
            "missing": rule.missing or None,
            "targets": list(rule.targets),
        }
        for rule in one.rules
    ]
    return {**said, "rules": rules, "fallback": {"targets": list(one.fallback), "used": one.used}}


def _outcome_json(one: Outcome) -> dict[str, Any]:
    request = one.request
    return {
        "outcome": one.outcome,
        "connector": one.connector,
        "reason": one.reason,
        "message": one.message,
        "action": one.action,
        "destination": one.destination,
        "why": one.why,
        "templates": [
            {"preset": tried.preset, "layer": tried.layer, "field": tried.field, "error": tried.error}
            for tried in one.tried
        ],
        "render_errors": dict(one.render_errors or {}),
        "request": request and {"method": request.method, "url": request.url, "body": dict(request.body)},
        "account": one.account,
    }


COMPARED: Final = ("outcome", "reason", "destination", "why", "render_errors", "request", "account")


def _by_connector(of: Preview) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in of.outcomes:
        said = {name: value for name, value in _outcome_json(one).items() if name in COMPARED}
        if isinstance(why := said["why"], Mapping):
            said["why"] = {name: value for name, value in why.items() if name != "revision"}
        found[f"connector {one.connector}" if one.connector else "the event"] = said
    return found


def _compared(old: Any, new: Any, path: str = "") -> Iterable[tuple[str, Any, Any]]:
    """The places at which two JSON values differ; lists are compared as a whole."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            yield from _compared(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif old != new:
        yield path, old, new
