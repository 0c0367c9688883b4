"""The published examples: same text as Tera 1.20 gave, or refused where it refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tera_compare import FIXTURES
from tera_oracle import Oracle

from streams.templating import TemplateError, compile_condition, compile_template

EXAMPLES: list[dict[str, Any]] = json.loads((FIXTURES / "template_examples.json").read_text())
EVENTS: dict[str, Any] = json.loads((FIXTURES / "template_reference_context.json").read_text())
# What Tera does not have and the product adds.
ADDED = "get_context"


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{at:02}" for at in range(len(EXAMPLES))])
def test_an_example_gives_the_text_that_tera_gave(example: dict[str, Any], tera: Oracle) -> None:
    event = EVENTS["case" if example["context_kind"] == "case" else "alert"]
    text = example["template"] if example["mode"] == "template" else f"{{{{ {example['template']} }}}}"
    expected = example["tera_1_20_result"].get("rendered")
    assert tera.render(text, event).text == expected
    if ADDED in text:
        assert compile_template(text).render(event)
    elif expected is None:
        with pytest.raises(TemplateError):
            compile_template(text).render(event)
    else:
        assert compile_template(text).render(event) == expected


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e["mode"] == "condition"], ids=lambda e: e["template"][:30])
def test_a_condition_is_what_tera_prints(example: dict[str, Any]) -> None:
    assert compile_condition(example["template"]).evaluate(EVENTS["alert"]) is (
        example["tera_1_20_result"]["rendered"] == "true"
    )


def named(name: str) -> dict[str, Any]:
    return EVENTS["alert"] | {"alertDef": EVENTS["alert"]["alertDef"] | {"name": name}}


@pytest.mark.parametrize(
    ("condition", "name", "holds"),
    [
        (example["template"], name, holds)
        for example in EXAMPLES
        if example["mode"] == "condition"
        and isinstance(example["expected"], dict)
        and "alertDef.name" in example["template"]
        for name, holds in example["expected"].items()
    ],
)
def test_a_documented_condition_holds_for_the_documented_names(condition: str, name: str, holds: bool) -> None:
    assert compile_condition(condition).evaluate(named(name)) is holds
