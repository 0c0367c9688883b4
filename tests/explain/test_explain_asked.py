"""The forms of an id."""

from __future__ import annotations

import pytest

from streams.explain.asked import Asked, Place, read_id

INPUTS = ("eu.alerts", "eu.cases")


@pytest.mark.parametrize(
    ("text", "incidents", "place"),
    [
        ("alert:gk", ("alert:gk",), None),
        ("case:C-1", ("case:C-1",), None),
        (" gk ", ("alert:gk", "case:gk"), None),
        ("eu.alerts/3/4711", (), Place("eu.alerts", 3, 4711)),
        ("cases/0/12", (), Place("eu.cases", 0, 12)),
        ("alerts/3/4711@key:1a2b3c4d5e6f7081", (), Place("eu.alerts", 3, 4711)),
        ("alerts/3/4711@-", (), Place("eu.alerts", 3, 4711)),
        ("payments-api/3/4711", ("alert:payments-api/3/4711", "case:payments-api/3/4711"), None),
        ("alerts/x/1", ("alert:alerts/x/1", "case:alerts/x/1"), None),
    ],
)
def test_forms(text: str, incidents: tuple[str, ...], place: Place | None) -> None:
    assert read_id(text, "eu.", INPUTS) == Asked(text.strip(), incidents, place)
