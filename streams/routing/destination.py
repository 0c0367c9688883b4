"""Which routing key, or which service: a connector's fields in their order, each tried until one gives it.

The order (architecture, section 3): the entity type's dynamic key, the dynamic key, the entity type's static key, the
static key; the service in place of the key where the connector is one of an account. `integrationKey` counts as dynamic
where it holds a template, and so does `service`: the connector page has a field of its own for the template, while
every published example puts it into an override of the plain field (Coralogix, connector fields).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from streams.documents.connector import Connector, Entity
from streams.documents.secrets import ROUTING_KEY_LENGTH, Secret, destination_id, is_routing_key, is_template, mask
from streams.errors import DataMissing, TemplateError, UnresolvedReference
from streams.routing.decision import PassedOver, Why
from streams.routing.plain import blank, cut, keyless
from streams.routing.reading import EMPTY
from streams.templating import compile_template
from streams.templating.quiet import without_keys

DYNAMIC: Final = "dynamicintegrationKey"
STATIC: Final = "integrationKey"
DYNAMIC_SERVICE: Final = "dynamicservice"
SERVICE: Final = "service"
INTEGRATION: Final = "integrationId"

SERVICE_LIMIT: Final = 255
"""Characters of a service's name (PagerDuty REST API v2, create a service)."""

TEMPLATE_SHOWN: Final = 600
"""Characters of a template that travel with every decision: a dozen lines, enough to recognise it by and small beside
the event. `pagerline get` has the whole."""

TEMPLATES_CACHED: Final = 4_096
"""Texts masked once and not for every event: two for each of 1,000 connectors, and room beside."""

REASON_LIMIT: Final = 1_000
"""Characters: a reason names what the event has instead, and an event may have keys of any length."""


Resolve = Callable[[Secret], Secret]
"""Gives a document's text with its references to variables and files resolved. Raises UnresolvedReference."""


@dataclass(frozen=True, slots=True)
class Found:
    """A routing key, the id of its destination, and how it was found."""

    routing_key: Secret
    destination: str
    why: Why


@dataclass(frozen=True, slots=True)
class FoundService:
    """The name or id of a PagerDuty service, and how it was found."""

    service: str
    why: Why


@dataclass(frozen=True, slots=True)
class NotFound:
    """No field gave a key, or a service."""

    why: Why


class _Given(NamedTuple):
    """What a candidate gave, and its field; no field: none gave anything."""

    text: str
    field: str | None
    passed_over: tuple[PassedOver, ...]
    template: str | None


def as_it_is(secret: Secret) -> Secret:
    """Resolves nothing."""
    return secret


def find_destination(
    connector: Connector,
    entity: Entity,
    context: Mapping[str, Any],
    now: Callable[[], datetime] | None = None,
    resolve: Resolve = as_it_is,
    by: Mapping[str, Any] = EMPTY,
) -> Found | NotFound:
    """The destination of an event, by the connector's fields alone (no pin). Never raises.

    `now` is what the templates' `now()` gives; without it a template that asks for it fails. `by`: what else the Why
    is to say.
    """
    found = _first(_candidates(connector, entity, DYNAMIC, STATIC), context, now, resolve, _no_key)
    if found.field is None:
        return NotFound(Why(None, found.passed_over, **by))
    why = Why(found.field, found.passed_over, template=found.template, key=mask(found.text), **by)
    return Found(Secret(found.text), destination_id(found.text), why)


def find_service(
    connector: Connector,
    entity: Entity,
    context: Mapping[str, Any],
    now: Callable[[], datetime] | None = None,
    resolve: Resolve = as_it_is,
    by: Mapping[str, Any] = EMPTY,
) -> FoundService | NotFound:
    """The same for a connector of an account: the service, by name or id."""
    found = _first(_candidates(connector, entity, DYNAMIC_SERVICE, SERVICE), context, now, resolve, _no_service)
    if found.field is None:
        return NotFound(Why(None, found.passed_over, **by))
    why = Why(found.field, found.passed_over, template=found.template, service=found.text, **by)
    return FoundService(found.text, why)


def find_integration(connector: Connector, entity: Entity) -> tuple[str, str] | None:
    """The id of the integration that a connector of an account names, and the field that names it."""
    for layer, fields in _layers(connector, entity):
        if given := fields.get(INTEGRATION):
            return given.reveal().strip(), f"{layer}.{INTEGRATION}"
    return None


def _first(
    candidates: Iterator[tuple[str, Secret]],
    context: Mapping[str, Any],
    now: Callable[[], datetime] | None,
    resolve: Resolve,
    fault: Callable[[str], str | None],
) -> _Given:
    """What the first candidate gives in which `fault` finds none."""
    passed_over: list[PassedOver] = []
    for name, field in candidates:
        written = field.reveal()
        template = _shown(written) if is_template(written) else None
        try:
            text = resolve(field).reveal()
            given = compile_template(text).render(context, now=now).strip() if is_template(text) else text.strip()
        except DataMissing as missing:
            reason = f"the event lacks what the template needs: {without_keys(str(missing))}"
        except TemplateError as wrong:
            reason = f"the template is wrong: {without_keys(str(wrong))}"
        except UnresolvedReference as unresolved:
            reason = str(unresolved)
        else:
            if (wrong_with_it := fault(given)) is None:
                return _Given(given, name, tuple(passed_over), template)
            reason = wrong_with_it
        passed_over.append(PassedOver(name, cut(reason, REASON_LIMIT), template))
    return _Given("", None, tuple(passed_over), None)


def _layers(connector: Connector, entity: Entity) -> tuple[tuple[str, Mapping[str, Secret]], ...]:
    return ((f"overrides.{entity}", connector.overrides.get(entity, {})), ("fields", connector.fields))


def _candidates(connector: Connector, entity: Entity, dynamic: str, static: str) -> Iterator[tuple[str, Secret]]:
    """The configured fields as (path in the document, text), in the order of trial."""
    last: list[tuple[str, Secret]] = []
    for layer, fields in _layers(connector, entity):
        if given := fields.get(dynamic):
            yield f"{layer}.{dynamic}", given
        if given := fields.get(static):
            if is_template(given.reveal()):
                yield f"{layer}.{static}", given
            else:
                last.append((f"{layer}.{static}", given))
    yield from last


@lru_cache(TEMPLATES_CACHED)
def _shown(template: str) -> str:
    """A template without the keys in it, and no longer than a record should carry. Masked before it is cut."""
    text = without_keys(template.strip())
    return text if len(text) <= TEMPLATE_SHOWN else text[: TEMPLATE_SHOWN - 1] + "…"


def _no_key(text: str) -> str | None:
    """Why a text is no routing key; None: it is one."""
    if is_routing_key(text):
        return None
    if not text:
        return "gives nothing"
    if len(text) == ROUTING_KEY_LENGTH:
        return f"gives {mask(text)}, which is no routing key: it has other characters than letters and digits"
    return f"gives {mask(text)}, which is no routing key: it has {len(text)} characters and not {ROUTING_KEY_LENGTH}"


def _no_service(text: str) -> str | None:
    """Why a text cannot be the name or id of a service; None: it can."""
    if blank(text):
        return "gives nothing"
    if len(text) > SERVICE_LIMIT:
        return f"gives {len(text):,} characters: a service's name has {SERVICE_LIMIT} at most"
    if not text.isprintable():
        return "gives more than one line, or characters that are not printed: no service is named like that"
    if keyless(text) != text:
        return "gives what looks like a routing key, which is no service's name"
    return None
