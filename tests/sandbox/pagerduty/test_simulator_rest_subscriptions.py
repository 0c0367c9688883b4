"""REST API v2: webhook subscriptions."""

from __future__ import annotations

from typing import Any

import pytest
from simulator_rest_driver import PureRest, rest_sample

PATH = "/webhook_subscriptions"


@pytest.fixture
def api() -> PureRest:
    return PureRest()


def wanted(**fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = rest_sample("webhook_subscription_create_request")
    body["webhook_subscription"].update({"filter": {"type": "account_reference"}, **fields})
    return body


def create(api: PureRest, **fields: Any) -> dict[str, Any]:
    status, body = api.call("POST", PATH, wanted(**fields), user=None)
    assert status == 200, body
    made: dict[str, Any] = body["webhook_subscription"]
    return made


def test_the_secret_is_told_once_and_header_values_never(api: PureRest) -> None:
    made = create(api)
    secret = made["delivery_method"]["secret"]
    assert len(secret) == 64
    assert made["delivery_method"]["custom_headers"] == [{"name": "header-name", "value": "-- redacted --"}]
    shown = api.get(f"{PATH}/{made['id']}")
    listed = api.get(PATH)
    for again in (shown["webhook_subscription"], listed["webhook_subscriptions"][0]):
        assert again["delivery_method"]["secret"] is None
        assert {**again, "delivery_method": None} == {**made, "delivery_method": None}
    assert "header-value" not in str(listed)
    subscription = api.account.webhooks.subscriptions.get(made["id"])
    assert subscription is not None
    assert secret not in repr(subscription)
    assert "header-value" not in repr(subscription)


def test_a_change_leaves_the_url(api: PureRest) -> None:
    made = create(api)
    change = {
        "description": "Another",
        "events": ["incident.resolved"],
        "active": False,
        "delivery_method": {"type": "http_delivery_method", "url": "https://elsewhere.example.com"},
    }
    status, body = api.call("PUT", f"{PATH}/{made['id']}", {"webhook_subscription": change})
    shown = body["webhook_subscription"]
    assert (status, shown["description"], shown["events"], shown["active"]) == (
        200,
        "Another",
        ["incident.resolved"],
        False,
    )
    assert shown["delivery_method"]["url"] == made["delivery_method"]["url"]


def test_ten_a_scope(api: PureRest) -> None:
    service = api.rest.add_service("Checkout")
    for _ in range(10):
        create(api)
    status, body = api.call("POST", PATH, wanted())
    assert (status, body["error"]["code"]) == (400, 2019)
    create(api, filter={"type": "service_reference", "id": service})
    assert len(api.get(f"{PATH}?filter_type=service&filter_id={service}")["webhook_subscriptions"]) == 1
    assert len(api.get(f"{PATH}?filter_type=account")["webhook_subscriptions"]) == 10


def test_disabled_enabled_deleted(api: PureRest) -> None:
    made = create(api)
    api.account.webhooks.disable(made["id"])
    path = f"{PATH}/{made['id']}"
    assert api.get(path)["webhook_subscription"]["delivery_method"]["temporarily_disabled"] is True
    status, body = api.call("POST", f"{path}/enable")
    assert (status, body["webhook_subscription"]["delivery_method"]["temporarily_disabled"]) == (200, False)
    api.account.webhooks.disable(made["id"])
    api.clock.advance(24 * 3600)
    assert api.get(path)["webhook_subscription"]["delivery_method"]["temporarily_disabled"] is False
    assert api.call("POST", f"{path}/ping") == (202, None)
    assert api.call("DELETE", path) == (204, None)
    assert api.call("GET", path)[0] == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "webhook"},
        {"delivery_method": {"type": "http_delivery_method", "url": "hooks.example.com"}},
        {"delivery_method": {"type": "email"}},
        {"delivery_method": {"type": "http_delivery_method", "url": "https://a.example.com", "custom_headers": [1]}},
        {"events": []},
        {"events": ["incident.levitated"]},
        {"filter": None},
        {"filter": {"type": "user_reference", "id": "PUSERA1"}},
        {"filter": {"type": "service_reference", "id": "PNONE00"}},
    ],
)
def test_what_is_wrong_is_400(api: PureRest, fields: dict[str, Any]) -> None:
    assert api.call("POST", PATH, wanted(**fields))[0] == 400
    assert len(api.account.webhooks.subscriptions) == 0
