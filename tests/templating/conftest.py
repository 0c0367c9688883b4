from __future__ import annotations

from collections.abc import Iterator

import pytest
from tera_oracle import Oracle


@pytest.fixture(scope="session")
def tera() -> Iterator[Oracle]:
    with Oracle() as oracle:
        yield oracle
