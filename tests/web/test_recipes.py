"""Every document of docs/recipes.md is right, and all of them together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.documents.changes import plan_changes
from streams.documents.parse import load_documents
from streams.documents.snapshot import NOTHING

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.findall(r"id: (\S+)", block)[0])
def test_a_recipe_applies(block: str) -> None:
    changes = plan_changes(NOTHING, load_documents(["-"], lambda: block))
    assert {change.verb for change in changes} == {"created"}
    assert not changes.warnings


def test_there_are_recipes() -> None:
    assert len(BLOCKS) >= 6
