"""Every document of docs/recipes.md is right, and all of them together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.documents.changes import plan_changes
from streams.documents.connector import Connector
from streams.documents.parse import load_documents
from streams.documents.router import Router
from streams.documents.snapshot import NOTHING
from tests.routing.routing_story import Route, alert, alert_document, case, case_document

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.findall(r"id: (\S+)", block)[0])
def test_a_recipe_applies(block: str) -> None:
    changes = plan_changes(NOTHING, load_documents(["-"], lambda: block))
    assert {change.verb for change in changes} == {"created"}
    assert not changes.warnings


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"routing.team": "payments"}, "payments"),
        ({"routing.team": "search"}, "platform"),
        ({"team": "payments"}, "platform"),
        ({}, "platform"),
    ],
)
def test_one_team_one_key_tells_one_team_of_alerts_and_of_cases(labels: dict[str, str], told: str) -> None:
    there = [change.document for change in plan_changes(NOTHING, load_documents(["-"], _team))]
    connectors = [one for one in there if isinstance(one, Connector)]
    route = Route(*connectors, routers=[one for one in there if isinstance(one, Router)])
    document = alert_document()
    document["alertDef"]["entityLabels"] = labels
    assert route.send(alert(document=document)).connector_id == told
    document = case_document()
    document["_context"]["entityLabels"] = {name: ["other", value] for name, value in labels.items()}
    assert route.send(case(document=document)).connector_id == told


def _team() -> str:
    return PAGE.read_text(encoding="utf-8").split("## One team, one key")[1].split("```yaml\n")[1].split("```")[0]


def test_there_are_recipes() -> None:
    assert len(BLOCKS) >= 6
