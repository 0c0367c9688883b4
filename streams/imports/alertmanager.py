"""PagerDuty receivers and routes of an Alertmanager configuration (Alertmanager, configuration) as a starting point.

Each entry of `pagerduty_configs` becomes a connector, and a preset where it says what the message says; the routes
become rules of the default router. What Alertmanager does besides (grouping, times, inhibition, other receivers) is not
Pagerline's to do, and is noted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import urlsplit

from streams.documents.options import EVENTS_URLS
from streams.documents.parsing.router import MOST_RULES, MOST_TARGETS
from streams.documents.parsing.value import VALUE_LIMIT
from streams.documents.router import DEFAULT_ROUTER
from streams.documents.secrets import is_routing_key
from streams.imports.carried import Carried, slug, variable
from streams.imports.conditions import CannotSay, Condition, either, expression
from streams.imports.go_templates import is_plain, to_json, translate
from streams.imports.shapes import Json, obj, objs, text
from streams.imports.tree import Leaf, leaves

LABELS: Final = "alertDef.entityLabels"
"""Where labels stand in an event, unless told otherwise."""

ENQUEUE: Final = "/v2/enqueue"
MESSAGE: Final = {"description": "summary", "severity": "severity", "source": "source", "component": "component",
                  "group": "group", "class": "class"}  # fmt: skip
"""Fields of a message: Alertmanager's name and the preset's."""

SEVERITIES: Final = ("critical", "error", "warning", "info")
KNOWN: Final = frozenset({"routing_key", "routing_key_file", "service_key", "service_key_file", "url", "details",
                          *MESSAGE})  # fmt: skip
LEFT_OUT: Final = {
    "send_resolved": "resolves are always sent",
    "client": "the client is Pagerline's",
    "client_url": "the link back comes from the event",
    "images": "images are not sent",
    "links": "links come from the event",
    "http_config": "a proxy is taken from HTTPS_PROXY in the workers' environment",
}
TIMES: Final = ("group_by", "group_wait", "group_interval", "repeat_interval")


def import_alertmanager(contents: Iterable[tuple[Any, PurePath]], labels: str = LABELS) -> Carried:
    """What these configurations hold, each with the folder that its relative paths are meant from."""
    carried = Carried()
    for content, folder in contents:
        _Configuration(obj(content), folder, labels, carried).read()
    return carried


class _Configuration:
    def __init__(self, content: Json, folder: PurePath, labels: str, carried: Carried) -> None:
        self._content = content
        self._folder = folder
        self._labels = labels
        self._carried = carried
        self._targets: dict[str, list[Json]] = {}

    def read(self) -> None:
        for receiver in objs(self._content.get("receivers")):
            self._receiver(receiver)
        self._routes(obj(self._content.get("route")))
        for name in ("inhibit_rules", "time_intervals", "mute_time_intervals", "templates"):
            if self._content.get(name):
                self._carried.note(name, "not carried over: Pagerline has nothing like it")

    # -- receivers ------------------------------------------------------------------------------------------------

    def _receiver(self, receiver: Json) -> None:
        name = text(receiver.get("name"))
        about = f"receiver {name!r}"
        for kind in sorted(receiver):
            if kind.endswith("_configs") and kind != "pagerduty_configs" and receiver[kind]:
                self._carried.note(about, f"{kind} is not carried over: Pagerline leads to PagerDuty alone")
        targets = []
        configs = objs(receiver.get("pagerduty_configs"))
        for number, config in enumerate(configs, start=1):
            where = f"{about}, entry {number}" if len(configs) > 1 else about
            if (target := self._config(name, where, config)) is not None:
                targets.append(target)
        if len(targets) > MOST_TARGETS:
            self._carried.note(about, f"only its first {MOST_TARGETS} entries are targets: a rule has no more")
        if targets:
            self._targets[name] = targets[:MOST_TARGETS]

    def _config(self, receiver: str, about: str, config: Json) -> Json | None:
        taken = {name.partition("/")[2] for name in self._carried.documents}
        identity = slug(receiver, taken)
        document = f"connector/{identity}"
        connector = {
            "kind": "connector",
            "id": identity,
            "type": "PAGERDUTY",
            "name": receiver[:200] or identity,
            "fields": {"integrationKey": self._key(config, identity, about, document)},
            "options": self._options(config, about, document),
        }
        if self._carried.add("connector", connector, about) is None:
            return None
        for name in sorted(config):
            if name in LEFT_OUT and not (name == "send_resolved" and config[name] is True):
                self._carried.note(about, f"{name} is left out: {LEFT_OUT[name]}", document)
            elif name not in KNOWN and name not in LEFT_OUT:
                self._carried.note(about, f"{name} is left out: it is not known here", document)
        preset = self._preset(config, identity, receiver, about)
        return {"connector": identity, **({"preset": preset} if preset else {})}

    def _key(self, config: Json, identity: str, about: str, document: str) -> str:
        """The key, where it is at hand; otherwise a reference to where it will be."""
        for name in ("routing_key", "service_key"):
            if name == "service_key" and (config.get(name) or config.get(f"{name}_file")):
                self._carried.note(
                    about,
                    "service_key belongs to an integration of Events API v1 (Prometheus); where PagerDuty refuses it, "
                    "add an integration of Events API v2 to the service and write its key",
                    document,
                )
            if path := text(config.get(f"{name}_file")):
                whole = PurePath(path) if PurePath(path).is_absolute() else self._folder / path
                self._carried.note(
                    about, f"its key is read from {whole}, which must be there for the workers", document
                )
                return f"file:{whole}"
            key = text(config.get(name)).strip()
            if is_routing_key(key):
                return key
            if key:
                break
        reference = variable(identity)
        why = "is a template or not shown" if key else "is missing"
        self._carried.note(about, f"its key {why}: set it as {reference} for the workers", document)
        return reference

    def _options(self, config: Json, about: str, document: str) -> Json:
        url = text(config.get("url")) or text(obj(self._content.get("global")).get("pagerduty_url"))
        base = url.strip().rstrip("/").removesuffix(ENQUEUE)
        if not base or base == EVENTS_URLS["us"]:
            return {}
        if base == EVENTS_URLS["eu"]:
            return {"region": "eu"}
        parts = urlsplit(base)
        if not url.rstrip("/").endswith(ENQUEUE) or parts.scheme not in ("http", "https") or parts.username:
            self._carried.note(about, f"its url is left out: it does not end with {ENQUEUE}", document)
            return {}
        return {"baseUrl": base}

    # -- messages -------------------------------------------------------------------------------------------------

    def _preset(self, config: Json, identity: str, receiver: str, about: str) -> str | None:
        """The preset's id, where the entry says what the message says; None: the default one."""
        fields: dict[str, str] = {}
        lost: list[str] = []
        for name, field in MESSAGE.items():
            if given := text(config.get(name)):
                try:
                    fields[field] = translate(given, self._labels)
                except CannotSay as why:
                    lost.append(f"{name} is left out: {why}")
        if is_plain(fields.get("severity", "{{")) and fields["severity"] not in SEVERITIES:
            lost.append(f"severity is left out: {fields.pop('severity')!r} is none of {', '.join(SEVERITIES)}")
        details: list[str] = []
        for name, given in sorted(obj(config.get("details")).items()):
            try:
                details.append(f"{to_json(name, self._labels)}: {to_json(text(given), self._labels)}")
            except CannotSay as why:
                lost.append(f"detail {name!r} is left out: {why}")
        if details:
            fields["customDetails"] = "{" + ", ".join(details) + "}"
        name = f"preset/{identity}" if fields else f"connector/{identity}"
        for one in lost:
            self._carried.note(about, one, name)
        if "severity" not in fields:
            self._carried.note(
                about, "severity follows the alert's priority; Alertmanager says error where nothing else is set", name
            )
        if not fields:
            return None
        preset = {
            "kind": "preset",
            "id": identity,
            "name": receiver[:200] or identity,
            "entity": "alerts",
            "fields": fields,
        }
        return identity if self._carried.add("preset", preset, about) is not None else None

    # -- routes ---------------------------------------------------------------------------------------------------

    def _routes(self, root: Json) -> None:
        try:
            found = list(leaves(root))
        except CannotSay as why:
            self._carried.note("route", f"not carried over: {why}")
            return
        conditions: dict[str, list[Condition]] = {}
        for leaf in found:
            self._note_route(leaf)
            if leaf.receiver in self._targets:
                conditions.setdefault(leaf.receiver, []).append(leaf.condition)
        for receiver in self._targets.keys() - conditions.keys():
            self._carried.note(f"receiver {receiver!r}", "no route leads to it, so no rule does")
        rules = [rule for receiver, some in conditions.items() if (rule := self._rule(receiver, some)) is not None]
        document = f"router/{DEFAULT_ROUTER}"
        if not rules:
            return
        for rule in rules[MOST_RULES:]:
            self._carried.note(
                f"receiver {rule['name']!r}",
                f"its rule is left out: a router has {MOST_RULES} rules at most. Write a router of its own for a label "
                f"(team, service, environment) of these alerts; the condition was: {rule['condition']}",
            )
        router = {"kind": "router", "id": DEFAULT_ROUTER, "name": "From Alertmanager", "rules": rules[:MOST_RULES]}
        if self._carried.add("router", router, "route") is None:
            return
        self._carried.note(
            "route",
            f"labels are looked for in {self._labels}, the label alertname in alertDef.name: see that your producer "
            "puts them there. Grouping is the producer's: an incident is one value of alert.groupingKey",
            document,
        )

    def _rule(self, receiver: str, conditions: list[Condition]) -> Json | None:
        about = f"receiver {receiver!r}"
        try:
            condition = expression(either(*conditions), self._labels)
        except CannotSay as why:
            self._carried.note(about, f"its rule is left out: {why}")
            return None
        if (length := len(condition)) > VALUE_LIMIT:
            self._carried.note(
                about, f"its rule is left out: its condition has {length} characters, {VALUE_LIMIT} is the limit"
            )
            return None
        return {
            "name": receiver[:200] or "unnamed",
            "entity": "alerts",
            "condition": condition,
            "targets": self._targets[receiver],
        }

    def _note_route(self, leaf: Leaf) -> None:
        if leaf.receiver not in self._targets:
            return
        for name in ("mute_time_intervals", "active_time_intervals"):
            if leaf.route.get(name):
                self._carried.note(
                    leaf.place, f"{name} is left out: its rule holds at all times", f"router/{DEFAULT_ROUTER}"
                )
        if any(name in leaf.route for name in TIMES):
            self._carried.note(
                "route",
                f"{', '.join(TIMES)} are left out: Pagerline sends each incident at once, and again when it changes",
                f"router/{DEFAULT_ROUTER}",
            )
