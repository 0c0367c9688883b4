"""From a request to a Call: parameters and body are read and checked against what the operation declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import jsonschema_rs
import orjson
from aiohttp import web

from streams import contracts
from streams.web.backend import Backend
from streams.web.operation import JSON, YAML, Call, Operation, Parameter
from streams.web.problem import ApiError, Fault, wrong
from streams.web.schema import plain

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_INDEX: Final = re.compile(r"\.([0-9]+)(?=\.|$)")
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_YAML_TYPES: Final = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")

Check = Callable[[object], contracts.Problem | None]


class Reading:
    """Reads the requests of one operation; schemas are compiled once."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._parameters = {
            where: {one.name: (one, _check(one.schema)) for one in operation.parameters if one.where == where}
            for where in ("path", "query", "header")
        }
        self._body = None if operation.body is None else _check(operation.body)

    async def read(self, request: web.Request, backend: Backend) -> Call:
        """Raises ApiError with every fault of the parameters, or the first of the body."""
        faults: list[Fault] = []
        given: dict[str, dict[str, list[str]]] = {
            "path": {name: [value] for name, value in request.match_info.items()},
            "query": {name: request.query.getall(name) for name in request.query},
            "header": {name: request.headers.getall(name, []) for name in self._parameters["header"]},
        }
        values = {where: dict(self._values(where, found, faults)) for where, found in given.items()}
        if faults:
            raise wrong(faults)
        text, is_yaml = await self._text(request)
        body = self._parsed(text, is_yaml=is_yaml) if self._body is not None else None
        return Call(backend, values["path"], values["query"], values["header"], body, text, is_yaml)

    def _values(self, where: str, given: Mapping[str, list[str]], faults: list[Fault]) -> Iterator[tuple[str, Any]]:
        declared = self._parameters[where]
        for name in given:
            if name not in declared:
                known = ", ".join(declared)
                remedy = f"there are: {known}" if known else "leave it out"
                faults.append(Fault(_shown(name), "there is no such parameter", remedy))
        for name, (parameter, check) in declared.items():
            texts = given.get(name)
            if not texts:
                if parameter.required:
                    faults.append(Fault(name, "is missing", parameter.description))
                continue
            value = _value(parameter, texts)
            if isinstance(value, Fault):
                faults.append(value)
            elif problem := check(value):
                said = problem.message.removeprefix("the message ")
                faults.append(Fault(name, said))
            else:
                yield name, value

    async def _text(self, request: web.Request) -> tuple[str, bool]:
        if self._body is None:
            if request.can_read_body and await request.read():
                raise wrong([Fault("", "this operation takes no body", "send none")])
            return "", False
        kind = request.content_type.lower()
        is_yaml = self._operation.yaml and kind in _YAML_TYPES
        if not is_yaml and kind != JSON and not kind.endswith("+json"):
            forms = f"{JSON} or {YAML}" if self._operation.yaml else JSON
            raise ApiError("unsupported-media-type", f"the body must be {forms}: say so in the header Content-Type")
        try:
            return (await request.read()).decode("utf-8-sig"), is_yaml
        except UnicodeDecodeError:
            raise wrong([Fault("", "is not UTF-8", "send it as UTF-8")]) from None

    def _parsed(self, text: str, *, is_yaml: bool) -> Any:
        assert self._body is not None
        if is_yaml:  # read and checked by the reader of documents, which knows lines and columns
            return None
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise wrong([Fault("", f"is not JSON: {error.msg}", line=error.lineno, column=error.colno)]) from None
        if problem := self._body(body):
            field = _INDEX.sub(r"[\1]", problem.path.removeprefix("/").replace("/", "."))
            # The message begins with the field's name, and a fault with its field.
            raise wrong([Fault(_shown(field), problem.message.removeprefix(f"{field} "))])
        return body


def _value(parameter: Parameter, texts: list[str]) -> Any:
    kind = parameter.schema.get("type")
    if kind == "array":
        return [part for text in texts for part in text.split(",") if part]
    if len(texts) > 1:
        return Fault(parameter.name, "is given several times", "give it once")
    (text,) = texts
    if kind == "integer":
        return int(text) if _WHOLE.fullmatch(text) else Fault(parameter.name, "must be a whole number")
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), Fault(parameter.name, "must be true or false"))
    return text


def _check(schema: Mapping[str, Any]) -> Check:
    rules = plain(schema)
    compiled = jsonschema_rs.Draft202012Validator(rules)
    return lambda value: contracts.problem_in(rules, compiled, value)


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode()[:80]
