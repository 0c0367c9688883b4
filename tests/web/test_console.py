"""The console: files of ours alone, nothing put in as markup, and no path that the API does not have."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from streams.web.api import OPERATIONS
from streams.web.app import CONSOLE
from tests.web.offices import backend_of, client_of


def text_of(name: str) -> str:
    return files("streams.web").joinpath(f"console/{name}").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CONSOLE)
async def test_it_is_served_with_its_type(path: str) -> None:
    name, kind = CONSOLE[path]
    async with client_of(backend_of()) as client:
        answer = await client.get(path)
        assert (answer.status, answer.content_type) == (200, kind)
        assert await answer.text() == text_of(name)


def test_it_needs_nothing_from_elsewhere_and_breaks_no_policy() -> None:
    """What the Content-Security-Policy would refuse is not there in the first place."""
    html = text_of("console.html")
    assert set(re.findall(r'(?:src|href)="([^"#]+)"', html)) <= {"/console.css", "/console.js", "data:,"}
    assert not re.search(r"<script>|<style|\son\w+=|style=", html)
    assert not re.search(r"@import|url\(", text_of("console.css"))
    script = text_of("console.js")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)
    assert not re.search(r"https?://(?!\$)", script.replace("/^https?:/", ""))


def test_it_asks_for_what_there_is() -> None:
    asked = set(re.findall(r'["`](/api/v1/[^"`?]+)', text_of("console.js")))
    assert len(asked) > 8
    known = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.path))) for operation in OPERATIONS]
    for path in asked:
        plain = re.sub(r"\$\{[^}]*\}", "x", path)
        assert any(one.fullmatch(plain) for one in known), path
