"""Exports of the documented API and Terraform states: what is carried over and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.documents.connector import Connector
from streams.documents.preset import Preset
from streams.documents.router import Router
from streams.imports.carried import Carried
from streams.imports.run import carry
from streams.imports.sources import Source, read_sources

FIXTURES = Path(__file__).parents[1] / "fixtures/imports"


def carried(*names: str) -> Carried:
    return carry(read_sources([str(FIXTURES / name) for name in names], lambda: ""))


def of(content: Any) -> Carried:
    return carry([Source("test", FIXTURES, content)], "coralogix")


def said(found: Carried) -> str:
    return "\n".join(map(str, found.notes))


def test_an_export_is_carried_over_with_what_leads_to_pagerduty() -> None:
    found = carried("coralogix")
    assert list(found.documents) == [
        "connector/payments",
        "integration/5f0a4f5e-1111-4c1e-9a63-0a0d0b3e2a11",
        "connector/two-way",
        "connector/hidden",
        "preset/short",
        "router/router_default",
        "router/labelled",
    ]
    payments = found.documents["connector/payments"]
    assert isinstance(payments, Connector)
    assert payments.fields["integrationKey"].reveal() == "930" + "a" * 26 + "001"
    assert list(payments.overrides) == ["alerts"]
    preset = found.documents["preset/short"]
    assert isinstance(preset, Preset)
    assert (dict(preset.general), preset.parent) == (
        {"summary": "{{ alertDef.name }}"},
        "preset_system_pagerduty_alerts_basic",
    )
    assert dict(preset.subtypes["logsImmediateTriggered"]) == {"severity": "critical"}
    router = found.documents["router/router_default"]
    assert isinstance(router, Router)
    assert [(rule.name, rule.entity, [target.connector for target in rule.targets]) for rule in router.rules] == [
        ("urgent", "alerts", ["payments"]),
        ("cases", "cases", ["two-way"]),
    ]
    labelled = found.documents["router/labelled"]
    assert isinstance(labelled, Router)
    assert labelled.labels == {"team": "payments"}
    assert labelled.rules[0].condition == "alertDef.entityLabels['region'] | default(value='') == 'eu'"


def test_everything_that_is_lost_is_said() -> None:
    told = said(carried("coralogix"))
    for lost in (
        "connector payments: the override for TEST_NOTIFICATIONS is left out",
        "integration 5f0a4f5e-1111-4c1e-9a63-0a0d0b3e2a11: made up around its id",
        "connector hidden: integrationKey holds no key of PagerDuty",
        "connector hidden: field color is left out",
        "connector chat: not carried over: it is of type SLACK",
        "preset short: the templates of payload pagerduty_resolved are left out",
        "preset short: its parent preset_system_pagerduty_alerts_detailed is not known here",
        "preset short: attachments are left out",
        "preset chatty: not carried over: it is for SLACK",
        "router router_default: rule 'urgent': connector chat is not carried over",
        "router router_default: rule 'chatter' is left out, because none of its targets is",
        "router router_default: rule 'cases': preset gone is not carried over",
        "router labelled: its entityLabels are conditions",
        "router nothing: not carried over: leads nowhere",
        "router broken: not carried over: rules[0].condition the condition is wrong",
    ):
        assert lost in told
    assert "930" + "a" * 26 + "001" not in told


def test_a_state_and_what_terraform_shows_of_it_are_the_same() -> None:
    state, shown = carried("terraform/state.tfstate"), carried("terraform/show.json")
    assert list(state.documents) == ["connector/payments", "preset/short", "router/payments"]
    assert {name: shown.documents[name] for name in state.documents} == state.documents
    router = state.documents["router/payments"]
    assert isinstance(router, Router)
    assert (router.labels, router.rules[0].details, router.fallback["alerts"][0].connector) == (
        {"team": "payments"},
        {"some_key": "x"},
        "payments",
    )
    assert "coralogix_alert: 2 resource(s) not read" in said(state)
    assert "connector elsewhere" not in said(state), "a data source is somebody else's"


def test_labels_as_an_older_provider_wrote_them() -> None:
    found = carried("terraform/show.json")
    router = found.documents["router/old"]
    assert isinstance(router, Router)
    assert router.labels == {"environment": "production"}
    assert "router old: label routing.group is not looked at here" in said(found)


CONNECTOR = {"id": "c", "type": "PAGERDUTY", "connectorConfig": {"fields": []}}


@pytest.mark.parametrize(
    "content",
    [{"connectors": [CONNECTOR]}, {"connector": CONNECTOR}, CONNECTOR, [CONNECTOR], {"connectors": {"c": CONNECTOR}}],
)
def test_all_wrappings_are_taken(content: Any) -> None:
    found = of(content)
    assert list(found.documents) == ["connector/c"]
    assert "its key is not in the export" in said(found)


@pytest.mark.parametrize(
    "content",
    [None, 3, "x", [1], {"x": 1}, {"connectors": [None, 1]}, {"connector": {"type": 1}}, {"router": {"rules": 7}},
     {"preset": {"connectorType": "PAGERDUTY", "entityType": "ALERTS", "configOverrides": [1]}}],
)  # fmt: skip
def test_what_is_no_export_carries_nothing(content: Any) -> None:
    assert of(content).documents == {}


def test_one_name_in_two_files_is_said() -> None:
    found = carry(
        [Source("a", FIXTURES, {"connector": CONNECTOR}), Source("b", FIXTURES, {"connector": CONNECTOR})], "coralogix"
    )
    assert "connector c: not carried over: there is a connector c already" in said(found)
