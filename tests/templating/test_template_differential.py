"""Templates by chance, here and in Tera: the same text, or both refuse.

The normal run is seeded and bounded; `TEMPLATE_EXAMPLES=20000 pytest tests/templating/test_template_differential.py`
makes the long one, with another seed each time unless `TEMPLATE_SEED` gives one.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from tera_compare import difference
from tera_generator import events, templates
from tera_oracle import Oracle

EXAMPLES = int(os.environ.get("TEMPLATE_EXAMPLES", "1500"))  # about 25 s on one core
SEED = (
    int(os.environ.get("TEMPLATE_SEED", "0"))
    if EXAMPLES == 1500
    else int(os.environ.get("TEMPLATE_SEED") or os.getpid())
)


@pytest.mark.timeout(60 if EXAMPLES <= 1500 else 3_600)
def test_every_template_by_chance_is_as_tera_has_it(tera: Oracle) -> None:
    rendered = 0

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(templates(), events)
    def compare(template: str, event: dict[str, Any]) -> None:
        nonlocal rendered
        assert difference(tera, template, event) == ""
        rendered += tera.render(template, event).text is not None

    compare()
    # A generator whose templates are all refused would prove nothing.
    assert rendered > EXAMPLES // 5
