"""What is wrong with a request is said as a problem document that names the field; nothing ends in a 5xx."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientResponse

from streams.web.api import OPERATIONS
from streams.web.api.shapes import BASE
from streams.web.app import MOST_BYTES, SECURITY
from streams.web.openapi import document
from tests.web.offices import MemoryLog, backend_of, bearer, client_of

SEND = "/api/v1/send"


async def problem(answer: ClientResponse, status: int) -> Any:
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    told = await answer.json()
    assert told["status"] == status
    assert told["type"].startswith("urn:pagerline:problem:")
    return told


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b"", "", "is not JSON"),
        (b"{", "", "is not JSON"),
        (b"\xff", "", "UTF-8"),
        (b'{"connectorId": "\\ud800"}', "", "is not JSON"),
        (b"[" * 5000, "", "is not JSON"),
        (b'{"connectorId": NaN}', "", "is not JSON"),
        (b"[]", "", "object"),
        (b"{}", "connectorId", "missing"),
        (b'{"connectorId": 1}', "connectorId", "text"),
        (b'{"connectorId": ""}', "connectorId", "too short"),
        (b'{"connectorId": "a", "entityTyp": "ALERTS"}', "", "entityTyp"),
        (b'{"connectorId": "a", "wait": 1000}', "wait", "120 or less"),
        (b'{"connectorId": "a", "entityType": "x"}', "entityType", "ALERTS"),
    ],
)
async def test_a_wrong_body_names_the_field(body: bytes, field: str, words: str) -> None:
    async with client_of(backend_of()) as client:
        headers = {**bearer(), "Content-Type": "application/json"}
        told = await problem(await client.post(SEND, data=body, headers=headers), 400)
        assert told["errors"][0]["field"] == field
        assert words in told["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("?sinc=1", "sinc", "no such parameter"),
        ("?since=now", "since", "whole number"),
        ("?since=-1", "since", "0 or more"),
        ("?since=" + "9" * 30, "since", "whole number"),
        ("?since=1&since=2", "since", "several times"),
        ("?stage=rout", "stage", "route"),
        ("?limit=0", "limit", "1 or more"),
    ],
)
async def test_a_wrong_parameter_is_named(query: str, field: str, words: str) -> None:
    async with client_of(backend_of()) as client:
        told = await problem(await client.get(f"/api/v1/dead-letters{query}", headers=bearer()), 400)
        assert told["errors"][0]["field"] == field
        assert words in f"{told['errors'][0]}"


@pytest.mark.parametrize(
    ("connector", "detail"),
    [
        ({"type": "PAGERDUTY"}, "connector.name is missing: add it"),
        (
            {"type": "PAGERDUTY", "name": "A", "connectorConfig": {"fields": [{"fieldName": 1, "value": "x"}]}},
            "connector.connectorConfig.fields[0].fieldName is a number: it must be text",
        ),
    ],
)
async def test_a_fault_names_its_field_once(connector: Any, detail: str) -> None:
    async with client_of(backend_of()) as client:
        answer = await client.post(f"{BASE}/connectors", json={"connector": connector}, headers=bearer())
        told = await problem(answer, 400)
        assert told["detail"] == detail
        assert f"{told['errors'][0]['field']} {told['errors'][0]['detail']}" == detail


async def test_answers_end_with_a_line_break() -> None:
    """So that a prompt does not stand behind them."""
    async with client_of(backend_of()) as client:
        for path, status in (("/openapi.json", 200), ("/api/v1/documents", 200), ("/nothing", 404)):
            answer = await client.get(path, headers=bearer())
            assert answer.status == status
            assert (await answer.text()).endswith("}\n")


async def test_other_refusals_are_problems_too() -> None:
    async with client_of(backend_of()) as client:
        form = {**bearer(), "Content-Type": "application/x-www-form-urlencoded"}
        await problem(await client.post(SEND, data=b"connectorId=a", headers=form), 415)
        json = {**bearer(), "Content-Type": "application/json"}
        large = b'{"connectorId": "' + b"a" * MOST_BYTES + b'"}'
        await problem(await client.post(SEND, data=BytesIO(large), headers=json), 413)
        bomb = {**json, "Content-Encoding": "deflate"}
        await problem(await client.post(SEND, data=zlib.compress(large), headers=bomb), 413)
        told = await client.post(SEND, data=b"not deflated", headers=bomb)
        assert told.status == 400
        answer = await client.delete("/api/v1/lag", headers=bearer())
        await problem(answer, 405)
        assert "GET" in answer.headers["Allow"]
        await problem(await client.get("/nowhere", headers=bearer()), 404)
        await problem(await client.post(SEND, json={"connectorId": "nobody"}, headers=bearer()), 404)
        get = await client.get("/api/v1/lag", data=b"{}", headers=json)
        await problem(get, 400)


async def test_kafka_out_of_reach_is_told_as_such() -> None:
    async with client_of(backend_of()) as client:
        answer = await client.get("/api/v1/lag", headers=bearer())
        await problem(answer, 503)
        assert "Retry-After" in answer.headers


async def test_every_answer_keeps_browsers_safe() -> None:
    async with client_of(backend_of()) as client:
        for path in ("/", "/openapi.json", "/nowhere", "/api/v1/explain/x?since=y"):
            answer = await client.get(path, headers=bearer())
            assert {name: answer.headers.get(name) for name in SECURITY} == dict(SECURITY)


def test_operations_are_told_apart_and_documented() -> None:
    described = document(OPERATIONS)
    ids = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    for operation in OPERATIONS:
        names = {one.name for one in operation.parameters if one.where == "path"}
        assert all(f"{{{name}}}" in operation.path for name in names)
        assert operation.path.count("{") == len(names)
        assert operation.tag in {tag["name"] for tag in described["tags"]}


async def test_it_is_ready_as_long_as_it_follows_the_documents() -> None:
    log = MemoryLog()
    async with client_of(backend_of(log)) as client:
        assert (await client.get("/readyz")).status == 200
        log.following = False
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/livez")).status == 200
