"""The reference tables of `docs/templates.md`, made from the registry: `python -m streams.templating.reference`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from streams.templating.registry import FILTERS, FUNCTIONS, TESTS, Entry

#: The event that the examples are rendered with.
EVENT: Final[dict[str, Any]] = {
    "alert": {
        "status": "Triggered",
        "timestamp": 1638403600,
        "groups": [
            {"priority": "P1", "keyValues": {"host": "web-1", "resource.attributes.Team": "payments"}},
            {"priority": "P2", "keyValues": {"host": "web-2"}},
        ],
    },
    "alertDef": {"name": "CPU usage high", "priority": "P1", "entityLabels": {"team": "payments"}},
}
# The two filters that are part of the language and not of the registry.
_BUILT_IN: Final = (
    Entry("default", "Its `value` in place of a variable that is missing or null. Only as the first filter.", "value",
          '{{ alert.team | default(value="ops") }}', "ops"),
    Entry("safe", "Nothing: Tera needs it where it escapes HTML.", "", '{{ "<b>" | safe }}', "<b>"),
)  # fmt: skip


def filters() -> list[Entry]:
    return sorted([*FILTERS.values(), *_BUILT_IN], key=lambda entry: entry.name)


def tables() -> str:
    """The three tables as Markdown."""
    return "\n".join(
        [
            "### Filters\n",
            *_table(filters()),
            "\n### Tests\n",
            *_table(sorted(TESTS.values(), key=lambda entry: entry.name)),
            "\n### Functions\n",
            *_table(sorted(FUNCTIONS.values(), key=lambda entry: entry.name)),
            "\nThe examples are rendered with this event:\n",
            "```json",
            json.dumps(EVENT, indent=2),
            "```",
        ]
    )


def _table(entries: Iterable[Entry]) -> Iterator[str]:
    yield "| name | arguments | what it gives | example | gives |"
    yield "|---|---|---|---|---|"
    for entry in entries:
        says = f"{entry.says} *Not in Tera.*" if entry.ours else entry.says
        cells = [
            f"`{entry.name}`",
            entry.arguments,
            says,
            f"`{_shown(entry.example)}`",
            f"`{_shown(entry.gives)}`" if entry.gives else "",
        ]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(text: str) -> str:
    return text.replace("\n", "⏎")


if __name__ == "__main__":
    import streams.templating  # noqa: F401  (registers everything)

    print(tables())
