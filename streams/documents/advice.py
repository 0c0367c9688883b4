"""What documents may say and hardly anybody means: warnings, which stop nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from streams import contracts
from streams.documents.check import View
from streams.documents.connector import SERVED, Connector, Entity
from streams.documents.document import Document, name_of
from streams.documents.integration import Integration
from streams.documents.links import ways
from streams.documents.node import nearest
from streams.documents.preset import Preset
from streams.documents.references import is_reference
from streams.documents.router import Router, Rule
from streams.documents.secrets import is_template
from streams.errors import TemplateError
from streams.templating import compile_condition

MOST: Final = 20
"""Warnings of one kind that are told by themselves; the rest is a number."""

_LITERAL = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_WORD = re.compile(r"[A-Za-z_]\w*")
_FIELD = re.compile(r"(?<![\w.\])])(alertDef|alert|case)\.([A-Za-z_]\w*)")
_CONSTANT_WORDS: Final = frozenset({"true", "false", "True", "False", "and", "or", "not"})
_ROOTS: Final[Mapping[Entity, re.Pattern[str]]] = {
    "alerts": re.compile(r"(?<![\w.\])])case\s*[.\[]"),
    "cases": re.compile(r"(?<![\w.\])])(?:alert|alertDef)\s*[.\[]"),
}
"""Roots that events of this entity do not have."""
_MAYBE = re.compile(r"\bor\b|\bdefined\b|\bundefined\b|\bdefault\b")


def advice(view: View, touched: Iterable[Document], before: View) -> list[str]:
    """Sentences about the documents that change (`touched`), and about connectors that lose their last router."""
    found: list[str] = []
    for document in touched:
        name = name_of(document)
        found += [f"{name}: {sentence}" for sentence in _about(view, document)]
    return [*_few(found), *_few(_untargeted(view, touched, before))]


def _few(sentences: list[str]) -> list[str]:
    if len(sentences) <= MOST:
        return sentences
    return [*sentences[:MOST], f"and {len(sentences) - MOST:,} more warnings of this kind"]


def _about(view: View, document: Document) -> Iterator[str]:
    if isinstance(document, Router):
        yield from _router(view, document)
    elif isinstance(document, Preset):
        for layer, fields in (("fields", document.general), *_layers(document)):
            for field, text in fields.items():
                yield from (f"{layer}.{field}: {sentence}" for sentence in _unknown_fields(text))
    elif isinstance(document, Connector):
        for layer, values in (("fields", document.fields), *document.overrides.items()):
            for field, secret in values.items():
                yield from (f"{layer}.{field}: {sentence}" for sentence in _unknown_fields(secret.reveal()))
        yield from _service(view, document)


def _layers(preset: Preset) -> Iterator[tuple[str, Mapping[str, str]]]:
    return ((f"subtypes.{subtype}", fields) for subtype, fields in preset.subtypes.items())


# -- routers


def _router(view: View, router: Router) -> Iterator[str]:
    for way in ways(router):
        connector = view.connector(way.target.connector)
        if connector is not None and way.entity not in SERVED[connector.type]:
            at = f"rule {router.rules[int(way.place[1])].name!r}" if way.place[0] == "rules" else "the fallback"
            yield (
                f"{at} sends {way.entity} to connector/{connector.id}, which is of type {connector.type} and takes "
                f"{' and '.join(SERVED[connector.type])} only: they are skipped there"
            )
    for number, rule in enumerate(router.rules):
        yield from (f"rule {rule.name!r} {sentence}" for sentence in _rule(rule))
        same = next((one for one in router.rules[:number] if replace(one, name="") == replace(rule, name="")), None)
        if same is not None:
            yield f"rule {rule.name!r} says the same as rule {same.name!r}"
    for entity in router.fallback:
        always = next((one for one in router.rules if one.entity == entity and always_true(one.condition)), None)
        if always is not None:
            yield f"the fallback for {entity} is never used: rule {always.name!r} always holds"


def _rule(rule: Rule) -> Iterator[str]:
    if never_true(rule.condition):
        yield "never holds"
        return
    plain = _LITERAL.sub("''", rule.condition)
    if _ROOTS[rule.entity].search(plain) and not _MAYBE.search(plain):
        other: Entity = "cases" if rule.entity == "alerts" else "alerts"
        yield f"never holds: it is for {rule.entity} and asks for what only {other} have; write entity: {other}"
    yield from (f"asks for a field that events do not have: {sentence}" for sentence in _unknown_fields(plain))


def never_true(condition: str) -> bool:
    """Whether a condition asks the event for nothing and is false."""
    return _constant(condition) is False


def always_true(condition: str) -> bool:
    """Whether a condition asks the event for nothing and is true."""
    return _constant(condition) is True


def _constant(condition: str) -> bool | None:
    if not _CONSTANT_WORDS.issuperset(_WORD.findall(_LITERAL.sub("''", condition))):
        return None
    try:
        return compile_condition(condition).evaluate({})
    except TemplateError:
        return False  # gives no boolean, so it holds for nothing


# -- connectors


def _service(view: View, connector: Connector) -> Iterator[str]:
    integration = view.documents.get(f"integration/{connector.integration}")
    secret = connector.fields.get("service")
    if secret is None or not isinstance(integration, Integration) or not integration.services:
        return
    service = secret.reveal()
    if is_template(service) or is_reference(service):
        return
    if service not in integration.services and service not in integration.services.values():
        near = nearest(service, integration.services)
        hint = f"; did you mean {near}?" if near else ""
        yield f"fields.service: integration/{integration.id} does not list the service {service!r}{hint}"


def _untargeted(view: View, touched: Iterable[Document], before: View) -> list[str]:
    """Connectors that no router leads to, where there are routers: those that change, and those that had one."""
    targeted = _targeted(view)
    if targeted is None:
        return []
    changing = {one.id for one in touched if isinstance(one, Connector)}
    looked_at = changing | (_targeted(before) or set())
    return [
        f"connector/{one.id}: no router leads to it; only events that name it reach it"
        for one in view.documents.values()
        if isinstance(one, Connector) and one.id in looked_at and one.id not in targeted
    ]


def _targeted(view: View) -> set[str] | None:
    """Ids of the connectors that routers lead to; None where there is no router."""
    routers = [one for one in view.documents.values() if isinstance(one, Router) and not one.disabled]
    return {way.target.connector for router in routers for way in ways(router)} if routers else None


# -- fields of events


@cache
def _known_fields(root: str) -> frozenset[str]:
    topic = "cases" if root == "case" else "alerts"
    return frozenset(contracts.schema(topic)["properties"][root]["properties"])


def _unknown_fields(text: str) -> Iterator[str]:
    """Fields that the documented events do not have. Producers may well add some, so this is no fault."""
    told: set[str] = set()
    for root, field in _FIELD.findall(_LITERAL.sub("''", text)):
        name = f"{root}.{field}"
        if field in _known_fields(root) or name in told:
            continue
        told.add(name)
        near = nearest(field, _known_fields(root))
        hint = f" (did you mean {root}.{near}?)" if near else ""
        yield f"{name} is no field of the documented events{hint}"
