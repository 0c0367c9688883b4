"""What route decides for one event and one connector: Send, Skip or Reject, each with its reason.

`reason` is a machine word for metrics and records, `message` a sentence for a person; neither holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from streams.documents.secrets import Secret
from streams.events import Action
from streams.routing.pin import Pin
from streams.routing.routers import Invalid

SendReason = Literal["new_pin", "pinned", "unpinned"]
SkipReason = Literal[
    "already_routed",
    "same_destination",
    "not_yet_active",
    "moved_on",
    "no_router_matched",
    "no_rule_matched",
    "wrong_entity",
    "too_old",
]
RejectReason = Literal[
    "unknown_connector",
    "no_connector",
    "connector_not_named",
    "no_destination",
    "unknown_integration",
    "unreadable_router",
]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A configured field that gave no routing key or service, and why.

    `template`: its text, masked, where it is a template.
    """

    candidate: str
    reason: str
    template: str | None = None

    def to_json(self) -> dict[str, str]:
        """As `Why.to_json` holds it."""
        said = {"candidate": self.candidate, "reason": self.reason}
        return said if self.template is None else {**said, "template": self.template}


@dataclass(frozen=True, slots=True)
class Why:
    """How the destination was found: `chosen` is the connector's field, or "pin".

    `template` is the chosen field's text where it is a template, `key` the routing key that it gave; both masked.
    `service`: that of an account destination. `revision` is that of the documents it was decided by, `router` the id of
    the router that chose the connector, `rule` the name of its rule (None: its fallback), `preset` the id of the preset
    that the message is made by (None: the built-in message). `invalid`: rules whose condition is at fault.
    """

    chosen: str | None
    passed_over: tuple[PassedOver, ...] = ()
    pinned: bool = False
    template: str | None = None
    key: str | None = None
    service: str | None = None
    revision: int | None = None
    router: str | None = None
    rule: str | None = None
    preset: str | None = None
    invalid: tuple[Invalid, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the outbox, `deliveries` and `dead-letters` carry it."""
        said: dict[str, Any] = {
            "chosen": self.chosen,
            "passed_over": [over.to_json() for over in self.passed_over],
            "pinned": self.pinned,
        }
        if self.template is not None:
            said["template"] = self.template
        for name in ("key", "service", "revision", "router", "rule", "preset"):
            if (value := getattr(self, name)) is not None:
                said[name] = value
        if self.invalid:
            said["invalid"] = [wrong.to_json() for wrong in self.invalid]
        return said


@dataclass(frozen=True, slots=True)
class Ask:
    """What an account destination is asked beside what every destination is: the whole state of the Case.

    `case`, `message` and `comment` are as in schemas/pagerduty-outbox.json.
    """

    integration: str
    service: str
    case: dict[str, Any]
    message: dict[str, Any]
    comment: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Produce one outbox record.

    To a service key, either `token` (the sealed key, of the pin) or `routing_key` is set; a caller seals the latter and
    goes on with `sealed(token)`. To an account, `ask` is set, and there is neither a key nor a payload. `pin` is to be
    written and confirmed before the record is produced; `pin_after` at the same time or after, but before the input is
    acknowledged. None: nothing to write. `limit` is events a minute, `options` what else the dispatcher must know of
    the connector.
    """

    connector_id: str
    destination: str
    action: Action
    reason: SendReason
    message: str
    why: Why
    limit: int
    options: dict[str, Any] = field(default_factory=dict)
    routing_key: Secret | None = None
    token: str | None = field(default=None, repr=False)
    payload: dict[str, Any] | None = None
    client: str | None = None
    client_url: str | None = None
    links: tuple[dict[str, str], ...] = ()
    render_errors: dict[str, str] = field(default_factory=dict)
    ask: Ask | None = None
    pin: Pin | None = None
    pin_after: Pin | None = None

    def sealed(self, token: str) -> Self:
        """This decision with its routing key sealed, in the pin too."""
        return replace(self, token=token, pin=self.pin and replace(self.pin, routing_key_token=token))


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing to send. `silent`: write no delivery record either, another record tells this input's outcome.

    `connector_id` is None when the whole event is skipped. `pin_after` as in Send; `why`: by which documents.
    """

    connector_id: str | None
    reason: SkipReason
    message: str
    silent: bool
    pin_after: Pin | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """For the dead letters. `path` is the JSON pointer of the event's field at fault, or empty."""

    connector_id: str | None
    reason: RejectReason
    message: str
    path: str = ""
    why: Why | None = None


Decision = Send | Skip | Reject
