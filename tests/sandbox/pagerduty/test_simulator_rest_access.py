"""REST API v2: tokens, `From`, limits, paging, faults, the shapes of errors, and the account's other resources."""

from __future__ import annotations

import json

import pytest
from simulator_driver import KEY
from simulator_rest_driver import ALEX, ROBIN, TOKEN, PureRest, incident, rest_sample

from streams.sandbox.pagerduty import Access, destination_of
from streams.sandbox.pagerduty.rest.answers import ErrorShape


@pytest.fixture
def api() -> PureRest:
    return PureRest()


@pytest.mark.parametrize("header", [None, "", TOKEN, f"Token {TOKEN}", f"token={TOKEN}", f"Basic {TOKEN}", "Bearer "])
def test_another_form_of_authorisation_is_401(api: PureRest, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    assert api.call("GET", "/users", token=None, headers=headers)[0] == 401


@pytest.mark.parametrize("form", ["Token token={}", "Bearer {}"])
def test_known_tokens_only_when_they_are_named(form: str) -> None:
    api = PureRest(tokens=[TOKEN])
    for token, status in ((TOKEN, 200), ("another", 401)):
        assert api.call("GET", "/users", token=None, headers={"authorization": form.format(token)})[0] == status
    api.rest.tokens.revoke(TOKEN)
    assert api.call("GET", "/users")[0] == 401


def test_read_only_tokens_and_scopes_are_403_for_more() -> None:
    api = PureRest(tokens={"reads": Access(read_only=True), "some": Access(scopes=frozenset({"incidents.write"}))})
    body = incident("Checkout is slow", api.rest.add_service("Checkout"))
    assert api.call("GET", "/incidents", token="reads")[0] == 200
    assert api.call("POST", "/incidents", body, token="reads")[0] == 403
    assert api.call("POST", "/incidents", body, token="some")[0] == 201
    assert api.call("GET", "/incidents", token="some")[0] == 200
    assert api.call("GET", "/services", token="some")[0] == 403


@pytest.mark.parametrize(
    ("address", "sample"),
    [
        (None, "error_400_from_header_missing"),
        ("nobody@example.com", "error_400_requester_not_found"),
        ("Alex", "error_400_malformed_from"),
    ],
)
def test_writes_need_a_from_that_is_a_user(api: PureRest, address: str | None, sample: str) -> None:
    its_id = api.open()
    for method, path, body in (
        ("POST", "/incidents", incident("Another", api.rest.services[0].id)),
        ("PUT", f"/incidents/{its_id}", {"incident": {"type": "incident", "status": "resolved"}}),
        ("PUT", "/incidents", {"incidents": [{"id": its_id, "type": "incident", "status": "resolved"}]}),
        ("POST", f"/incidents/{its_id}/notes", {"note": {"content": "Looking"}}),
        ("PUT", f"/incidents/{its_id}/merge", {"source_incidents": [{"id": its_id}]}),
        ("POST", f"/incidents/{its_id}/snooze", {"duration": 60}),
        ("POST", f"/incidents/{its_id}/status_updates", {"message": "Looking"}),
    ):
        assert api.call(method, path, body, user=address) == (400, rest_sample(sample)), path
    assert [call.action for call in api.rest.writes()] == ["create_incident"]


def test_a_users_token_says_who_acts() -> None:
    api = PureRest(tokens={TOKEN: Access(user=ROBIN)})
    its_id = api.open()
    assert api.call("POST", f"/incidents/{its_id}/notes", {"note": {"content": "Looking"}}, user=None)[0] == 200
    assert api.rest.card(its_id).notes[0].user.email == ROBIN
    assert api.get("/users/me")["user"]["email"] == ROBIN


def test_from_may_be_left_out_where_it_is_not_enforced(api: PureRest) -> None:
    api.rest.require_from(False)
    its_id = api.open()
    assert api.call("POST", f"/incidents/{its_id}/notes", {"note": {"content": "Looking"}}, user=None)[0] == 200


def test_an_accounts_token_has_no_user(api: PureRest) -> None:
    assert api.call("GET", "/users/me") == (400, rest_sample("error_400_users_me_account_token"))


def test_requests_are_limited_by_token_with_headers_that_tell() -> None:
    api = PureRest(rest_limit=2)
    remaining = []
    for _ in range(2):
        answer = api.reply("GET", "/users").answer
        assert answer is not None
        headers = answer.headers or {}
        remaining.append(headers["ratelimit-remaining"])
        assert (answer.status, headers["ratelimit-limit"]) == (200, "2")
        api.clock.advance(10)
    assert remaining == ["1", "0"]
    answer = api.reply("GET", "/users").answer
    assert answer is not None
    assert (answer.status, json.loads(answer.body)) == (429, rest_sample("error_429"))
    assert {name: (answer.headers or {})[name] for name in ("ratelimit-remaining", "ratelimit-reset")} == {
        "ratelimit-remaining": "0",
        "ratelimit-reset": "40",
    }
    assert api.call("GET", "/users", token="another")[0] == 200
    api.clock.advance(40)
    assert api.call("GET", "/users")[0] == 200


def test_a_429_may_come_bare() -> None:
    api = PureRest(rest_limit=0)
    api.rest.bare_429()
    answer = api.reply("GET", "/users").answer
    assert answer is not None
    assert (answer.status, answer.body, list(answer.headers or {})) == (429, b"", ["x-request-id"])


def test_an_operation_may_have_a_limit_of_its_own(api: PureRest) -> None:
    api.rest.set_limit(1, action="create_incident")
    api.open()
    status, _ = api.call("POST", "/incidents", incident("Another", api.rest.services[0].id))
    assert status == 429
    assert api.call("GET", "/incidents")[0] == 200


def test_every_answer_has_a_request_id_of_its_own(api: PureRest) -> None:
    answers = [api.reply("GET", path).answer for path in ("/users", "/users/PNONE00", "/users")]
    ids = {(answer.headers or {})["x-request-id"] for answer in answers if answer is not None}
    assert ids == {call.request_id for call in api.rest.journal}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/incidents/Q1/nothing"), ("DELETE", "/users/PUSERA1"), ("GET", "/incidents/Q1")]
)
def test_what_there_is_not_is_404(api: PureRest, method: str, path: str) -> None:
    assert api.call(method, path) == (404, rest_sample("error_404"))


