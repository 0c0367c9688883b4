"""Presets: what a message says, by templates.

The preset of the target (of the router's rule, or of `destinations[].presetId`), else the built-in message. Of each
field counts the first that says it: the preset, its parent, the parent's parent; in each of them the entity subtype's
templates before the general ones (Coralogix, presets: custom beats system, more specific beats more general); at last
the built-in message. The presets of the system are that message, written down as templates for people to read and copy
from; they are not rendered, so that what no preset changes costs no more than without any.

A field whose template fails, or renders what cannot be used, falls back to the next that says it and at last to the
built-in message; the error goes with the delivery. No template ever stops a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from streams.documents.connector import ConnectorType
from streams.documents.preset import MESSAGE_FIELDS, Preset, Templates
from streams.errors import DataMissing, TemplateError
from streams.events import PRIORITIES, Event
from streams.routing.fit import OWN_DETAIL, Message, fit
from streams.routing.incident import URGENCIES, default_incident, fit_incident
from streams.routing.message import default_message
from streams.routing.plain import blank, cut, keyless, kind_of
from streams.routing.reading import EMPTY, mapping
from streams.routing.severity import SEVERITIES
from streams.routing.times import iso_8601
from streams.templating import compile_template
from streams.templating.quiet import without_keys

PARENTS: Final = 8
"""Presets in a row; one custom preset over one of the system is what the documented product has."""

ERROR_LIMIT: Final = 500
"""Characters of a field's error; it travels with the delivery."""

WRITTEN: Final[Mapping[str, str]] = {"customDetails": "custom_details"}
"""Message fields whose name in the event is another one."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A template that was rendered: of which preset, which layer (`general`, or the entity subtype), which field, and
    what was wrong with what it gave (None: it is used)."""

    preset: str
    layer: str
    field: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A message and how it was made. `preset`: the id of the preset that was used, None for the built-in message."""

    message: Message
    incident: dict[str, Any] | None
    preset: str | None
    tried: tuple[Tried, ...] = ()

    @property
    def render_errors(self) -> dict[str, str]:
        return self.message.render_errors


class Writer:
    """Makes the messages of one event, each once. `presets` are all there are, those of the system among them."""

    def __init__(self, event: Event, presets: Mapping[str, Preset], now: Callable[[], datetime]) -> None:
        self._event = event
        self._presets = presets
        self._now = now
        self._made: dict[tuple[ConnectorType, str | None], Made] = {}

    def write(self, connector_type: ConnectorType, preset: str | None, details: Mapping[str, str]) -> Made:
        """The message for a connector of that type. `details` are added to its custom details. Never raises."""
        key = (connector_type, preset)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._write(connector_type, preset)
        return _with_details(made, details) if details else made

    def _write(self, connector_type: ConnectorType, preset_id: str | None) -> Made:
        event = self._event
        if preset_id is None:
            return self._built_in(connector_type)
        preset = self._presets.get(preset_id)
        wrong = _unfit(preset, connector_type, event)
        if preset is None or wrong:
            missing = f"there is no preset {keyless(preset_id[:128])!r}"
            return self._built_in(connector_type, {"preset": wrong or missing})
        chain = tuple(self._chain(preset))
        subtype = mapping(event.context.get("_context")).get("entitySubType")
        said: dict[str, Any] = {}
        errors: dict[str, str] = {}
        tried: list[Tried] = []
        for field in MESSAGE_FIELDS[connector_type]:
            for source, layer, text in _layers(chain, subtype, field):
                value, error = _render(field, text, event, self._now)
                tried.append(Tried(source, layer, field, error))
                if error is None:
                    said[WRITTEN.get(field, field)] = value
                    break
                errors.setdefault(WRITTEN.get(field, field), f"{source}: {error}")
        if connector_type == "PAGERDUTY":
            return Made(_over(default_message(event), said, errors), None, preset.id, tuple(tried))
        base, noted = default_incident(event)
        incident, errors = fit_incident({**base, **said}, {**noted, **errors})
        return Made(Message({}, render_errors=errors), incident, preset.id, tuple(tried))

    def _built_in(self, connector_type: ConnectorType, errors: Mapping[str, str] = EMPTY) -> Made:
        if connector_type == "PAGERDUTY":
            message = default_message(self._event)
            return Made(Message(message.payload, message.client, message.client_url, message.links,
                                {**message.render_errors, **errors}) if errors else message, None, None)  # fmt: skip
        incident, noted = default_incident(self._event)
        return Made(Message({}, render_errors={**noted, **errors}), incident, None)

    def _chain(self, preset: Preset) -> Iterator[Preset]:
        """The preset, its parent and so on up to the system's; what is not there, or comes again, ends it."""
        seen: set[str] = set()
        one: Preset | None = preset
        while one is not None and one.type != "SYSTEM" and one.id not in seen and len(seen) < PARENTS:
            yield one
            seen.add(one.id)
            one = self._presets.get(one.parent) if one.parent is not None else None


