"""Connectors for people: in the form they are written in, with every key masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import yaml

from streams.documents.connector import Connector, Fields
from streams.documents.secrets import Secret, fingerprint, is_template, mask
from streams.templating.quiet import without_keys

Show = Callable[[Secret], str]

HEAD: Final = ("ID", "TYPE", "NAME", "KEY", "DYNAMIC", "OVERRIDES", "LIMIT", "VERSION")


def masked(secret: Secret) -> str:
    """`…0d1`; a template with all in it masked that might be a key."""
    text = secret.reveal()
    return without_keys(text) if is_template(text) else mask(text)


def masked_for_comparison(secret: Secret) -> str:
    """The same with a piece of the text's SHA-256 behind it: two keys may end in the same three characters."""
    return f"{masked(secret).rstrip()} (sha256 {fingerprint(secret.reveal())[:8]})"


def to_document(connector: Connector, show: Show = masked) -> dict[str, Any]:
    """The form that `pagerline apply` takes, but for the secrets, which `show` makes fit to be seen."""

    def shown(fields: Fields) -> dict[str, str]:
        return {name: show(secret) for name, secret in fields.items()}

    document: dict[str, Any] = {
        "kind": "connector",
        "id": connector.id,
        "type": connector.type,
        "name": connector.name,
        "fields": shown(connector.fields),
    }
    if connector.overrides:
        document["overrides"] = {entity: shown(fields) for entity, fields in connector.overrides.items()}
    return {**document, "options": connector.options.to_json(), "version": connector.version}


def to_yaml(documents: Iterable[dict[str, Any]]) -> str:
    """YAML, one document after another, templates as blocks."""
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000, explicit_start=True
    )


def to_rows(connectors: Iterable[Connector]) -> list[tuple[str, ...]]:
    """The rows of a table under HEAD."""
    return [
        (
            one.id,
            one.type,
            one.name,
            _cell(one.fields.get("integrationKey")),
            _cell(one.fields.get("dynamicintegrationKey")),
            ",".join(one.overrides) or "-",
            str(one.options.rateLimit),
            str(one.version),
        )
        for one in connectors
    ]


def _cell(secret: Secret | None) -> str:
    if secret is None:
        return "-"
    return "template" if is_template(secret.reveal()) else masked(secret)


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block, so that a template can be read."""


def _block(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)