def test_pages(api: PureRest) -> None:
    for number in range(130):
        api.rest.add_service(f"Service {number:03}")
    first = api.get("/services")
    assert (len(first["services"]), first["limit"], first["offset"], first["more"], first["total"]) == (
        25,
        25,
        0,
        True,
        None,
    )
    most = api.get("/services?limit=1000&total=true")
    assert (len(most["services"]), most["limit"], most["total"]) == (100, 100, 130)
    last = api.get("/services?limit=100&offset=100")
    assert (len(last["services"]), last["more"], last["services"][-1]["name"]) == (30, False, "Service 129")
    assert api.call("GET", "/services?limit=100&offset=9900")[0] == 200
    assert api.call("GET", "/services?limit=100&offset=9901") == (400, rest_sample("error_400_offset_limit"))
    for query in ("limit=0", "limit=x", "offset=-1"):
        assert api.call("GET", f"/services?{query}")[0] == 400


def test_services_are_found_by_name_and_may_share_one(api: PureRest) -> None:
    ids = [api.rest.add_service(name) for name in ("Checkout", "Checkout", "Checkout EU", "Search")]
    assert sorted(one["id"] for one in api.get("/services?name=Checkout")["services"]) == sorted(ids[:2])
    assert len(api.get("/services?query=checkout")["services"]) == 3
    assert api.get("/services?name=checkout")["services"] == []
    api.rest.rename_service(ids[3], "Find")
    assert api.get(f"/services/{ids[3]}")["service"]["name"] == "Find"
    with pytest.raises(ValueError, match="2 services 'Checkout'"):
        api.people.open("Checkout", "Which?", ALEX)


def test_an_integration_shows_its_routing_key(api: PureRest) -> None:
    service = api.rest.add_service("Checkout", routing_key=KEY)
    whole = api.get(f"/services/{service}?include[]=integrations")["service"]["integrations"][0]
    assert whole["integration_key"] == KEY
    assert api.get(f"/services/{service}/integrations/{whole['id']}")["integration"] == whole
    assert "integration_key" not in api.get(f"/services/{service}")["service"]["integrations"][0]
    assert KEY not in repr(api.account.directory.behind(destination_of(KEY)))


