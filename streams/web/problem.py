"""What is wrong with a request, as RFC 9457 has it: `application/problem+json`, with every field at fault.

{"type": "urn:pagerline:problem:wrong-document", "title": "The request is wrong", "status": 400,
 "detail": "connector.connectorConfig.fields[0].value has 30 characters …",
 "errors": [{"field": "connector.connectorConfig.fields[0].value", "detail": "has 30 characters …",
             "remedy": "copy the Integration Key …"}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web

from streams.errors import (
    DocumentError,
    DocumentsWrong,
    KafkaUnavailable,
    PagerlineError,
    SecretError,
    TopicMismatch,
)

CONTENT_TYPE: Final = "application/problem+json"
URN: Final = "urn:pagerline:problem:"

RETRY_SECONDS: Final = "5"
"""What a client is told to wait while the brokers are away: a broker that restarts takes about that long."""

TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "wrong-request": (400, "The request is wrong"),
    "wrong-document": (400, "A document is wrong"),
    "unauthorized": (401, "The bearer token is missing or wrong"),
    "forbidden": (403, "Not from there"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "Not with this method"),
    "conflict": (409, "Somebody else was faster, or something stands in the way"),
    "precondition-failed": (412, "It has changed since you read it"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "Not in this form"),
    "expectation-failed": (417, "That cannot be expected"),
    "internal": (500, "A fault of ours"),
    "unavailable": (503, "Kafka is not as it must be"),
}
"""Every kind of problem, its status and its title."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One field at fault. `field` as people write it (`connector.fields[0].value`; empty: the whole), places count
    from 1 in the text that was sent (0: not known)."""

    field: str
    detail: str
    remedy: str = ""
    line: int = 0
    column: int = 0

    @classmethod
    def of(cls, error: DocumentError) -> Fault:
        """A fault that the reader of documents has found."""
        return cls(error.path, error.message, error.remedy, error.line, error.column)

    def to_json(self) -> dict[str, Any]:
        """Without what is not known."""
        said = {"field": self.field, "detail": self.detail}
        more = {"remedy": self.remedy, "line": self.line, "column": self.column}
        return {**said, **{name: value for name, value in more.items() if value}}

    def __str__(self) -> str:
        said = f"{self.field} {self.detail}" if self.field else self.detail
        return f"{said}; {self.remedy}" if self.remedy else said


class ApiError(PagerlineError):
    """A request that cannot be done; `kind` is one of TITLES. The text never holds a secret."""

    def __init__(
        self, kind: str, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return TITLES[self.kind][0]


@dataclass(frozen=True, slots=True)
class Problem:
    """The document of an ApiError."""

    error: ApiError = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As RFC 9457 has it; `errors` only where fields are at fault."""
        status, title = TITLES[self.error.kind]
        document = {"type": URN + self.error.kind, "title": title, "status": status, "detail": self.error.detail}
        errors = [fault.to_json() for fault in self.error.faults]
        return {**document, "errors": errors} if errors else document


def not_found(what: str) -> ApiError:
    """There is no such document, dead letter, …"""
    return ApiError("not-found", f"there is no {what}")


def wrong(faults: Iterable[Fault], kind: str = "wrong-request") -> ApiError:
    """A request with these faults."""
    found = tuple(faults)
    return ApiError(kind, "\n".join(str(fault) for fault in found), found)


def as_api_error(error: Exception) -> ApiError | None:
    """What a client is told of an error; None: it is a fault of ours."""
    match error:
        case ApiError():
            return error
        case DocumentsWrong():
            return wrong(map(Fault.of, error.problems), "wrong-document")
        case DocumentError():
            return wrong([Fault.of(error)], "wrong-document")
        case KafkaUnavailable() | TopicMismatch() | SecretError():
            return ApiError("unavailable", str(error), headers={"Retry-After": RETRY_SECONDS})
        case web.RequestPayloadError():  # broken compression or chunks, or a client that went away
            fault = Fault("", "the body cannot be read as its headers announce it")
            return ApiError("wrong-request", fault.detail, [fault], {"Connection": "close"})
        case web.HTTPException():
            return _of_aiohttp(error)
        case _:
            return None


def _of_aiohttp(error: web.HTTPException) -> ApiError | None:
    kinds = {status: kind for kind, (status, _) in TITLES.items() if kind != "wrong-document"}
    kind = kinds.get(error.status)
    if kind is None or kind == "internal":
        return None
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ApiError(kind, error.reason, headers=allow)


def response(error: ApiError) -> web.Response:
    """The answer."""
    body = orjson.dumps(Problem(error).to_json(), option=orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=body, status=error.status, headers=error.headers, content_type=CONTENT_TYPE)
