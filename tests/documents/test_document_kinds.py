"""All kinds of documents: both forms, there and back, the documented samples, and JSON from the web API."""

from __future__ import annotations

from pathlib import Path

import pytest
from documents_story import both_ways, integration, preset, router

from streams.documents.api import to_api
from streams.documents.changes import plan_changes
from streams.documents.document import Document, kind_of, name_of
from streams.documents.parse import load_documents, parse_json, parse_json_text
from streams.documents.preset import MESSAGE_FIELDS
from streams.documents.router import Router, Target
from streams.documents.secrets import Secret
from streams.documents.show import to_document, to_rows, to_yaml
from streams.documents.snapshot import NOTHING
from streams.documents.system_presets import SYSTEM
from streams.errors import DocumentsWrong
from streams.events import Event, Kind, Source, read_event
from streams.routing.incident import default_incident
from streams.routing.message import default_message
from streams.routing.severity import OF_PRIORITY
from streams.templating import compile_template

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "documents"


def load(*paths: Path) -> list[Document]:
    return [one.document for one in load_documents(map(str, paths), lambda: "")]


ALL = load(FIXTURES / "good" / "all-kinds.yaml")


def test_both_forms_say_the_same_of_every_kind() -> None:
    assert load(FIXTURES / "good" / "all-kinds-api.json") == ALL
    assert {kind_of(one) for one in ALL} == {"integration", "connector", "preset", "router"}


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_a_document_survives_being_shown_and_applied_again(document: Document, tmp_path: Path) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text(to_yaml([to_document(document, Secret.reveal)]))
    assert load(file) == [document]
    kind = kind_of(document)
    exported = to_api(document, Secret.reveal)
    assert parse_json(kind, exported).document == document
    assert parse_json(kind, {kind: exported}).document == document


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_nothing_shown_has_a_secret_in_it(document: Document) -> None:
    for text in (str(to_api(document)), str(to_document(document)), str(to_rows([document])), repr(document)):
        for secret in ("930aaaaaaaaa", "y_NbAkKc66", "0123456789abcdef"):
            assert secret not in text


def test_a_service_and_a_reference_are_shown_as_they_are() -> None:
    assert to_document(both_ways())["fields"] == {"integrationId": "acme", "service": "PAYM3NT"}
    referring = integration(token=Secret("${ENV:PAGERDUTY_TOKEN}"), webhook_secrets=(Secret("file:/run/secrets/w"),))
    shown = to_document(referring)
    assert (shown["token"], shown["webhookSecrets"]) == ("${ENV:PAGERDUTY_TOKEN}", ["file:/run/secrets/w"])


def test_the_documented_samples_apply_as_they_are() -> None:
    changes = plan_changes(NOTHING, load_documents([str(FIXTURES / "documented")], lambda: ""))
    assert [change.name for change in changes] == [
        "connector/pager-duty",
        "connector/pager-duty-incidents",
        "integration/0a9ba1dc-7b0c-4f7a-9a4f-3f3d7f0a5c11",
        "preset/pd-example",
        "preset/pd-cases",
        "router/router_default",
        "router/iac",
        "router/old",
    ]
    iac = changes.changes[6].document
    assert isinstance(iac, Router)
    assert iac == router(
        "iac",
        name="global router",
        description="global router example",
        labels={"environment": "production", "team": "iac"},
        rules=iac.rules,
        version=1,
    )
    first, second, third = iac.rules
    assert first.targets[1] == Target("pager-duty", "pd-example", {"why": "P1"})
    assert (second.entity, second.targets, third.entity) == ("alerts", (Target("pager-duty"),), "cases")


@pytest.mark.parametrize(
    ("field", "template", "says"),
    [
        ("summary", "{{ featureName | default('Unknown Feature') }}", 'write `default(value="x")`'),
        ("customDetails", '{\n  "description": "Some description with "Quotes inside" "\n}', "is no JSON"),
    ],
)
def test_documented_samples_that_are_marked_as_wrong_are_refused(field: str, template: str, says: str) -> None:
    with pytest.raises(DocumentsWrong) as refused:
        parse_json("preset", to_api(preset(general={field: template})))
    assert says in str(refused.value) or "default(value=" in str(refused.value)
    assert "configOverrides[0].messageConfig.fields[0].template" in str(refused.value)


