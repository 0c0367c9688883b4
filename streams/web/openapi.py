"""The OpenAPI 3.1 document, made of the operations' declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams import __version__
from streams.web.operation import JSON, YAML, Operation, Parameter
from streams.web.problem import CONTENT_TYPE, TITLES
from streams.web.schema import Named, many, obj, text, whole

PROBLEM: Final = Named(
    "Problem",
    obj(
        {
            "type": text("A URN; one for each kind of problem."),
            "title": text(),
            "status": whole(400, 599),
            "detail": text("What is wrong and what to do, for people."),
            "errors": many(
                obj(
                    {
                        "field": text("The field as people write it; empty: the whole."),
                        "detail": text(),
                        "remedy": text(),
                        "line": whole(1),
                        "column": whole(1),
                    },
                    ("field", "detail"),
                )
            ),
        },
        ("type", "title", "status", "detail"),
        description="A problem document (RFC 9457).",
    ),
)

ALWAYS: Final = ("wrong-request", "unauthorized", "forbidden", "unavailable")
"""Problems that every operation may answer."""

WITH_BODY: Final = ("too-large", "unsupported-media-type")

TAGS: Final[Mapping[str, str]] = {
    "connectors": "Where alerts and Cases go. Shapes and paths of the documented connectors API.",
    "presets": "What messages say. Shapes and paths of the documented presets API.",
    "routers": "Which connectors an event goes through. Shapes and paths of the documented routers API.",
    "testing": "Trying out templates, conditions and destinations.",
    "documents": "All documents at once, as `pagerline apply` does it.",
    "operations": "What happened to an event, what waits, what was given up.",
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document; schemas with a name stand once among the components."""
    components: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pagerline",
            "version": __version__,
            "summary": "Kafka to PagerDuty: documents, and what became of every event.",
            "description": "Secrets are masked in every answer. Writes take `If-Match` with the `ETag` that a read "
            "gave; where somebody has changed something meanwhile they answer 412, and change nothing.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The value of PAGERLINE_WEB_TOKEN."}
            },
            "schemas": dict(sorted(components.items())),
        },
    }


def _operation(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": operation.id, "tags": [operation.tag], "summary": operation.summary}
    if operation.description:
        found["description"] = operation.description
    if operation.parameters:
        found["parameters"] = [_parameter(one, components) for one in operation.parameters]
    if operation.body is not None:
        schema = _referring(operation.body, components)
        content: dict[str, Any] = {JSON: {"schema": schema}}
        if operation.yaml:
            content[YAML] = {"schema": text("The same as YAML, several documents separated by `---`.")}
        found["requestBody"] = {"required": True, "content": content}
    found["responses"] = {
        str(status): {"description": "Done.", "content": {JSON: {"schema": _referring(schema, components)}}}
        for status, schema in operation.answers.items()
    } | _problems(operation, components)
    return found


def _problems(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    kinds = [*ALWAYS, *(WITH_BODY if operation.body is not None else ()), *operation.problems]
    schema = _referring(PROBLEM, components)
    return {
        str(status): {"description": title, "content": {CONTENT_TYPE: {"schema": schema}}}
        for status, title in sorted({TITLES[kind] for kind in kinds})
    }


def _parameter(parameter: Parameter, components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "required": parameter.required,
        "schema": _referring(parameter.schema, components),
    }
    if parameter.schema.get("type") == "array":
        found["explode"] = True
    return found


def _referring(schema: Any, components: dict[str, Any]) -> Any:
    """The schema with references in the place of those that have a name; they go to `components`."""
    if isinstance(schema, Named):
        if schema.name not in components:
            components[schema.name] = {}  # so that one that holds itself comes to an end
            components[schema.name] = {name: _referring(value, components) for name, value in schema.items()}
        return {"$ref": f"#/components/schemas/{schema.name}"}
    if isinstance(schema, Mapping):
        return {name: _referring(value, components) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_referring(one, components) for one in schema]
    return schema
