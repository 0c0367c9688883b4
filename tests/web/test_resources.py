"""The documented resources under their documented paths and shapes, and documents as a whole."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from streams.documents.secrets import destination_id
from streams.sandbox.pagerduty import Simulator
from streams.web.api import documents
from streams.web.api.shapes import BASE
from tests.web.offices import MemoryLog, backend_of, bearer, client_of, log_of

KEY = "930" + "a" * 26 + "0d1"
OTHER = "931" + "b" * 26 + "0d2"
TOKEN_OF_THE_ACCOUNT = "u+" + "c" * 18

LAYER = {
    "conditionType": {"matchEntityType": {}},
    "messageConfig": {"fields": [{"fieldName": "summary", "template": "{{ alertDef.name }}"}]},
}

DOCUMENTS = f"""
kind: connector
id: payments
type: PAGERDUTY
name: Payments
fields: {{integrationKey: {KEY}}}
---
kind: integration
id: account
name: Account
token: {TOKEN_OF_THE_ACCOUNT}
from: oncall@example.com
---
kind: connector
id: both-ways
type: PAGERDUTY_INCIDENTS
name: Both ways
fields: {{integrationId: account, service: PXXXXXX}}
---
kind: preset
id: loud
name: Loud
entity: alerts
parent: preset_system_pagerduty_alerts_basic
fields: {{summary: "{{{{ alertDef.name | upper }}}}"}}
---
kind: router
id: router-payments
name: Payments
labels: {{team: payments}}
rules:
  - name: all
    entity: alerts
    condition: "true"
    targets: [{{connector: payments, preset: loud}}]
