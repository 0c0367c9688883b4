"""Writes docs/documents.md from schemas/documents: `python docs/generate_documents.py`. A test fails if they differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from generate_topics import _example, _type

from streams import contracts
from streams.documents.system_presets import SYSTEM

PAGE: Final = Path(__file__).with_name("documents.md")

NOT_WRITTEN: Final = ("v", "version")
"""Members of a stored document that nobody writes."""

OPTIONAL: Final = ("name",)
OPTIONAL_ABOVE: Final = ("connectorType", "region")
"""Members that every stored document has, and that have a default for people; the second of whole documents."""

HEAD: Final = """\
<!-- Written by docs/generate_documents.py, the tables from schemas/documents/*.json: change those, then run it. -->

# Documents

What decides who is paged: **connectors** (where to), **routers** (which events), **presets** (which words) and
**integrations** (accounts of PagerDuty, for Cases both ways). They live in the compacted topic `connectors`,
encrypted where they are secret; every process holds them in memory and takes a change within two seconds, without a
restart.

    pagerline apply -f documents/            # create and change; --dry-run, --prune, --if-revision N
    pagerline diff -f documents/             # what apply would change
    pagerline get routers                    # connectors, integrations, presets, routers; -o table, yaml, json, api
    pagerline delete router payments         # refused while something refers to it; --force

Documents are YAML or JSON, several to a file (`---`, or a list), files and directories at will.

## What apply looks at

Everything is checked before anything is written: names and forms of all fields, templates and conditions (compiled),
keys, and all documents with each other and with those stored: a reference must lead somewhere, a preset must be for
the entity and the type of connector that it is used for, its parents must be too, and a connector's type never
changes. Each fault is told with file, line, column, field and remedy:

    router.yaml:12:9: rules[0].targets[0]: there is no connector/paymnts; did you mean payments?

Nothing is written when there is one. **Warnings** stop nothing: a rule that never holds (`false`, or one for alerts
that asks for `case`), a rule said twice, a fallback that is never used, a connector that no router leads to, alerts
on their way to a connector that takes Cases only, a field that the documented events do not have, a service that the
integration does not list.

## One apply, one revision

All documents of an apply take effect at the same moment, for every process alike, or none of them does: they are one
record batch with a mark at its end, numbered. A process that cannot read one of them (a secret sealed with a key that
it lacks) keeps what it had before the apply, says so in its log and in the web API, and goes on when the document has
been overwritten or deleted. A writer that is killed leaves nothing behind.

Whoever applies has read the newest revision. When somebody else was quicker, nothing is written:

    pagerline: nothing was written: the documents have changed meanwhile, from revision 7 to 8 (by pagerline
    apply, ann); look at them again (pagerline diff), then apply again

`pagerline diff` tells the revision that it compared with; `pagerline apply --if-revision N` insists on it, as
`If-Match` does in the web API.

The topic has one partition and takes batches of 8 MiB, some ten thousand documents. Documents that an older version
of Pagerline wrote, one by one, are read as before.

## Secrets

Fields of connectors, tokens and webhook secrets are encrypted in the topic (`PAGERLINE_SECRET_KEYS`) and shown
masked. `diff` shows a piece of their SHA-256 beside, so that two keys can be told apart: `…0d1 (sha256 1a2b3c4d)`. In
the place of a secret, or inside a template, a document may name where it is:

    integrationKey: ${ENV:PAYMENTS_KEY}      # a variable of the worker's environment
    token: file:/run/secrets/pagerduty       # a file on the worker's machine

It is looked up where it is used, when it is used; `apply` checks how it is written, not whether it is there.
Keys and their rotation: [docs/secrets.md](secrets.md).
"""

EXAMPLES: Final[Mapping[str, str]] = {
    "connector": """\
kind: connector
id: payments
type: PAGERDUTY
name: Payments
fields:
  integrationKey: "930..."
  dynamicintegrationKey: "{% if alert.highestPriority == 'P1' %}931...{% endif %}"
overrides:
  cases: { integrationKey: "932..." }
options: { rateLimit: 120, region: eu }
---
kind: connector
id: cases
type: PAGERDUTY_INCIDENTS
fields:
  integrationId: acme
  service: Payments                                   # the name or id of a service
  dynamicservice: "{{ _context.entityLabels.team[0] }}"    # wins where it renders to something
""",
    "integration": """\
kind: integration
id: acme
name: Acme
token: ${ENV:PAGERDUTY_TOKEN}
from: oncall@acme.io
webhookSecrets: ["file:/run/secrets/webhook"]
services: { Payments: PAYM3NT }
""",
    "preset": """\
kind: preset
id: payments
entity: alerts
parent: preset_system_pagerduty_alerts_basic
fields:
  summary: "{{ alertDef.name }} on {{ alert.groups[0].keyValues.host }}"
subtypes:
  logsImmediateTriggered:
    severity: critical
""",
    "router": """\
kind: router
id: payments
labels: { team: payments }
rules:
  - name: critical
    condition: alert.highestPriority == "P1"
    targets: [payments, { connector: war-room, preset: short }]
  - name: cases
    entity: cases
    condition: true
    targets: cases
fallback:
  alerts: payments-quiet
""",
}

API: Final[Mapping[str, str]] = {
    "connector": "`connectorConfig.fields[]` (`fieldName`, `value`) and `configOverrides[]` (`entityType`, `fields[]` "
    'of `fieldName`, `template`); `{"connector": …}`, `{"connectors": […]}`.',
    "integration": 'None is documented. `{"integration": …}` and `{"integrations": […]}` wrap Pagerline\'s own form.',
    "preset": "`entityType`, `connectorType`, `parentId`, `configOverrides[]` (`conditionType` with `matchEntityType` "
    'or `matchEntityTypeAndSubType`, `payloadType`, `messageConfig.fields[]`); `{"preset": …}`, `{"presets": […]}`. '
    "`attachmentConfig` is passed over.",
    "router": "`routingLabels`, `rules[]` (`entityType`, `condition`, `targets[]` of `connectorId`, `presetId`, "
    '`customDetails`), `fallbackTargets[]`, the deprecated `fallback[]` and `entityType`; `{"router": …}`, '
    '`{"routers": […]}`. A router that matches by `entityLabels` is refused: it would match more here.',
}

TAIL: Final = """\
## Stored

A record's key is `<kind>/<id>`, its value the document as above with `v` (1) and `version`, every secret as `{"enc":
"gAAAAA…"}`. The schemas in [`schemas/documents/`](../schemas/documents) are those of the records; the mark of an
apply is [`revision.json`](../schemas/documents/revision.json).
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for kind in ("connector", "integration", "preset", "router"):
        parts += _kind(kind)
    return "\n".join([*parts, TAIL])


def _kind(kind: str) -> Iterator[str]:
    schema = contracts.schema(f"documents/{kind}")
    yield f"## {kind.capitalize()}s\n"
    yield f"{schema['description']}\n"
    yield f"```yaml\n{EXAMPLES[kind]}```\n"
    yield "| field | form | required | meaning | example |"
    yield "|---|---|---|---|---|"
    yield from _rows(schema, "")
    yield f"\nThe documented API's form: {API[kind]}\n"
    if kind == "preset":
        yield from _system()


def _system() -> Iterator[str]:
    yield "System presets, which Pagerline brings along:\n"
    yield "| id | entity | type of connector | says |"
    yield "|---|---|---|---|"
    for preset in SYSTEM.values():
        says = ", ".join(f"`{name}`" for name in preset.general)
        yield f"| `{preset.id}` | {preset.entity} | `{preset.connector_type}` | {says} |"
    yield ""


def _rows(schema: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        if not above and name in NOT_WRITTEN:
            continue
        path = f"{above}{name}"
        optional = (*OPTIONAL, "entity") if above else (*OPTIONAL, *OPTIONAL_ABOVE)
        yield _row(path, field, required=name in schema.get("required", ()) and name not in optional)
        if _is_secret(field):
            continue
        if _is_secret(field.get("additionalProperties", {})):
            yield _row(f"{path}.<name>", field["additionalProperties"], required=False)
        elif isinstance(field.get("additionalProperties"), dict):
            yield from _rows(field["additionalProperties"], f"{path}.<name>.")
        yield from _rows(field, path + ".")
        if not _is_secret(field.get("items", {})):
            yield from _rows(field.get("items", {}), path + "[].")


def _row(path: str, field: Mapping[str, Any], *, required: bool) -> str:
    form = "text, kept encrypted" if _is_secret(field) else _type(field)
    example = "" if _has_secret(field) else _example(field)
    return f"| `{path}` | {form} | {'yes' if required else ''} | {field['description']} | {example} |"


def _is_secret(field: Any) -> bool:
    return isinstance(field, Mapping) and "enc" in field.get("properties", {})


def _has_secret(field: Mapping[str, Any]) -> bool:
    return "enc" in str(field.get("examples"))


if __name__ == "__main__":
    PAGE.write_text(page())
