"""The order of a connector's fields, and why one is passed over."""

from __future__ import annotations

import pytest
from routing_story import ALPHA, BETA, CASES, FALLBACK, OTHERS, Route, alert, case, connector, documents

from streams.documents.connector import Connector
from streams.routing import decide
from streams.routing.destination import TEMPLATE_SHOWN, Found, NotFound, find_destination

BAD = "{% if nothing == 1 %}x{% endif %}"


def template(key: str) -> str:
    return "{# rendered #}\n  {{ '" + key + "' }}\n\n"


def found(one: Connector, document: dict[str, object] | None = None) -> Found:
    outcome = find_destination(one, "alerts", document or {})
    assert isinstance(outcome, Found), outcome
    return outcome


@pytest.mark.parametrize(
    ("one", "chosen", "key"),
    [
        (
            connector(
                key=FALLBACK,
                dynamic=template(BETA),
                alerts={"dynamicintegrationKey": template(ALPHA), "integrationKey": template(OTHERS)},
            ),
            "overrides.alerts.dynamicintegrationKey",
            ALPHA,
        ),
        (
            connector(key=FALLBACK, dynamic=template(BETA), alerts={"integrationKey": template(ALPHA)}),
            "overrides.alerts.integrationKey",
            ALPHA,
        ),
        (
            connector(key=FALLBACK, dynamic=template(BETA), alerts={"integrationKey": ALPHA}),
            "fields.dynamicintegrationKey",
            BETA,
        ),
        (connector(key=template(BETA), alerts={"integrationKey": ALPHA}), "fields.integrationKey", BETA),
        (
            connector(key=FALLBACK, dynamic=BAD, alerts={"integrationKey": ALPHA}),
            "overrides.alerts.integrationKey",
            ALPHA,
        ),
        (connector(key=FALLBACK, dynamic=BAD), "fields.integrationKey", FALLBACK),
        (connector(key=FALLBACK, cases={"integrationKey": CASES}), "fields.integrationKey", FALLBACK),
        (connector(key=None, dynamic=ALPHA), "fields.dynamicintegrationKey", ALPHA),
    ],
    ids=[
        "the entity type's dynamic key",
        "a template in the override is the entity type's dynamic key",
        "a dynamic key before the entity type's static key",
        "a template in the base is the dynamic key",
        "the entity type's static key before the static key",
        "the static key last",
        "another entity type's override does not count",
        "a dynamic key without a template in it",
    ],
)
def test_the_order_of_the_fields(one: Connector, chosen: str, key: str) -> None:
    outcome = found(one)
    assert (outcome.why.chosen, outcome.routing_key.reveal()) == (chosen, key)


def test_everything_passed_over_is_told_in_order() -> None:
    one = connector(
        key="93077",
        dynamic="{% if x %}",
        alerts={"dynamicintegrationKey": BAD, "integrationKey": "{{ '' }}  "},
        cases={"integrationKey": CASES},
    )
    outcome = find_destination(one, "alerts", {})
    assert isinstance(outcome, NotFound)
    assert [(over.candidate, over.reason.split(":")[0]) for over in outcome.why.passed_over] == [
        ("overrides.alerts.dynamicintegrationKey", "the event lacks what the template needs"),
        ("overrides.alerts.integrationKey", "gives nothing"),
        ("fields.dynamicintegrationKey", "the template is wrong"),
        ("fields.integrationKey", "gives …, which is no routing key"),
    ]
    assert outcome.why.passed_over[3].reason.endswith("it has 5 characters and not 32")
    reject = Route(one).reject(alert())
    assert (reject.reason, reject.path, reject.connector_id) == ("no_destination", "", "payments")
    assert reject.why is not None
    assert all(over.candidate in reject.message and over.reason in reject.message for over in reject.why.passed_over)


def test_a_connector_without_fields_is_told_apart() -> None:
    assert Route(connector(key=None)).reject(case()).message.endswith("none of its fields is set")


@pytest.mark.parametrize(
    "text",
    [ALPHA + "1", ALPHA[:-1], ALPHA[:-4] + "-0d1", ALPHA[:16] + " " + ALPHA[17:], "é" + ALPHA[1:]],
    ids=["33", "31", "dash", "space", "not ascii"],
)
@pytest.mark.parametrize("dynamic", [True, False])
def test_what_is_no_key_is_passed_over_masked(text: str, dynamic: bool) -> None:
    one = connector(key=OTHERS, alerts={"integrationKey": template(text) if dynamic else text}, dynamic=None)
    outcome = found(one) if dynamic else find_destination(connector(key=text), "alerts", {})
    (over,) = outcome.why.passed_over
    assert "…" in over.reason
    assert all(ALPHA[start : start + 8] not in over.reason for start in range(25))


@pytest.mark.parametrize("key", [ALPHA, "9" * 16 + "a" * 16])
@pytest.mark.parametrize("wrapped", ["{{% if x == {} y %}}", "{{{{ {} }}}}", "{{{{ 1 | {} }}}}", "{{{{ alert.{} }}}}"])
def test_no_reason_repeats_a_key_that_stands_in_a_template(key: str, wrapped: str) -> None:
    outcome = find_destination(connector(key=wrapped.format(key)), "alerts", {"x": 1, "alert": {}})
    assert isinstance(outcome, NotFound)
    assert all(key[start : start + 6] not in repr(outcome) for start in range(27))


def test_nothing_that_is_printed_shows_a_key() -> None:
    route = Route(connector(dynamic=template(ALPHA)))
    (fresh,) = decide(alert(), documents(route.connectors), {})
    route.take(alert())
    assert ALPHA not in repr(fresh)
    assert ALPHA not in repr(route.pins)
    assert ALPHA not in repr(route.send(alert("resolve", offset=1)))


def test_the_destination_is_the_keys_fingerprint() -> None:
    assert found(connector(key=FALLBACK)).destination == found(connector("other", key=f" {FALLBACK}\n")).destination
    assert found(connector(key=FALLBACK)).destination.startswith("key:")


def test_templates_travel_masked_and_bounded_with_what_was_chosen_and_passed_over() -> None:
    empty = "{% if alert.groups['team_name'] == 'alpha' %} " + ALPHA + " {% endif %}"
    long = "{# " + "x " * 500 + "#}" + template(BETA)
    why = found(connector(key=FALLBACK, dynamic=long, alerts={"dynamicintegrationKey": empty})).why.to_json()
    (over,) = why["passed_over"]
    assert over["template"] == "{% if alert.groups['team_name'] == 'alpha' %} …" + ALPHA[-3:] + " {% endif %}"
    assert (len(why["template"]), why["template"][-1]) == (TEMPLATE_SHOWN, "…")
    assert why["key"] == "…" + BETA[-3:]
    static = found(connector(key=FALLBACK)).why.to_json()
    assert ("template" in static, static["key"]) == (False, "…" + FALLBACK[-3:])


@pytest.mark.parametrize("at", range(TEMPLATE_SHOWN - 40, TEMPLATE_SHOWN + 8, 3))
def test_no_key_is_shown_in_part_where_a_template_is_cut(at: int) -> None:
    text = "{# " + "x" * 3 + " " * (at - 6) + ALPHA + " #}{{ missing }}"
    outcome = find_destination(connector(key=text), "alerts", {})
    assert all(ALPHA[start : start + 4] not in repr(outcome) for start in range(28))
