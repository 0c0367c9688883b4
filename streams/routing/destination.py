"""Which routing key: a connector's fields in their order, each tried until one gives a key.

The order (architecture, section 3): the entity type's dynamic key, the dynamic key, the entity type's static key, the
static key. `integrationKey` counts as dynamic where it holds a template: the connector page has a field of its own for
the template, while every published example puts it into an override of `integrationKey` (Coralogix, service-key
connector fields).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from streams.documents.connector import Connector, Entity
from streams.documents.secrets import ROUTING_KEY_LENGTH, Secret, destination_id, is_routing_key, is_template, mask
from streams.errors import DataMissing, TemplateError
from streams.routing.decision import PassedOver, Why
from streams.routing.plain import cut
from streams.templating import compile_template
from streams.templating.quiet import without_keys

DYNAMIC: Final = "dynamicintegrationKey"
STATIC: Final = "integrationKey"

TEMPLATE_SHOWN: Final = 600
"""Characters of a template that travel with every decision: a dozen lines, enough to recognise it by and small beside
the event. `pagerline get` has the whole."""

TEMPLATES_CACHED: Final = 1_024
"""Texts masked once and not for every event; an account has some hundred."""

REASON_LIMIT: Final = 1_000
"""Characters: a reason names what the event has instead, and an event may have keys of any length."""


@dataclass(frozen=True, slots=True)
class Found:
    """A routing key, the id of its destination, and how it was found."""

    routing_key: Secret
    destination: str
    why: Why


@dataclass(frozen=True, slots=True)
class NotFound:
    """No field gave a key."""

    why: Why


def find_destination(
    connector: Connector, entity: Entity, context: Mapping[str, Any], now: Callable[[], datetime] | None = None
) -> Found | NotFound:
    """The destination of an event, by the connector's fields alone (no pin). Never raises.

    `now` is what the templates' `now()` gives; without it a template that asks for it fails.
    """
    passed_over: list[PassedOver] = []
    for name, text in _candidates(connector, entity):
        template = _shown(text) if is_template(text) else None
        try:
            key = compile_template(text).render(context, now=now).strip() if is_template(text) else text.strip()
        except DataMissing as missing:
            reason = f"the event lacks what the template needs: {without_keys(str(missing))}"
        except TemplateError as wrong:
            reason = f"the template is wrong: {without_keys(str(wrong))}"
        else:
            if is_routing_key(key):
                return Found(
                    Secret(key),
                    destination_id(key),
                    Why(name, tuple(passed_over), template=template, key=mask(key)),
                )
            reason = _no_key(key)
        passed_over.append(PassedOver(name, cut(reason, REASON_LIMIT), template))
    return NotFound(Why(None, tuple(passed_over)))


def _candidates(connector: Connector, entity: Entity) -> Iterator[tuple[str, str]]:
    """The configured fields as (path in the document, text), in the order of trial."""
    own = connector.overrides.get(entity, {})
    layers = ((f"overrides.{entity}", own), ("fields", connector.fields))
    static: list[tuple[str, str]] = []
    for layer, fields in layers:
        if dynamic := fields.get(DYNAMIC):
            yield f"{layer}.{DYNAMIC}", dynamic.reveal()
        if given := fields.get(STATIC):
            text = given.reveal()
            if is_template(text):
                yield f"{layer}.{STATIC}", text
            else:
                static.append((f"{layer}.{STATIC}", text))
    yield from static


@lru_cache(TEMPLATES_CACHED)
def _shown(template: str) -> str:
    """A template without the keys in it, and no longer than a record should carry. Masked before it is cut."""
    text = without_keys(template.strip())
    return text if len(text) <= TEMPLATE_SHOWN else text[: TEMPLATE_SHOWN - 1] + "…"


def _no_key(text: str) -> str:
    if not text:
        return "gives nothing"
    if len(text) == ROUTING_KEY_LENGTH:
        return f"gives {mask(text)}, which is no routing key: it has other characters than letters and digits"
    return f"gives {mask(text)}, which is no routing key: it has {len(text)} characters and not {ROUTING_KEY_LENGTH}"
