"""Reading documents of which nothing is certain but that they are JSON: absent or odd parts read as empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

EMPTY: Final[Mapping[str, Any]] = {}
FLAT_DEPTH: Final = 8
"""Levels of dots in a group-by label; `resource.attributes.Team` has three."""


def mapping(value: object) -> Mapping[str, Any]:
    """`value` when it is an object, else an empty one."""
    return value if isinstance(value, dict | Mapping) else EMPTY  # dict first: an abstract class is slow to ask


def groups_of(alert: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """An alert's groups, from a list of groups, an object of groups, or an object of group-by values (one group)."""
    groups = alert.get("groups")
    if isinstance(groups, list | tuple):
        return [group for group in groups if isinstance(group, dict | Mapping)]
    if not isinstance(groups, Mapping):
        return ()
    found = [group for group in groups.values() if isinstance(group, Mapping) and "keyValues" in group]
    values = {name: value for name, value in groups.items() if not isinstance(value, Mapping)}
    return [*found, {"keyValues": values}] if values else found


def flat(values: object, prefix: str = "", depth: int = FLAT_DEPTH) -> Iterator[tuple[str, Any]]:
    """The scalars of an object by dotted path, in order: `{"host": {"name": "a"}}` gives `host.name`."""
    if not depth or not isinstance(values, dict | Mapping):
        return
    for name, value in values.items():
        if isinstance(value, dict | Mapping):
            yield from flat(value, f"{prefix}{name}.", depth - 1)
        elif value is not None:
            yield f"{prefix}{name}", value
