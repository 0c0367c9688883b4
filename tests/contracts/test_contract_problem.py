"""What `problem` says of wrong documents: where, in words, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streams import contracts
from streams.contracts import Problem

FIXTURES = Path(__file__).parents[1] / "fixtures"
SCHEMAS = (*contracts.TOPICS, *contracts.DOCUMENTS)
GOOD = [path for topic in SCHEMAS for path in sorted((FIXTURES / topic / "good").glob("*.json"))]
BAD = [path for topic in SCHEMAS for path in sorted((FIXTURES / topic / "bad").glob("*.json"))]


def schema_of(path: Path) -> str:
    return str(path.parent.parent.relative_to(FIXTURES))


def name(path: Path) -> str:
    return f"{schema_of(path)}/{path.stem}"


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_a_good_document_has_no_problem(path: Path) -> None:
    assert contracts.problem(schema_of(path), json.loads(path.read_bytes())) is None


@pytest.mark.parametrize("path", BAD, ids=name)
def test_a_bad_document_is_told_where_and_what_to_do(path: Path) -> None:
    fixture = json.loads(path.read_bytes())
    problem = contracts.problem(schema_of(path), fixture["document"])
    assert problem is not None
    assert problem.path == fixture["path"]
    assert fixture["says"] in problem.message


def test_every_topic_has_bad_fixtures() -> None:
    assert {schema_of(path) for path in BAD} == set(SCHEMAS)


@pytest.mark.parametrize("path", BAD, ids=name)
def test_a_message_names_a_remedy_and_stays_short(path: Path) -> None:
    problem = contracts.problem(schema_of(path), json.loads(path.read_bytes())["document"])
    assert problem is not None
    assert ": " in problem.message
    assert len(problem.message) < 300


@pytest.mark.parametrize("document", [None, True, 1, 1.5, "text", [], [{}]])
def test_a_document_that_is_no_object_has_a_problem_as_a_whole(document: object) -> None:
    problem = contracts.problem("alerts", document)
    assert problem is not None
    assert problem.path == ""
    assert problem.message == f"the message is {contracts.kind_of(document)}: it must be an object"


def test_a_long_value_is_cut_at_80_characters() -> None:
    problem = contracts.problem("alerts", {"alert": {"groupingKey": "k", "status": "T" * 100_000}})
    assert problem is not None
    assert '"' + "T" * 78 + "…" in problem.message
    assert "T" * 79 not in problem.message


def test_a_large_value_is_told_by_its_kind() -> None:
    problem = contracts.problem("alerts", {"alert": {"groupingKey": "k", "status": list(range(1000))}})
    assert problem == Problem("/alert/status", 'alert.status is a list: it must be "Triggered" or "Resolved"')


def test_a_raw_value_beyond_its_bound_is_told_without_it() -> None:
    letter = {**contracts.schema("dead-letters")["examples"][0], "raw": "A" * 262_145}
    problem = contracts.problem("dead-letters", letter)
    assert problem == Problem("/raw", "raw is too long: 262144 characters is the most it may have")


SECRET = "0123456789abcdefSECRETabcdef0123"


def with_secret(topic: str) -> list[dict[str, Any]]:
    """Documents of a topic with a secret, where a secret stands, in a form that is refused."""
    example = contracts.schema(topic)["examples"][0]
    match topic:
        case "documents/integration":
            return [{**example, "token": wrong} for wrong in (SECRET, [SECRET], {"enc": SECRET})] + [
                {**example, "webhookSecrets": [SECRET]}
            ]
        case "documents/connector":
            return [
                {**example, "fields": {"integrationKey": wrong}} for wrong in (SECRET, [SECRET], {"enc": SECRET})
            ] + [{**example, "overrides": {"alerts": {"integrationKey": {"enc": SECRET}}}}]
        case "pagerduty-outbox":
            return [{**example, "routing_key": wrong} for wrong in (SECRET, [SECRET], {"enc": SECRET})]
        case _:
            return [{**example, "headers": {"x-webhook-id": [SECRET]}}, {**example, "headers": [SECRET]}]


@pytest.mark.parametrize(
    "topic", ["documents/connector", "documents/integration", "pagerduty-outbox", "pagerduty-webhooks"]
)
def test_no_message_repeats_a_secret(topic: str) -> None:
    for document in with_secret(topic):
        problem = contracts.problem(topic, document)
        assert problem is not None
        assert "SECRET" not in repr(problem)


def test_a_pointer_escapes_what_rfc_6901_says() -> None:
    assert contracts.pointer(["a/b", "c~d", 0, ""]) == "/a~1b/c~0d/0/"
    assert contracts.pointer([]) == ""


class FirstOnly:
    """As much of a validator as may be used: what collects all problems takes seconds where there are very many."""

    def __init__(self, validator: Any) -> None:
        self.is_valid = validator.is_valid
        self.validate = validator.validate


def test_of_very_many_problems_only_the_first_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    validator = contracts.validator
    monkeypatch.setattr(contracts, "validator", lambda topic: FirstOnly(validator(topic)))
    document = {"alert": {"groupingKey": "k", "status": "Triggered", "groups": [1] * 500_000}}
    problem = contracts.problem("alerts", document)
    assert problem is not None
    assert problem.path == "/alert/groups/0"
