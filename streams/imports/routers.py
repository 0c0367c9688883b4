"""Routers of the documented API (Coralogix, global routers API), as far as their targets are carried over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.documents.connector import ENTITIES
from streams.documents.router import LABELS
from streams.documents.system_presets import SYSTEM
from streams.imports.carried import Carried, slug
from streams.imports.shapes import Json, obj, objs, text
from streams.imports.words import entity_type, name_of


def carry_router(given: Json, carried: Carried) -> None:
    about = name_of("router", given)
    identity = str(given.get("id") or slug(str(given.get("name") or "router")))
    name = f"router/{identity}"
    default_entity = entity_type(given.get("entityType")) or "alerts"
    labels = _labels(
        {**obj(given.get("matchingRoutingLabels")), **obj(given.get("routingLabels"))}, about, name, carried
    )
    extra = " and ".join(_label_condition(key, value) for key, value in obj(given.get("entityLabels")).items())
    rules = []
    for number, rule in enumerate(objs(given.get("rules")), start=1):
        if (kept := _rule(rule, number, default_entity, extra, about, name, carried)) is not None:
            rules.append(kept)
    fallback: dict[str, list[Json]] = {}
    old = [{"entityType": default_entity, "target": target} for target in objs(given.get("fallback"))]
    for one in objs(given.get("fallbackTargets")) or old:
        entity = entity_type(one.get("entityType")) or "alerts"
        if (target := _target(obj(one.get("target")), "fallback", about, name, carried)) is not None:
            fallback.setdefault(entity, []).append(target)
    if extra and fallback:
        carried.note(
            about,
            "its entityLabels are conditions of its rules here, but its fallback has none: it takes what matches "
            "the routing labels alone",
            name,
        )
    document = {
        "kind": "router",
        "id": identity,
        "name": given.get("name") or identity,
        "description": given.get("description") or "",
        "labels": labels,
        "rules": rules,
        "fallback": fallback,
        **({"disabled": True} if given.get("disabled") else {}),
    }
    carried.add("router", document, about)


def _labels(given: Mapping[str, Any], about: str, document: str, carried: Carried) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in given.items():
        label = key.removeprefix("routing.")
        if value is None or value == "":
            continue
        if label in LABELS:
            found[label] = str(value)
        else:
            carried.note(about, f"label {key} is not looked at here, so that more events match", document)
    return found


def _rule(rule: Json, number: int, entity: str, extra: str, about: str, document: str, carried: Carried) -> Json | None:
    name = str(rule.get("name") or f"rule {number}")
    targets = [
        target
        for one in objs(rule.get("targets"))
        if (target := _target(one, f"rule {name!r}", about, document, carried)) is not None
    ]
    own = entity_type(rule.get("entityType")) or entity
    if own not in ENTITIES or not targets:
        why = f"it is for {rule.get('entityType')}" if own not in ENTITIES else "none of its targets is"
        carried.note(
            about, f"rule {name!r} is left out, because {why}; where it was true, a fallback may now be taken", document
        )
        return None
    condition = text(rule.get("condition")).strip() or "true"
    if extra:
        condition = extra if condition == "true" else f"{extra} and ({condition})"
    return {
        "name": name,
        "entity": own,
        "condition": condition,
        "targets": targets,
        **({"details": rule["customDetails"]} if obj(rule.get("customDetails")) else {}),
    }


def _target(given: Json, where: str, about: str, document: str, carried: Carried) -> Json | None:
    connector, preset = text(given.get("connectorId")), text(given.get("presetId"))
    if f"connector/{connector}" not in carried.documents:
        carried.note(about, f"{where}: connector {connector} is not carried over, so this target is left out", document)
        return None
    if preset and preset not in SYSTEM and f"preset/{preset}" not in carried.documents:
        carried.note(about, f"{where}: preset {preset} is not carried over; the default one is used", document)
        preset = ""
    details = obj(given.get("customDetails"))
    return {
        "connector": connector,
        **({"preset": preset} if preset else {}),
        **({"details": details} if details else {}),
    }


def _label_condition(key: str, value: Any) -> str:
    quote = next((one for one in "'\"`" if one not in f"{key}{value}"), "'")
    return f"alertDef.entityLabels[{quote}{key}{quote}] | default(value='') == {quote}{value}{quote}"
