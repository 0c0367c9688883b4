"""An operation of the API, declared once: what it is called by, what it takes and gives, and who does it.

The routes, the checking of requests and the OpenAPI document all come from these declarations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from streams.web.schema import Json

if TYPE_CHECKING:
    from streams.web.backend import Backend

JSON: Final = "application/json"
YAML: Final = "application/yaml"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `schema` is a JSON Schema of type string, integer, boolean, or array of strings (given by
    repeating the name, or with commas)."""

    name: str
    where: Literal["path", "query", "header"]
    schema: Json
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: `path`, `query` and `header` by parameter name (those not given are not there), `body` as
    parsed and `text` as it came (empty without a body), `yaml` when the text is YAML."""

    backend: Backend
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    header: Mapping[str, Any]
    body: Any = None
    text: str = ""
    yaml: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; `body` is made JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `path` is written as in OpenAPI; `rest` names the path parameter that may hold slashes. `body` is the schema of the
    request's body (None: it has none), `yaml` says that the body may come as YAML too. `answers` are the schemas of the
    good answers by status; `problems` the kinds of problem that are its own beside those that every operation has.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    id: str
    tag: str
    summary: str
    handler: Callable[[Call], Awaitable[Reply]]
    answers: Mapping[int, Json]
    parameters: tuple[Parameter, ...] = ()
    body: Json | None = None
    yaml: bool = False
    rest: str | None = None
    problems: tuple[str, ...] = ()
    description: str = ""

    @property
    def route(self) -> str:
        """The path as aiohttp has it."""
        return self.path if self.rest is None else self.path.replace(f"{{{self.rest}}}", f"{{{self.rest}:.+}}")