def _unfit(preset: Preset | None, connector_type: ConnectorType, event: Event) -> str | None:
    """Why a preset that exists cannot be used here."""
    entity = "alerts" if event.kind == "alert" else "cases"
    if preset is None or (preset.entity, preset.connector_type) == (entity, connector_type):
        return None
    return f"preset {preset.id!r} is for {preset.entity} and connectors of type {preset.connector_type}"


def _layers(chain: tuple[Preset, ...], subtype: object, field: str) -> Iterator[tuple[str, str, str]]:
    """The templates of a field as (preset, layer, text), the one that counts first."""
    for preset in chain:
        layers: list[tuple[str, Templates]] = [("general", preset.general)]
        if isinstance(subtype, str) and subtype in preset.subtypes:
            layers.insert(0, (subtype, preset.subtypes[subtype]))
        for name, templates in layers:
            if field in templates:
                yield preset.id, name, templates[field]


def _render(field: str, text: str, event: Event, now: Callable[[], datetime]) -> tuple[Any, str | None]:
    """What a field's template gives, ready to be fitted, or what is wrong with it."""
    try:
        given = compile_template(text).render(event.context, now=now)
    except DataMissing as missing:
        return None, cut(f"the event lacks what the template needs: {without_keys(str(missing))}", ERROR_LIMIT)
    except TemplateError as wrong:
        return None, cut(f"the template is wrong: {without_keys(str(wrong))}", ERROR_LIMIT)
    return _usable(field, given)


def _usable(field: str, given: str) -> tuple[Any, str | None]:
    text = given.strip()  # templates over several lines leave their line breaks around the value
    if field in ("summary", "source", "title"):
        return text, "renders to nothing" if blank(text) else None
    if field == "severity":
        return text.lower(), None if text.lower() in SEVERITIES else "gives none of critical, error, warning, info"
    if field == "timestamp":
        return text, None if iso_8601(text) else "gives no point in time"
    if field == "urgency":
        return text.lower() or None, None if text.lower() in ("", *URGENCIES) else "gives neither high nor low"
    if field == "priority":
        return text.upper() or None, None if text.upper() in ("", *PRIORITIES) else "gives none of P1 to P5"
    return _object(text) if field == "customDetails" else (text, None)


def _object(text: str) -> tuple[Any, str | None]:
    if not text:
        return {}, None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return None, f"gives no JSON: {error.msg} at line {error.lineno} column {error.colno}"
    return value, None if isinstance(value, dict) else f"gives {kind_of(value)}, not an object"


def _over(base: Message, said: Mapping[str, Any], errors: Mapping[str, str]) -> Message:
    """The built-in message with what the templates say in its place, fit to send."""
    noted = {name: error for name, error in base.render_errors.items() if name not in said}
    payload = {**base.payload, **said}
    if "custom_details" in said:  # whatever a template says, the input must be found again
        own = base.payload["custom_details"].get(OWN_DETAIL)
        payload["custom_details"] = {**said["custom_details"], **({OWN_DETAIL: own} if own else {})}
    return fit(payload, client=base.client, client_url=base.client_url, links=base.links,
               render_errors={**noted, **errors})  # fmt: skip


def _with_details(made: Made, details: Mapping[str, str]) -> Made:
    if made.incident is not None:
        lines = "\n".join(f"{name}: {value}" for name, value in details.items())
        incident, _ = fit_incident({**made.incident, "body": f"{made.incident['body']}\n{lines}"}, {})
        return Made(made.message, incident, made.preset, made.tried)
    message = made.message
    fitted = fit(
        {**message.payload, "custom_details": {**message.payload["custom_details"], **details}},
        client=message.client,
        client_url=message.client_url,
        links=message.links,
        render_errors=message.render_errors,
    )
    return Made(fitted, None, made.preset, made.tried)
