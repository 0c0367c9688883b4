"""Records of `case-updates` are built and read as the schema has them."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from streams import contracts
from streams.updates import FOLLOWED, ActorKind, CaseStatus, Change, FoundBy, IncidentStatus, State, Update

SCHEMA = contracts.schema("case-updates")
EXAMPLES = SCHEMA["examples"]


def update(change: Change, **more: Any) -> Update:
    return Update("id", "CASE-1", change, 1, "webhook", State("account:main"), **more)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["change"])
def test_an_example_is_read_and_written_as_it_is(example: dict[str, Any]) -> None:
    assert Update.from_json(example).to_json(example["recorded_at"]) == example


def test_what_a_newer_writer_added_is_passed_over() -> None:
    example = EXAMPLES[1]
    newer = {**example, "x": 1, "actor": {**example["actor"], "x": 1}, "state": {**example["state"], "x": 1}}
    assert Update.from_json(newer) == Update.from_json(example)


def test_the_words_are_those_of_the_schema() -> None:
    fields = SCHEMA["properties"]
    state = fields["state"]["properties"]
    assert list(get_args(Change)) == fields["change"]["enum"]
    assert list(get_args(FoundBy)) == fields["found_by"]["enum"]
    assert list(get_args(ActorKind)) == fields["actor"]["properties"]["kind"]["enum"]
    assert [*get_args(CaseStatus), None] == state["case_status"]["enum"]
    assert [*get_args(IncidentStatus), None] == state["incident_status"]["enum"]


@pytest.mark.parametrize("change", get_args(Change))
def test_every_change_makes_a_record_that_keeps_to_the_schema(change: Change) -> None:
    record = update(change).to_json(2)
    assert contracts.problem("case-updates", record) is None
    assert record["apply"] is (change in FOLLOWED)


def test_a_case_that_needs_not_follow_is_not_asked_to() -> None:
    assert update("resolved", apply=False).to_json(2)["apply"] is False
