"""The schema files themselves: sound, complete, and with examples that keep to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from streams import contracts
from streams.dispatch.outcome import Attempt, Outcome, delivery, source_of
from streams.documents.connector import Connector, frozen_fields, frozen_overrides
from streams.documents.secrets import Secret
from streams.pagerduty.answers import Accepted, Answer, judge
from streams.routing.destination import find_destination

ROOT = Path(__file__).parents[2]
SCHEMAS = (*contracts.TOPICS, *contracts.DOCUMENTS)
EXAMPLE_FILES = sorted((ROOT / "schemas" / "examples").glob("*/*.json"))


def test_there_is_one_file_for_each_topic_and_no_other() -> None:
    assert {path.stem for path in (ROOT / "schemas").glob("*.json")} == set(contracts.TOPICS)
    kinds = (ROOT / "schemas" / "documents").glob("*.json")
    assert {f"documents/{path.stem}" for path in kinds} == set(contracts.DOCUMENTS)


@pytest.mark.parametrize("topic", SCHEMAS)
def test_a_schema_is_a_schema_of_its_draft(topic: str) -> None:
    assert contracts.schema(topic)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(dict(contracts.schema(topic)))


@pytest.mark.parametrize("topic", SCHEMAS)
def test_a_schema_says_what_it_is(topic: str) -> None:
    schema = contracts.schema(topic)
    assert schema["$id"] == f"urn:pagerline:schema:{topic}:1"
    assert schema["title"]
    assert schema["description"].endswith(".")


@pytest.mark.parametrize("topic", SCHEMAS)
def test_every_field_has_a_description_and_a_way_to_see_its_form(topic: str) -> None:
    for path, field in fields(contracts.schema(topic)):
        assert field.get("description", "").endswith("."), f"{path} has no description"
        assert "examples" in field or "properties" in field or "items" in field or "object" in field["type"], path


@pytest.mark.parametrize("topic", SCHEMAS)
def test_the_examples_of_every_field_keep_to_that_field(topic: str) -> None:
    for path, field in fields(contracts.schema(topic)):
        check = jsonschema_rs.Draft202012Validator(dict(field))
        for example in field.get("examples", ()):
            assert check.is_valid(example), f"{path}: {example!r}"


@pytest.mark.parametrize("topic", SCHEMAS)
def test_the_examples_inside_a_schema_keep_to_it(topic: str) -> None:
    examples = contracts.schema(topic)["examples"]
    assert examples
    assert [contracts.problem(topic, example) for example in examples] == [None] * len(examples)


@pytest.mark.parametrize("path", EXAMPLE_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_example_files_keep_to_the_schema_of_their_folder(path: Path) -> None:
    assert contracts.problem(path.parent.name, json.loads(path.read_bytes())) is None


def test_what_others_write_or_read_has_example_files() -> None:
    assert {path.parent.name for path in EXAMPLE_FILES} == {"alerts", "cases", "case-updates"}


@pytest.mark.parametrize("topic", SCHEMAS)
def test_a_newer_writer_may_add_fields(topic: str) -> None:
    for example in contracts.schema(topic)["examples"]:
        assert contracts.problem(topic, {**example, "added_later": {"x": 1}}) is None


def test_a_topic_without_a_contract_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="no contract for topic 'alarms'; there are: alerts, cases"):
        contracts.problem("alarms", {})


def fields(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every declared field under a schema, with its path."""
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, field
        yield from fields(field, here)
        if isinstance(field.get("items"), dict):
            yield from fields(field["items"], here + "[]")


def test_the_example_of_a_delivery_is_what_is_written() -> None:
    example = contracts.schema("deliveries")["examples"][0]
    outbox = contracts.schema("pagerduty-outbox")["examples"][0]
    at = example["outcome"]["at"]
    answer = Answer(202, b'{"status":"success","message":"Event processed","dedup_key":"k"}')
    verdict = judge(answer)
    assert isinstance(verdict, Accepted)
    attempt = Attempt(at, 31.5, answer.status, None)
    outcome = Outcome(
        source_of(outbox), "delivered", "delivered", verdict.words, at, 202, attempts=(attempt,), attempts_total=1
    )
    assert json.loads(orjson.dumps(delivery(outbox, outcome))) == example


def test_the_examples_name_fields_as_routing_does() -> None:
    key = "930" + "a" * 26 + "0d1"
    template = "{% if alert.groups['team_name'] == 'alpha' %} " + key + " {% endif %}"
    fields = {"integrationKey": Secret(key), "dynamicintegrationKey": Secret(template)}
    connector = Connector("c", "c", "PAGERDUTY", frozen_fields(fields), frozen_overrides({}))
    found = find_destination(connector, "alerts", {"alert": {"groups": {"team_name": "beta"}}}).why.to_json()
    for topic in ("deliveries", "pagerduty-outbox"):
        why = contracts.schema(topic)["properties"]["why"]["properties"]
        assert why["chosen"]["examples"] == [found["chosen"]]
        assert why["key"]["examples"] == [found["key"]]
        passed_over = why["passed_over"]["items"]["properties"]
        assert [{name: field["examples"][0] for name, field in passed_over.items()}] == found["passed_over"]
