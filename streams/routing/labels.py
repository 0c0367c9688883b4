"""An event's routing labels: what routers match.

Alerts carry them as `routing.<label>` among `alertDef.entityLabels` or `_context.entityLabels`, with one value each; a
Case aggregates alerts, so a label of it has a list of values (Coralogix, routing labels; dynamic templating). A label
without the prefix stands in where no source has it with the prefix, for producers that know no prefixes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from streams.events import Event
from streams.routing.plain import one_line
from streams.routing.reading import mapping

PREFIX: Final = "routing."

VALUE_LIMIT: Final = 256
"""Characters of a label's value that are compared: as many as a router may want."""

VALUES_LIMIT: Final = 100
"""Values of one label of a Case that are looked at: as many alerts as a Case is made of."""


def routing_labels(event: Event, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The values of those labels that the event has, by name without the prefix."""
    document = event.context
    sources = (
        mapping(mapping(document.get("alertDef")).get("entityLabels")),
        mapping(mapping(document.get("_context")).get("entityLabels")),
    )
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        for spelt in (PREFIX + name, name):
            values = [value for source in sources if spelt in source for value in _values(source[spelt])]
            if values:
                found[name] = tuple(dict.fromkeys(values))
                break
    return found


def _values(given: Any) -> list[str]:
    several = given[:VALUES_LIMIT] if isinstance(given, list) else (given,)
    return [text for one in several if (text := one_line(one, VALUE_LIMIT))]
