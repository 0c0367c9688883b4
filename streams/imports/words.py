"""The words of the documented API, in all the spellings they come in (Coralogix, notification center API)."""

from __future__ import annotations

from typing import Any

from streams.documents.connector import ENTITIES, TYPES, ConnectorType
from streams.imports.shapes import Json


def connector_type_of(given: Any) -> ConnectorType | None:
    """A type as the API writes it; providers write it small, and answers may have a prefix."""
    text = str(given or "").upper().removeprefix("CONNECTOR_TYPE_")
    return next((one for one in TYPES if one == text), None)


def entity_type(given: Any) -> Any:
    text = str(given or "").upper().removeprefix("ENTITY_TYPE_")
    return next((one for one in ENTITIES if one.upper() == text), text.lower())


def name_of(kind: str, given: Json) -> str:
    return f"{kind} {given.get('id') or given.get('name') or '(without id)'}"
