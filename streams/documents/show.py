"""Documents for people: in the form they are written in, with every secret masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import yaml

from streams.documents.connector import Connector
from streams.documents.document import Document, Kind
from streams.documents.integration import Integration
from streams.documents.preset import Preset
from streams.documents.records import to_plain
from streams.documents.references import is_reference
from streams.documents.router import Router
from streams.documents.secrets import Secret, fingerprint, is_routing_key, is_template, mask
from streams.templating.quiet import without_keys

Show = Callable[[Secret], str]

HEADS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "connector": ("ID", "TYPE", "NAME", "KEY", "DYNAMIC", "OVERRIDES", "LIMIT", "VERSION"),
    "integration": ("ID", "NAME", "TOKEN", "FROM", "REGION", "WEBHOOKS", "SERVICES", "VERSION"),
    "preset": ("ID", "NAME", "ENTITY", "TYPE", "PARENT", "FIELDS", "SUBTYPES", "VERSION"),
    "router": ("ID", "NAME", "LABELS", "RULES", "CONNECTORS", "FALLBACK", "VERSION"),
}


def masked(secret: Secret) -> str:
    """`…0d1`; a template or reference with all in it masked that might be a key."""
    text = secret.reveal()
    return without_keys(text) if is_template(text) or is_reference(text) else mask(text)


def masked_for_comparison(secret: Secret) -> str:
    """The same with a piece of the text's SHA-256 behind it: two keys may end in the same three characters."""
    text = masked(secret).rstrip()
    return text if text == secret.reveal() else f"{text} (sha256 {fingerprint(secret.reveal())[:8]})"


def shown(document: Document, show: Show) -> Show:
    """How to show this document's secrets: a service's name or id is none."""
    bidirectional = isinstance(document, Connector) and document.type == "PAGERDUTY_INCIDENTS"
    return _open if bidirectional else show


def _open(secret: Secret) -> str:
    text = secret.reveal()
    return mask(text) if is_routing_key(text) else text


def to_document(document: Document, show: Show = masked) -> dict[str, Any]:
    """The form that `pagerline apply` takes, but for the secrets, which `show` makes fit to be seen."""
    plain = to_plain(document, shown(document, show))
    if isinstance(document, Router):
        if "rules" in plain:
            plain["rules"] = [{**rule, "targets": [_short(one) for one in rule["targets"]]} for rule in plain["rules"]]
        if "fallback" in plain:
            plain["fallback"] = {entity: [_short(one) for one in them] for entity, them in plain["fallback"].items()}
    return plain


def _short(target: dict[str, Any]) -> Any:
    return target["connector"] if len(target) == 1 else target


def to_yaml(documents: Iterable[dict[str, Any]]) -> str:
    """YAML, one document after another, templates as blocks."""
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000, explicit_start=True
    )


def to_rows(documents: Iterable[Document]) -> list[tuple[str, ...]]:
    """The rows of a table under the head of their kind."""
    return [_ROWS[type(one)](one) for one in documents]


def _connector_row(one: Connector) -> tuple[str, ...]:
    both_ways = one.type == "PAGERDUTY_INCIDENTS"
    return (
        one.id,
        one.type,
        one.name,
        _cell(one, "service" if both_ways else "integrationKey"),
        _cell(one, "dynamicservice" if both_ways else "dynamicintegrationKey"),
        ",".join(one.overrides) or "-",
        "-" if both_ways else str(one.options.rateLimit),
        str(one.version),
    )


def _cell(connector: Connector, field: str) -> str:
    secret = connector.fields.get(field)
    if secret is None:
        return "-"
    return "template" if is_template(secret.reveal()) else shown(connector, masked)(secret)


def _integration_row(one: Integration) -> tuple[str, ...]:
    return (
        one.id,
        one.name,
        masked(one.token),
        one.from_email,
        one.region,
        str(len(one.webhook_secrets)),
        str(len(one.services)),
        str(one.version),
    )


def _preset_row(one: Preset) -> tuple[str, ...]:
    return (
        one.id,
        one.name,
        one.entity,
        one.connector_type,
        one.parent or "-",
        ",".join(one.general) or "-",
        str(len(one.subtypes)),
        str(one.version) if one.version else one.type.lower(),
    )


def _router_row(one: Router) -> tuple[str, ...]:
    connectors = dict.fromkeys(target.connector for rule in one.rules for target in rule.targets)
    return (
        one.id,
        one.name + (" (disabled)" if one.disabled else ""),
        ",".join(f"{name}={value}" for name, value in one.labels.items()) or "-",
        str(len(one.rules)),
        _few(list(connectors)),
        " ".join(f"{entity}:{_few([one.connector for one in targets])}" for entity, targets in one.fallback.items())
        or "-",
        str(one.version),
    )


def _few(names: list[str], most: int = 3) -> str:
    return ",".join(names[:most]) + (f",+{len(names) - most}" if len(names) > most else "") if names else "-"


_ROWS: Final[Mapping[type, Callable[[Any], tuple[str, ...]]]] = {
    Connector: _connector_row,
    Integration: _integration_row,
    Preset: _preset_row,
    Router: _router_row,
}


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block, so that a template can be read."""


def _block(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)
