from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tera_oracle import Oracle

FIXTURES = Path(__file__).parent.parent / "fixtures" / "templating"


@pytest.fixture(scope="session")
def tera() -> Iterator[Oracle]:
    with Oracle() as oracle:
        yield oracle


@pytest.fixture
def alert() -> dict[str, Any]:
    """The alert that the reference outputs were made with."""
    event: dict[str, Any] = json.loads((FIXTURES / "template_reference_context.json").read_text())["alert"]
    return event
