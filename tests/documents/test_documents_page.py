"""docs/documents.md says what the schemas say, and its examples apply."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from streams.documents.changes import plan_changes
from streams.documents.document import KINDS
from streams.documents.parse import load_documents
from streams.documents.snapshot import NOTHING

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "documents.md"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_documents", DOCS / "generate_documents.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_that_the_schemas_make(generator: ModuleType) -> None:
    assert PAGE.read_text() == generator.page(), "run: python docs/generate_documents.py"


def test_no_table_row_is_torn_apart() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5, 6}


def test_the_examples_apply(generator: ModuleType) -> None:
    """With a key in the place of the dots, and the two connectors that the router's example leaves to the reader."""
    key = re.compile(r'"?93(\d)\.\.\."?')
    text = "---\n".join(generator.EXAMPLES[kind] for kind in KINDS)
    text = key.sub(lambda found: f"93{found[1]}" + "a" * 26 + "0d1", text)
    for id_ in ("war-room", "payments-quiet"):
        text += f"---\nkind: connector\nid: {id_}\ntype: PAGERDUTY\nfields: {{integrationKey: {'9' * 32}}}\n"
    text = text.replace("preset: short", "preset: payments")
    changes = plan_changes(NOTHING, load_documents(["-"], lambda: text))
    assert len(changes) == 7
    assert changes.warnings == ()
