"""What the product adds to look-ups, tried only where Tera finds nothing (Coralogix, PagerDuty connector page, alert
schema and alerts history).

- `alert.groups['team_name']`: the published example indexes `groups` by a label, the published schema has a list of
  groups (or an object of them) with `keyValues`: the first group that has the label gives it.
- `keyValues.resource.attributes.Team`: labels are flat and their keys have dots.
- `entityLabels.channel[0]`: a label's value is an array of strings in some sources and a string in others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from streams.templating.paths import Step
from streams.templating.values import MISSING

#: Objects whose keys are label keys.
LABELS: Final = frozenset({"keyValues", "entityLabels"})
GROUPS: Final = "groups"


def concerns_labels(path: str) -> bool:
    """Whether a path could need this at all, so that other paths do not pay for it."""
    return "keyValues" in path or "entityLabels" in path or GROUPS in path


def walk_labels(value: Any, root: str, steps: tuple[Step, ...]) -> Any:
    """The value at the end of ``steps`` by the rules above, or MISSING."""
    parent = root
    for at, (key, index) in enumerate(steps):
        if type(value) is dict and key in value:
            value = value[key]
        elif type(value) is list and index is not None and index < len(value):
            value = value[index]
        else:
            rest = steps[at:]
            if parent in LABELS and type(value) is dict:
                return _label(value, rest)
            if parent == GROUPS and isinstance(value, dict | list):
                return _of_groups(value.values() if type(value) is dict else value, rest)
            if key == "0" and type(value) is str and at and len(rest) == 1 and _is_label(root, steps[:at]):
                return value
            return MISSING
        parent = key
    return value


def _is_label(root: str, steps: tuple[Step, ...]) -> bool:
    return root in LABELS or any(step.key in LABELS for step in steps[:-1])


def _label(labels: dict[str, Any], steps: tuple[Step, ...]) -> Any:
    """The label whose key is as many of the steps as possible joined by dots."""
    for count in range(len(steps), 0, -1):
        key = ".".join(step.key for step in steps[:count])
        if key in labels:
            value, rest = labels[key], steps[count:]
            return _inside(value, rest) if rest else value
    return MISSING


def _inside(value: Any, steps: tuple[Step, ...]) -> Any:
    """Steps into one label's value: an array's element, or a string taken for an array of one."""
    if type(value) is str and len(steps) == 1 and steps[0].key == "0":
        return value
    return walk_labels(value, "", steps)


def _of_groups(groups: Iterable[Any], steps: tuple[Step, ...]) -> Any:
    for group in groups:
        labels = group.get("keyValues") if type(group) is dict else None
        if type(labels) is dict:
            found = walk_labels(labels, "keyValues", steps)
            if found is not MISSING:
                return found
    return MISSING
