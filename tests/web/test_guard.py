"""Nobody is let in without the token, and without one no other site's page is."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from pydantic import SecretStr

from streams.errors import SettingsError
from streams.settings import Bind, Settings
from streams.web import guard
from streams.web.app import make_app
from streams.web.guard import OPEN, check_bind, is_loopback
from tests.web.offices import TOKEN, backend_of, bearer, client_of

WRONG = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": f"Bearer {TOKEN.upper()}"},
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": TOKEN},
    {"Authorization": f"Bearer {'x' * 5000}"},
    {"Authorization": "Bearer tökén"},
]


def every_route() -> list[tuple[str, str]]:
    """Method and path of every route of the app, with something in the place of parameters."""
    found = []
    for route in make_app(backend_of()).router.routes():
        assert route.resource is not None
        found.append((route.method, route.resource.canonical))
    return found


@pytest.mark.parametrize("headers", WRONG, ids=lambda headers: headers.get("Authorization", "none")[:20] or "empty")
async def test_no_route_works_without_the_token(headers: dict[str, str]) -> None:
    closed = [
        (method, path) for method, path in every_route() if path not in OPEN and not path.startswith("/webhooks/")
    ]
    assert len(closed) > 10
    async with client_of(backend_of()) as client:
        for method, path in [*closed, ("GET", "/nowhere"), ("POST", "/"), ("PATCH", "/api/v1/lag")]:
            answer = await client.request(method, path.replace("{", "").replace("}", ""), headers=headers)
            assert answer.status == 401, (method, path)
            assert answer.content_type == "application/problem+json"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert TOKEN not in await answer.text()


async def test_the_token_opens_and_only_the_console_and_the_probes_need_none() -> None:
    async with client_of(backend_of()) as client:
        assert (await client.get("/openapi.json", headers=bearer())).status == 200
        assert (await client.get("/nowhere", headers=bearer())).status == 404
        for path in OPEN:
            assert (await client.get(path)).status == 200, path


async def test_a_token_beyond_ascii() -> None:
    async with client_of(backend_of(token="schlüssel-🔑")) as client:
        answer = await client.get("/openapi.json", headers={"Authorization": "Bearer schlüssel-🔑"})
        assert answer.status == 200


@pytest.mark.parametrize("given", ["", "x", TOKEN, TOKEN + "x", "y" * 5_000])
async def test_what_is_compared_is_of_one_length_and_compared_in_constant_time(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the code, not of a clock: every token, right or wrong, long or short, goes through one comparison of two
    digests by `hmac.compare_digest`."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    class Hmac:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(guard, "hmac", Hmac)
    async with client_of(backend_of()) as client:
        answer = await client.get("/openapi.json", headers=bearer(given))
    assert answer.status == (200 if given == TOKEN else 401)
    assert [(len(one), len(other)) for one, other in compared] == [(32, 32)]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_binding_to_others_than_loopback_needs_a_token(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    settings: Any = {"web_bind": Bind(host, 8080), "_env_file": None}
    check_bind(Settings(**settings, web_token=SecretStr("t")))
    if loopback:
        check_bind(Settings(**settings))
    else:
        with pytest.raises(SettingsError, match=r"PAGERLINE_WEB_BIND=.*PAGERLINE_WEB_TOKEN"):
            check_bind(Settings(**settings))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8080"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8080"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "localhost:8080", "Origin": "http://localhost:8080"}, 200),
        ({"Host": "localhost:8080", "Origin": "http://localhost:9999"}, 403),
        ({"Host": "localhost:8080", "Origin": "https://evil.example"}, 403),
        ({"Host": "localhost:8080", "Origin": "null"}, 403),
    ],
)
async def test_without_a_token_no_other_sites_page_is_served(headers: dict[str, str], status: int) -> None:
    async with client_of(backend_of(token=None)) as client:
        answer = await client.get("/openapi.json", headers=headers)
        assert answer.status == status
