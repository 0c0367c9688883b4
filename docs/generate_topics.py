"""Writes docs/topics.md from the schemas: `python docs/generate_topics.py`. A test fails while they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from streams import contracts

PAGE: Final = Path(__file__).with_name("topics.md")

WIDEST_EXAMPLE: Final = 60
"""Characters; a longer one would tear the table apart, and the whole examples stand below it."""


class Topic(NamedTuple):
    """What a schema does not say of its topic."""

    key: str
    cleanup: str
    written_by: str
    read_by: str


TOPICS: Final[Mapping[str, Topic]] = {
    "alerts": Topic("`alert.groupingKey`", "delete", "your producers", "route"),
    "cases": Topic("`case.id`", "delete", "your producers", "route"),
    "connectors": Topic("`<kind>/<id>`, `revision`", "compact", "`pagerline apply`, web", "every process"),
    "pagerduty-outbox": Topic("destination id", "delete", "route", "dispatch"),
    "pagerduty-webhooks": Topic("destination id", "delete", "web", "not yet: dispatch"),
    "deliveries": Topic("incident id", "delete", "route, dispatch", "you"),
    "case-updates": Topic("`case.id`", "delete", "not yet: dispatch", "project, your Case system"),
    "dead-letters": Topic("key of the input record", "delete", "route, dispatch", "`pagerline dead-letters`, you"),
}

_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
}

HEAD: Final = """\
<!-- Written by docs/generate_topics.py from schemas/*.json: change those, then run it. -->

# Topics

All names carry the prefix of `PAGERLINE_PREFIX`. Values are JSON in UTF-8; times are whole milliseconds since the epoch
where nothing else is said. The contracts are JSON Schemas (draft 2020-12) in [`schemas/`](../schemas), one a topic,
with [example messages](../schemas/examples); an installed package carries them in `streams/schemas/`. A field
that a schema does not list is accepted, so a reader must pass over what it does not know.

"Not yet" marks who will read or write on the way back from PagerDuty, and does not in this version.

`alerts` and `cases` are yours to write. A message there that breaks its contract goes to `dead-letters` with the field
and the remedy. A number that no double can hold, NaN, a byte order mark, nesting beyond 100 levels and a message of
more than a megabyte are refused too; of a member that comes twice the last one counts; an integer beyond 64 bits is
read as the nearest double.
"""

TAIL: Final = """\
## Topics of its own

Their values may change with any version; leave them alone.

| topic | key | cleanup | holds |
|---|---|---|---|
| `rekeyed` | incident's own key | delete | inputs under another key than their incident's; replayed dead letters |
| `input-index` | none | delete | whose each input is, by coordinates and alert id, for `pagerline explain` |
| `<app id>-pins-changelog` | incident id | compact | where each incident goes, from its first trigger on |
| `<app id>-incidents-changelog` | destination and dedup key | compact | what PagerDuty knows of an incident |
| `<app id>-cases-changelog` | Case id | compact | how a Case and its incidents stand (`pagerline cases`) |

`<app id>` is `PAGERLINE_APP_ID`; the prefix comes before it too.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_overview(), *(line for name in contracts.TOPICS for line in _topic(name)), TAIL])


def _overview() -> Iterator[str]:
    yield "| topic | key | cleanup | one message is | written by | read by |"
    yield "|---|---|---|---|---|---|"
    for name, topic in TOPICS.items():
        title = contracts.schema(name)["title"]
        one = title[0].lower() + title[1:]
        yield f"| [`{name}`](#{name}) | {topic.key} | {topic.cleanup} | {one} | {topic.written_by} | {topic.read_by} |"
    yield ""


def _topic(name: str) -> Iterator[str]:
    schema = contracts.schema(name)
    topic = TOPICS[name]
    yield f"## {name}\n"
    yield f"{schema['description']}\n"
    yield f"Key: {topic.key}. Cleanup: {topic.cleanup}. Schema: [`{name}.json`](../schemas/{name}.json).\n"
    yield "| field | type | required | meaning | example |"
    yield "|---|---|---|---|---|"
    yield from _rows(schema, "")
    yield "\nExamples:\n"
    for example in schema["examples"]:
        yield f"```json\n{_pretty(example)}\n```\n"


def _rows(schema: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        path = f"{above}{name}"
        required = "yes" if name in schema.get("required", ()) else ""
        yield f"| `{path}` | {_type(field)} | {required} | {field['description']} | {_example(field)} |"
        yield from _rows(field, path + ".")
        yield from _rows(field.get("items", {}), path + "[].")
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        yield from _rows(extra, f"{above}<name>.")


def _type(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{_json(field['const'])}`"
    if "enum" in field:
        return " or ".join("null" if choice is None else f"`{choice}`" for choice in field["enum"])
    if "type" in field:
        types = [field["type"]] if isinstance(field["type"], str) else field["type"]
        return " or ".join(_TYPES.get(name, name) for name in types)
    usual = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return f"any, as a rule {_TYPES[usual[type(field['examples'][0])]]}"


def _example(field: Mapping[str, Any]) -> str:
    for example in field.get("examples", ()):
        shown = _json(example)
        if len(shown) <= WIDEST_EXAMPLE and "const" not in field:
            return f"`{shown}`"
    return ""


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


if __name__ == "__main__":
    PAGE.write_text(page())