"""

CONNECTOR = {
    "id": "new",
    "type": "PAGERDUTY",
    "name": "New",
    "connectorConfig": {"fields": [{"fieldName": "integrationKey", "value": OTHER}]},
    "configOverrides": [
        {"entityType": "CASES", "fields": [{"fieldName": "integrationKey", "template": "{{ case.key }}"}]}
    ],
}


@pytest.fixture
def log() -> MemoryLog:
    return log_of(DOCUMENTS)


class Api:
    def __init__(self, client: TestClient[Any, Any]) -> None:
        self._client = client
        self.etag = ""

    async def __call__(self, method: str, path: str, want: int, **more: Any) -> Any:
        headers = {**bearer(), **more.pop("headers", {})}
        path = path if path.startswith("/") else f"{BASE}/{path}"
        async with self._client.request(method, path, headers=headers, **more) as answer:
            text = await answer.text()
            assert answer.status == want, text
            for secret in (KEY, OTHER, TOKEN_OF_THE_ACCOUNT):
                assert secret not in text
            self.etag = answer.headers.get("ETag", "")
            return await answer.json()


@pytest.fixture
async def api(log: MemoryLog) -> AsyncIterator[Api]:
    async with client_of(backend_of(log)) as client:
        yield Api(client)


async def test_connectors_life(api: Api, log: MemoryLog) -> None:
    created = await api("POST", "connectors", 200, json={"connector": CONNECTOR})
    assert created["connector"]["connectorConfig"]["fields"] == [{"fieldName": "integrationKey", "value": "…0d2"}]
    assert created["connector"]["configOverrides"] == CONNECTOR["configOverrides"]
    assert log.snapshot.connectors["new"].fields["integrationKey"].reveal() == OTHER
    assert (await api("GET", "connectors/new", 200)) == created
    await api("POST", "connectors", 409, json={"connector": CONNECTOR})

    changed = {**CONNECTOR, "name": "Newer"}
    assert (await api("PUT", "connectors", 200, json={"connector": changed}))["connector"]["name"] == "Newer"
    assert (await api("DELETE", "connectors/new", 200)) == {}
    await api("GET", "connectors/new", 404)
    await api("DELETE", "connectors/new", 404)
    await api("PUT", "connectors", 404, json={"connector": changed})
    for path in ("connectors/payments", "presets/custom/loud", "/api/v1/documents/integration/account"):
        told = await api("DELETE", path, 409)
        assert re.search("router/router-payments|connector/both-ways", told["detail"])


async def test_what_was_read_masked_can_be_sent_back(api: Api, log: MemoryLog) -> None:
    """An answer changed in one place and sent back keeps the secrets it does not show; a made-up mask is refused."""
    read = await api("GET", "connectors/payments", 200)
    read["connector"]["name"] = "Payments, renamed"
    await api("PUT", "connectors", 200, json=read)
    stored = log.snapshot.connectors["payments"]
    assert (stored.name, stored.fields["integrationKey"].reveal()) == ("Payments, renamed", KEY)
    read["connector"]["connectorConfig"]["fields"][0]["value"] = "…0d2"
    told = await api("PUT", "connectors", 400, json=read)
    assert "masked" in told["detail"]


async def test_an_id_is_made_when_there_is_none(api: Api) -> None:
    for path, member, document in (
        ("connectors", "connector", {key: value for key, value in CONNECTOR.items() if key != "id"}),
        ("presets:createCustom", "preset", {"name": "P", "entityType": "ALERTS", "connectorType": "PAGERDUTY",
                                            "parentId": "preset_system_pagerduty_alerts_basic",
                                            "configOverrides": [LAYER]}),
        ("routers", "router", {"name": "R", "routingLabels": {"team": "x"}, "rules": [
            {"name": "r", "entityType": "ALERTS", "condition": "true", "targets": [{"connectorId": "payments"}]}]}),
    ):  # fmt: skip
        created = await api("POST", path, 200, json={member: document})
        assert created[member]["id"].startswith(f"{member}-")


async def test_lists_batches_and_summaries_of_connectors(api: Api) -> None:
    def ids(answer: Any) -> list[str]:
        return [one["id"] for one in answer["connectors"]]

    assert ids(await api("GET", "connectors", 200)) == ["both-ways", "payments"]
    assert ids(await api("GET", "connectors?connector_type=PAGERDUTY", 200)) == ["payments"]
    assert ids(await api("GET", "connectors?supported_by_entity_type=ALERTS", 200)) == ["payments"]
    summaries = await api("GET", "connectors/list/summaries", 200)
    assert ids(summaries) == ["both-ways", "payments"]
    assert all("connectorConfig" not in one for one in summaries["connectors"])
    for path, member in (("all/list", "connectors"), ("all/summaries", "connectorSummaries")):
        found = await api("GET", f"connectors/{path}?connector_ids=payments&connector_ids=nobody", 200)
        assert (list(found[member]), found["notFoundIds"]) == (["payments"], ["nobody"])
    counts = await api("GET", "connectors/types/summaries", 200)
    assert counts["connectorTypeSummaries"] == [
        {"type": "PAGERDUTY", "count": 1},
        {"type": "PAGERDUTY_INCIDENTS", "count": 1},
    ]
    schema = (await api("GET", "connector-schemas?type=PAGERDUTY", 200))["connectorSchema"]
    assert [one["fieldName"] for one in schema["connectorConfigSchema"]["fields"]] == [
        "integrationKey",
        "dynamicintegrationKey",
    ]
    await api("GET", "connectors/all/list", 400)
    await api("GET", "connectors?connector_type=SLACK", 400)


async def test_a_wrong_document_names_its_fields(api: Api) -> None:
    wrong = {**CONNECTOR, "id": "a b", "connectorConfig": {"fields": [{"fieldName": "integrationKey", "value": "xyz"}]}}
    told = await api("POST", "connectors", 400, json={"connector": wrong})
    assert told["type"] == "urn:pagerline:problem:wrong-document"
    fields = [one["field"] for one in told["errors"]]
    assert "connectorConfig.fields[0].value" in fields[-1]
    assert "remedy" in told["errors"][-1]
    assert "line" not in told["errors"][0]  # of the document inside the body, it would mislead


async def test_a_connectors_path_is_fixed(api: Api) -> None:
    other = {
        "id": "payments",
        "type": "PAGERDUTY_INCIDENTS",
        "name": "Payments",
        "connectorConfig": {"fields": [{"fieldName": "integrationId", "value": "account"},
                                       {"fieldName": "service", "value": "PXXXXXX"}]},
    }  # fmt: skip
    told = await api("PUT", "connectors", 400, json={"connector": other})
    assert "fixed for life" in told["detail"]


async def test_presets(api: Api) -> None:
    summaries = (await api("GET", "presets:summariesList?entity_type=ALERTS", 200))["presetSummaries"]
    assert [one["id"] for one in summaries] == ["loud", "preset_system_pagerduty_alerts_basic"]
    system = (await api("GET", "presets/summaries/system", 200))["presetSummaries"]
    assert {one["presetType"] for one in system} == {"SYSTEM"}
    default = await api("GET", "presets:getDefaultSummary?connector_type=PAGERDUTY&entity_type=CASES", 200)
    assert default["presetSummary"]["id"] == "preset_system_pagerduty_cases_basic"
    await api("GET", "presets:getDefaultSummary?connector_type=PAGERDUTY_INCIDENTS&entity_type=ALERTS", 404)
    batch = await api("GET", "presets?preset_ids=loud,nobody", 200)
    assert (list(batch["presets"]), batch["notFoundIds"]) == (["loud"], ["nobody"])
    assert (await api("GET", "presets/preset_system_pagerduty_alerts_basic", 200))["preset"]["presetType"] == "SYSTEM"

    read = await api("GET", "presets/loud", 200)
    read["preset"]["name"] = "Louder"
    assert (await api("PUT", "presets:replaceCustom", 200, json=read))["preset"]["name"] == "Louder"
    await api("DELETE", "presets/custom/preset_system_pagerduty_alerts_basic", 409)
    await api("PUT", "presets:replaceCustom", 400, json={"preset": {**read["preset"], "id": system[0]["id"]}})
    await api("POST", "presets:createCustom", 409, json=read)
    quiet = {"preset": {**read["preset"], "id": "quiet"}}
    await api("POST", "presets:createCustom", 200, json=quiet)
    await api("DELETE", "presets/custom/quiet", 200)


async def test_routers(api: Api) -> None:
    (listed,) = (await api("GET", "routers", 200))["routers"]
    assert (listed["id"], listed["rules"][0]["targets"]) == (
        "router-payments",
        [{"connectorId": "payments", "presetId": "loud"}],
    )
    assert (await api("GET", "routers/all/summaries", 200))["routerSummaries"][0]["routingLabels"] == {
        "team": "payments"
    }
    validate = "routers/matcher/validate"
    told = await api("POST", validate, 200, json={"routingLabels": {"team": "payments"}})
    assert (told["isValid"], told["conflictingRouterIds"]) == (False, ["router-payments"])
    told = await api("POST", validate, 200, json={"routingLabels": {"team": "payments"}, "routerId": "router-payments"})
    assert told["isValid"]
    told = await api("POST", validate, 200, json={"routingLabels": {"team": "payments", "service": "x"}})
    assert (told["isValid"], told["matchingRouterIds"]) == (True, ["router-payments"])
    listed["rules"][0]["condition"] = "alert.x =="
    assert "condition" in (await api("PUT", "routers", 400, json={"router": listed}))["errors"][0]["field"]
    listed["rules"][0]["condition"] = "alert.status == 'Triggered'"
    await api("PUT", "routers", 200, json={"router": listed})
    await api("DELETE", "routers/router-payments", 200)


async def test_writes_go_by_the_revision_that_was_read(api: Api, log: MemoryLog) -> None:
    await api("GET", "connectors/payments", 200)
    read = api.etag
    assert read == '"1"'
    await api("POST", "connectors", 200, json={"connector": CONNECTOR}, headers={"If-Match": read})
    assert api.etag == '"2"'
    for method, path, more in (
        ("PUT", "connectors", {"json": {"connector": CONNECTOR}}),
        ("DELETE", "connectors/new", {}),
        ("POST", "/api/v1/documents/apply", {"json": {"kind": "router", "id": "r"}}),
    ):
        if "apply" in path:
            more["json"] = {"connector": {**CONNECTOR, "id": "newest"}}
        told = await api(method, path, 412, headers={"If-Match": read}, **more)
        assert "revision 2" in told["detail"]
    await api("DELETE", "connectors/new", 200, headers={"If-Match": '"1", "2"'})
    log.overtaken = 1
    told = await api("POST", "connectors", 412, json={"connector": CONNECTOR}, headers={"If-Match": api.etag})
    log.overtaken = 2
    await api("POST", "connectors", 200, json={"connector": CONNECTOR})
    log.overtaken = 3
    told = await api("PUT", "connectors", 409, json={"connector": {**CONNECTOR, "name": "N"}})
    assert "somebody else" in told["detail"]


async def test_apply_and_diff_take_what_files_hold(api: Api, log: MemoryLog) -> None:
    yaml = {"Content-Type": "application/yaml"}
    more = f"kind: connector\nid: alpha\ntype: PAGERDUTY\nname: A\nfields: {{integrationKey: {OTHER}}}\n"
    told = await api("POST", "/api/v1/documents/diff", 200, data=more.encode(), headers=yaml)
    assert told["changes"] == [{"verb": "created", "document": "connector/alpha"}]
    assert "+id: alpha" in told["diff"]
    told = await api("POST", "/api/v1/documents/apply?dryRun=true", 200, data=more.encode(), headers=yaml)
    assert (told["dryRun"], told["revision"], "alpha" in log.snapshot.connectors) == (True, 1, False)
    told = await api("POST", "/api/v1/documents/apply", 200, data=more.encode(), headers=yaml)
    assert (told["revision"], "alpha" in log.snapshot.connectors) == (2, True)
    told = await api("POST", "/api/v1/documents/apply", 200, json=[{"connector": CONNECTOR}])
    assert told["changes"] == [{"verb": "created", "document": "connector/new"}]

    bad = more.replace("alpha", "beta").replace(OTHER, "short") + "---\n" + more.replace("PAGERDUTY", "PAGERDTY")
    told = await api("POST", "/api/v1/documents/apply", 400, data=bad.encode(), headers=yaml)
    assert [(one["field"], one["line"]) for one in told["errors"]] == [("fields.integrationKey", 5), ("type", 9)]
    assert "beta" not in log.snapshot.connectors
    told = await api("POST", "/api/v1/documents/apply", 400, data=b"a: [", headers=yaml)
    assert told["errors"][0]["line"] == 1
    await api("POST", "/api/v1/documents/apply", 400, data=b"# nothing\n", headers=yaml)


async def test_documents_in_our_own_form(api: Api) -> None:
    bare = {"kind": "router", "id": "bare", "name": "B", "labels": {"team": "b"}, "fallback": {"alerts": ["payments"]}}
    told = await api("POST", "/api/v1/documents/diff", 200, json=bare)
    assert "+id: bare" in told["diff"]
    await api("POST", "/api/v1/documents/apply", 200, json=bare)
    assert "rules" not in (await api("GET", "/api/v1/documents/router/bare", 200))
    assert (await api("GET", "routers/bare", 200))["router"]["rules"] == []
    found = await api("GET", "/api/v1/documents?kind=connector,integration", 200)
    assert {one["id"] for one in found["documents"]} == {"payments", "both-ways", "account"}
    assert (await api("GET", "/api/v1/documents/integration/account", 200))["from"] == "oncall@example.com"
    assert (await api("GET", "/api/v1/documents/preset/preset_system_pagerduty_cases_basic", 200))["kind"] == "preset"
    await api("GET", "/api/v1/documents/presets/x", 400)
    await api("GET", "/api/v1/documents/preset/x", 404)
    await api("DELETE", "/api/v1/documents/router/router-payments", 200)


@pytest.mark.parametrize(
    ("template", "want"),
    [
        ("{{ alertDef.name | upper }}", {"success": {"renderedValue": "HIGH ERROR RATE IN PAYMENTS API"}}),
        ("{{ alert.nothing }}", "FIELD_NOT_FOUND"),
        ("{{ alert. }}", "INVALID_TEMPLATE"),
        ("{{ throw(message='no') }}", "INVALID_TEMPLATE"),
        ("x" * 20_001, "TEMPLATE_EXCEEDS_MAX_LENGTH"),
        ("{% for i in range(end=3000) %}" + "x" * 20 + "{% endfor %}", "RENDERED_VALUE_EXCEEDS_MAX_LENGTH"),
        ("{% for i in range(end=30000) %}" + "x" * 200 + "{% endfor %}", "RENDERED_VALUE_EXCEEDS_MAX_LENGTH"),
    ],
)
async def test_templates(api: Api, template: str, want: Any) -> None:
    told = await api("POST", "templates:test", 200, json={"entityType": "ALERTS", "template": template})
    assert (told if isinstance(want, dict) else told["failure"]["reason"]) == want


async def test_conditions(api: Api) -> None:
    for template, want in (
        ("alert.status == 'Triggered'", {"success": {"result": True}}),
        ("alertDef.entityLabels.region == 'EU'", {"success": {"result": False}}),
    ):
        told = await api("POST", "routers:testCondition", 200, json={"entityType": "ALERTS", "template": template})
        assert told == want
    for template in ("alertDef.name", "alert.status =="):
        told = await api("POST", "routers:testCondition", 200, json={"entityType": "ALERTS", "template": template})
        assert told["failure"]["message"]
    body = {"entityType": "CASES", "template": "case.id == 'X'", "context": {"case": {"id": "X"}}}
    assert (await api("POST", "routers:testCondition", 200, json=body)) == {"success": {"result": True}}


async def test_what_is_not_saved_is_tried_out(log: MemoryLog) -> None:
    """By the documents as they would be; a trigger and its resolve, and nothing is stored."""
    async with (
        Simulator(limit=None, known_keys=[KEY, OTHER]) as pagerduty,
        client_of(backend_of(log, events_url=pagerduty.events_url)) as client,
    ):
        await unsaved(Api(client), pagerduty)
    assert log.snapshot.head == 1


async def unsaved(api: Api, pagerduty: Simulator) -> None:
    field = {"fieldName": "integrationKey", "value": OTHER}
    config = {"type": "PAGERDUTY", "entityType": "CASES", "payloadType": "triggered", "fields": [field]}
    told = (await api("POST", "connectors:testConfig", 200, json=config))["result"]
    assert told["success"]["metadata"]["message"] == "success: Event processed"
    assert told["success"]["metadata"]["destination"] == destination_id(OTHER)
    assert [one.status for one in pagerduty.incidents()] == ["resolved"]
    gone = {**config, "fields": [{**field, "value": "9" * 32}]}
    told = (await api("POST", "connectors:testConfig", 200, json=gone))["result"]["failure"]
    assert (told["statusCode"], "unknown_routing_key" in told["message"]) == (400, True)
    short = {**config, "fields": [{**field, "value": "short"}]}
    told = await api("POST", "connectors:testConfig", 400, json=short)
    assert told["errors"][0]["field"] == "fields[0].value"
    account = {"type": "PAGERDUTY_INCIDENTS", "entityType": "CASES", "fields": []}
    assert "saved" in (await api("POST", "connectors:testConfig", 400, json=account))["detail"]

    layer = {**LAYER, "messageConfig": {"fields": [{"fieldName": "summary", "template": "Try {{ alert.nothing }}"}]}}
    preset = {"configOverrides": [layer], "connectorId": "payments", "entityType": "ALERTS"}
    told = (await api("POST", "presets:testConfig", 200, json=preset))["result"]["success"]["metadata"]
    assert (told["destination"], "alert.nothing" in told["error.summary"]) == (destination_id(KEY), True)
    await api("POST", "presets:testConfig", 404, json={**preset, "parentPresetId": "nobody"})

    destination = {
        "connectorId": "payments",
        "presetId": "loud",
        "entityType": "ALERTS",
        "connectorConfigFields": [{"fieldName": "integrationKey", "template": OTHER}],
        "messageConfigFields": [{"fieldName": "summary", "template": "Tried: {{ alertDef.name | upper }}"}],
    }
    told = (await api("POST", "destinations:test", 200, json=destination))["result"]["success"]["metadata"]
    assert told["destination"] == destination_id(OTHER)
    sent = [entry.summary for entry in pagerduty.journal if entry.action == "trigger"][-1]
    assert sent == "Tried: TEST NOTIFICATION OF PAGERLINE FOR CONNECTOR PAYMENTS"
    wrong = {**destination, "messageConfigFields": [{"fieldName": "sumary", "template": "x"}]}
    told = await api("POST", "destinations:test", 400, json=wrong)
    assert told["errors"][0]["field"].startswith("messageConfigFields[0]")


async def test_tests_of_what_is_not_there(api: Api) -> None:
    await api("POST", "presets:test", 404, json={"presetId": "x", "connectorId": "y", "entityType": "ALERTS"})
    await api("POST", "/api/v1/send", 400, json={"connectorId": "both-ways", "entityType": "ALERTS"})


ALERT = {
    "_context": {"entityLabels": {"routing.team": "payments"}},
    "alert": {"groupingKey": "disk/web-1", "status": "Triggered"},
    "alertDef": {"name": "Disk full"},
}


async def test_preview(api: Api, log: MemoryLog) -> None:
    body: dict[str, Any] = {"event": ALERT, "pins": False}
    told = await api("POST", "/api/v1/preview", 200, json=body)
    (outcome,) = told["preview"]["outcomes"]
    assert (told["sends"], outcome["connector"], outcome["request"]["body"]["routing_key"]) == (
        True,
        "payments",
        "…0d1",
    )
    assert outcome["request"]["body"]["payload"]["summary"] == "DISK FULL"
    preset = (await api("GET", "presets/loud", 200))["preset"]
    preset["configOverrides"][0]["messageConfig"]["fields"][0]["template"] = "{{ alertDef.name | lower }}"
    told = await api("POST", "/api/v1/preview", 200, json={**body, "documents": [preset]})
    assert ("disk full", "DISK FULL") in [(one["after"], one["before"]) for one in told["differences"]]
    assert log.snapshot.head == 1
    written = "kind: preset\nid: loud\nname: Loud\nentity: alerts\nfields: {summary: '{{ alertDef.name | lower }}'}\n"
    told = await api("POST", "/api/v1/preview", 200, json={**body, "documents": written})
    assert ("disk full", "DISK FULL") in [(one["after"], one["before"]) for one in told["differences"]]
    assert log.snapshot.head == 1
    for event, field in (({}, "event"), ({"alert": {}}, "event.alert.status"), ({"alert": {}, "case": {}}, "event")):
        told = await api("POST", "/api/v1/preview", 400, json={"event": event, "pins": False})
        assert told["errors"][0]["field"] == field
    told = await api("POST", "/api/v1/preview", 400, json={**body, "documents": [{"kind": "conector"}]})
    assert told["errors"][0]["field"] == "documents[0].kind"
    told = await api("POST", "/api/v1/preview", 400, json={**body, "documents": "id: loud\nkind: conector\n"})
    assert {"field": "documents.kind", "line": 2}.items() <= told["errors"][0].items()
    told = await api("POST", "/api/v1/preview", 400, json={**body, "documents": "# nothing\n"})
    assert (told["errors"][0]["field"], told["errors"][0]["detail"]) == ("documents", "holds no document")


async def test_preview_shows_nobody_this_machines_variables_and_files(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "correct-horse-battery")
    monkeypatch.setenv("SOME_KEY", OTHER)
    (tmp_path / "file").write_text("correct-horse-battery")

    def documents(value: str) -> list[Any]:
        return [{"kind": "connector", "id": "both-ways", "type": "PAGERDUTY_INCIDENTS", "name": "B",
                 "fields": {"integrationId": "account", "service": value}}]  # fmt: skip

    body = {"event": {"case": {"id": "C", "title": "T", "status": "OPEN"}}, "connectorId": "both-ways", "pins": False}
    for value in ("${ENV:SOME_PASSWORD}", f"file:{tmp_path}/file", "{{ 'x' }}${ENV:SOME_PASSWORD}", "${ENV:SOME_KEY}"):
        told = await api("POST", "/api/v1/preview", 200, json={**body, "documents": documents(value)})
        assert "correct-horse" not in str(told)


async def test_webhooks_do_not_wait_while_documents_are_read_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[bool] = []

    def slowly(real: Any) -> Any:
        def work(*arguments: Any, **options: Any) -> Any:
            loop_has_turned = threading.Event()
            loop.call_soon_threadsafe(loop_has_turned.set)
            turned.append(loop_has_turned.wait(10))
            return real(*arguments, **options)

        return work

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(documents, "load_documents", slowly(documents.load_documents))
    monkeypatch.setattr(documents, "plan_changes", slowly(documents.plan_changes))
    async with client_of(backend_of()) as client:
        for operation in ("diff", "apply"):
            headers = {**bearer(), "Content-Type": "application/yaml"}
            async with client.post(f"/api/v1/documents/{operation}", data=DOCUMENTS, headers=headers) as answer:
                assert answer.status == 200
    assert turned == [True] * 4
