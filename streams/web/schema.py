"""JSON Schemas (draft 2020-12) of the API, as Python has them: small words to write them with.

A schema with a name stands once among the document's components, and everywhere else is a reference to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Json = Mapping[str, Any]


class Named(dict[str, Any]):
    """A schema that is a component of the OpenAPI document."""

    def __init__(self, name: str, schema: Json) -> None:
        super().__init__(schema)
        self.name = name


def obj(
    members: Mapping[str, Json], required: tuple[str, ...] = (), *, more: bool = False, description: str = ""
) -> dict[str, Any]:
    """An object; `more`: with members that are not named here."""
    schema: dict[str, Any] = {"type": "object", "properties": dict(members)}
    if required:
        schema["required"] = list(required)
    if not more:
        schema["additionalProperties"] = False
    return {**schema, "description": description} if description else schema


def text(description: str = "", *, most: int | None = None, least: int | None = None, **more: Any) -> Json:
    """A string of `least` to `most` characters."""
    schema: dict[str, Any] = {"type": "string", **more}
    if description:
        schema["description"] = description
    if least is not None:
        schema["minLength"] = least
    if most is not None:
        schema["maxLength"] = most
    return schema


def one_of(*choices: str, description: str = "") -> Json:
    """One of these texts."""
    schema = {"type": "string", "enum": list(choices)}
    return {**schema, "description": description} if description else schema


def many(items: Json, *, most: int | None = None, least: int | None = None, description: str = "") -> Json:
    """A list."""
    schema: dict[str, Any] = {"type": "array", "items": items}
    if least is not None:
        schema["minItems"] = least
    if most is not None:
        schema["maxItems"] = most
    return {**schema, "description": description} if description else schema


def by_name(values: Json, description: str = "") -> Json:
    """An object used as a map."""
    schema = {"type": "object", "additionalProperties": values}
    return {**schema, "description": description} if description else schema


def whole(least: int | None = None, most: int | None = None, description: str = "") -> Json:
    """A whole number."""
    schema: dict[str, Any] = {"type": "integer"}
    if least is not None:
        schema["minimum"] = least
    if most is not None:
        schema["maximum"] = most
    return {**schema, "description": description} if description else schema


def maybe(schema: Json) -> Json:
    """This or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def plain(schema: Any) -> Any:
    """The schema as plain dicts and lists, as validators want it."""
    if isinstance(schema, Mapping):
        return {name: plain(value) for name, value in schema.items()}
    return [plain(one) for one in schema] if isinstance(schema, list) else schema


BOOLEAN: Final[Json] = {"type": "boolean"}
OBJECT: Final[Json] = {"type": "object"}
MS: Final[Json] = {"type": "integer", "description": "Milliseconds since the epoch."}