def test_a_new_integration_brings_a_key_that_is_known() -> None:
    api = PureRest(known_keys=[KEY])
    service = api.rest.add_service("Checkout")
    body = rest_sample("service_integration_create_request_events_v2")
    status, made = api.call("POST", f"/services/{service}/integrations", body)
    assert status == 201
    assert api.account.known is not None
    assert destination_of(made["integration"]["integration_key"]) in api.account.known


def test_users_priorities_abilities_policies_teams(api: PureRest) -> None:
    assert [user["email"] for user in api.get("/users?query=robin")["users"]] == [ROBIN]
    assert api.get("/users/PUSERA2")["user"]["name"] == "Robin Example"
    assert [one["name"] for one in api.get("/priorities")["priorities"]] == ["P1", "P2", "P3", "P4", "P5"]
    assert api.get("/abilities") == {"abilities": sorted(rest_sample("abilities_response_200")["abilities"])}
    assert api.call("GET", "/abilities/teams") == (204, None)
    assert api.call("GET", "/abilities/flying")[0] == 402
    assert len(api.get("/escalation_policies")["escalation_policies"]) == 2
    assert api.get("/escalation_policies/PESCPA1")["escalation_policy"]["summary"] == "Default"
    assert api.get("/teams")["teams"][0]["name"] == "Engineering"
    api.rest.without_priorities()
    assert api.call("GET", "/priorities")[0] == 402


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ("object", rest_sample("error_generic")),
        ("single", {"error": {**rest_sample("error_generic")["error"], "errors": "Status must be a list of "}}),
        ("text_member", {"error": "Invalid Input Provided"}),
        ("list", {"error": ["Status must be a list of triggered, acknowledged, or resolved."]}),
        ("plain_text", "Invalid Input Provided"),
        ("empty", None),
    ],
)
def test_errors_in_the_shapes_they_were_seen_in(api: PureRest, shape: ErrorShape, wanted: object) -> None:
    api.rest.shape_errors(shape)
    status, body = api.call("GET", "/incidents?statuses[]=open")
    assert status == 400
    if shape == "single":
        assert isinstance(body["error"]["errors"], str)
        assert body["error"]["code"] == 2001
    else:
        assert body == wanted


def test_faults_apply_to_rest_too(api: PureRest) -> None:
    api.account.fail("status", "rest", status=503, body="unavailable", count=1)
    assert api.call("GET", "/users") == (503, "unavailable")
    assert api.call("GET", "/users")[0] == 200
    api.account.fail("drop_after_accept", "rest", action="create_incident", count=1)
    service = api.rest.add_service("Checkout")
    assert api.call("GET", "/users")[0] == 200
    assert api.reply("POST", "/incidents", incident("Slow", service, incident_key="case/1")).answer is None
    assert [one.title for one in api.rest.incidents()] == ["Slow"]
    (call,) = api.rest.writes()
    assert (call.status, call.done, call.incident) == (None, True, api.rest.incidents()[0].id)
    api.account.fail("drop_before_accept", "rest", action="write", count=1)
    assert api.reply("POST", "/incidents", incident("Lost", service)).answer is None
    assert len(api.rest.incidents()) == 1
    api.account.fail("delay", "rest", action="read", delay=3, count=1)
    reply = api.reply("GET", "/users")
    assert (reply.delay, reply.answer is not None) == (3, True)
    api.account.fail("hang", count=1)
    assert api.reply("GET", "/users") == (None, None)


def test_lost_events_are_the_events_apis_alone(api: PureRest) -> None:
    api.account.fail("lose")
    assert api.call("GET", "/users")[0] == 200
    assert api.account.active_faults()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"incident": []}', b"{}"])
def test_a_body_that_is_not_what_it_must_be_is_400(api: PureRest, body: bytes) -> None:
    assert api.call("POST", "/incidents", body)[0] == 400


def test_no_token_is_ever_shown() -> None:
    api = PureRest(tokens={TOKEN: Access()})
    api.get("/users")
    shown = repr(api.account.rest.__dict__) + repr(list(api.rest.journal)) + repr(api.rest.tokens.__dict__)
    assert TOKEN not in shown
