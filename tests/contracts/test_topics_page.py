"""docs/topics.md says what the schemas and the code say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from streams import contracts
from streams.topology import Topology

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_topics", DOCS / "generate_topics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_that_the_schemas_make(generator: ModuleType) -> None:
    assert (DOCS / "topics.md").read_text() == generator.page(), "run: python docs/generate_topics.py"


def test_every_contract_is_on_the_page(generator: ModuleType) -> None:
    assert list(generator.TOPICS) == list(contracts.TOPICS)


def test_no_table_row_is_torn_apart() -> None:
    rows = [line for line in (DOCS / "topics.md").read_text().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"\|", row)) for row in rows} == {5, 6, 7}


def test_every_field_is_on_the_page() -> None:
    page = (DOCS / "topics.md").read_text()
    for path in ("alert.groupingKey", "case.state", "destinations[].connectorId", "outcome.attempts[].error"):
        assert f"| `{path}` |" in page


def test_cleanup_policies_are_those_that_the_topics_are_made_with(generator: ModuleType) -> None:
    topology = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=1))
    made = {spec.name: spec.cleanup for spec in topology.specs()}
    told = {name: topic.cleanup for name, topic in generator.TOPICS.items()}
    for name, cleanup in made.items():
        if name in told:
            assert told[name] == cleanup
    assert {name for name in made if name not in told} == {
        "rekeyed",
        "input-index",
        "pagerline-pins-changelog",
        "pagerline-incidents-changelog",
        "pagerline-cases-changelog",
    }