@pytest.mark.parametrize(
    ("field", "says"),
    [("alertDef.severity", "alertDef.severity is no field"), ("alertDef.timestamp", "alertDef.timestamp is no field")],
)
def test_documented_samples_that_ask_for_what_is_not_there_are_warned_about(field: str, says: str) -> None:
    (warning,) = plan_changes(NOTHING, [preset(general={"summary": f"{{{{ {field} }}}}"})]).warnings
    assert says in warning


def test_json_is_refused_with_the_field_as_it_was_sent() -> None:
    with pytest.raises(DocumentsWrong) as refused:
        parse_json("router", {"router": {"id": "r", "routingLabels": {"team": "x"}, "rules": [{"condition": "("}]}})
    paths = [fault.path for fault in refused.value.problems]
    assert paths == ["router.rules[0]", "router.rules[0].condition"]
    assert all(not fault.file for fault in refused.value.problems)
    with pytest.raises(DocumentsWrong, match="is not JSON: Expecting property name"):
        parse_json_text("router", "{")
    for nothing in ([], None, "x"):
        with pytest.raises(DocumentsWrong):
            parse_json("router", nothing)


class TestSystemPresets:
    def test_their_templates_compile_and_name_fields_of_their_type(self) -> None:
        assert len(SYSTEM) == 3
        for id_, one in SYSTEM.items():
            assert (one.id, one.type, one.version, one.parent) == (id_, "SYSTEM", 0, None)
            for field, text in one.general.items():
                assert field in MESSAGE_FIELDS[one.connector_type]
                compile_template(text)

    @pytest.mark.parametrize("topic", ["alerts", "cases"])
    def test_they_say_what_is_said_without_them(self, topic: str) -> None:
        kind: Kind = "alert" if topic == "alerts" else "case"
        system = SYSTEM[f"preset_system_pagerduty_{topic}_basic"]
        compared = 0
        for file in sorted((ROOT / "schemas" / "examples" / topic).glob("*.json")):
            event = read_event(kind, file.read_bytes(), Source(topic, 0, 0, 1, None))
            if not isinstance(event, Event) or file.stem == "smallest":
                continue  # where nothing is said there is nothing to compare
            said = default_message(event).payload
            for field in system.general.keys() - {"timestamp"}:  # that one is written in another way
                rendered = compile_template(system.general[field]).render(event.context)
                assert rendered.strip() == said[field], (file.stem, field)
                compared += 1
        assert compared >= 6

    def test_the_incident_of_a_case_says_what_is_said_without_it(self) -> None:
        event = read_event(
            "case", (ROOT / "schemas/examples/cases/opened.json").read_bytes(), Source("cases", 0, 0, 1, None)
        )
        assert isinstance(event, Event)
        said, wrong = default_incident(event)
        assert wrong == {}
        general = SYSTEM["preset_system_pagerduty_incidents_cases_basic"].general
        rendered = {field: compile_template(text).render(event.context).strip() for field, text in general.items()}
        assert rendered == {field: str(said[field]).strip() for field in general}

    @pytest.mark.parametrize("priority", [*OF_PRIORITY, "P9"])
    def test_severity(self, priority: str) -> None:
        for entity, context in (
            ("alerts", {"alert": {"highestPriority": priority}, "alertDef": {}}),
            ("alerts", {"alert": {}, "alertDef": {"priority": priority}}),
            ("cases", {"case": {"casePriority": priority}}),
        ):
            text = SYSTEM[f"preset_system_pagerduty_{entity}_basic"].general["severity"]
            assert compile_template(text).render(context).strip() == OF_PRIORITY.get(priority, "info")
