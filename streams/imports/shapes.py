"""Reading what others wrote: a part that is not in the shape it should have counts as missing."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def obj(value: object) -> Json:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objs(value: object) -> list[Json]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A text or number as text; empty for anything else."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
