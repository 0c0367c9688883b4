"""How a template sees a document: keys and indexes only, never Python attributes.

`alert.groups['team_name']` is looked up three ways, because the published example indexes `groups` by a name
while the published schema makes it a list of groups (Coralogix, PagerDuty connector page against the alert schema):
a key of the object itself, else the `keyValues` of the first group that has it, in a list or in an object of groups.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jinja2
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

_ABSENT: Any = object()


class DocumentEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox narrowed to plain data: no globals, no calls on values, no attributes."""

    def __init__(self) -> None:
        super().__init__(
            undefined=jinja2.StrictUndefined, autoescape=False, finalize=_printed, keep_trailing_newline=True
        )
        self.globals.clear()
        self.filters["default"] = self.filters["d"] = _default

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._look_up(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._look_up(obj, argument)

    def _look_up(self, obj: Any, name: Any) -> Any:
        if isinstance(obj, LoopContext):  # loop.index and its like are part of the language
            return super().getattr(obj, str(name))
        found = value_at(obj, name)
        if found is _ABSENT:
            return self.undefined(obj=obj, name=str(name))
        return found


def value_at(obj: Any, name: Any) -> Any:
    """The value under a key or index of plain data; the absent mark when there is none."""
    if isinstance(obj, Mapping):
        if isinstance(name, str | int) and name in obj:
            return obj[name]
        return _first_of_groups(obj.values(), name)
    if isinstance(obj, Sequence):
        if isinstance(name, int):
            return obj[name] if -len(obj) <= name < len(obj) else _ABSENT
        if not isinstance(obj, str | bytes):
            return _first_of_groups(obj, name)
    return _ABSENT


def _first_of_groups(candidates: Iterable[Any], name: Any) -> Any:
    if isinstance(name, str):
        for group in candidates:
            values = group.get("keyValues") if isinstance(group, Mapping) else None
            if isinstance(values, Mapping) and name in values:
                return values[name]
    return _ABSENT


def _printed(value: Any) -> Any:
    # As Tera 1.20 prints: null as nothing, truth in lower case.
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _default(given: Any, value: Any = "") -> Any:
    """`default(value=…)`: for what is missing and, as in Tera, for null."""
    return value if given is None or isinstance(given, jinja2.Undefined) else given
