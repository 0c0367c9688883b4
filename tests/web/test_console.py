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


def test_what_pages_for_real_is_asked_about_first() -> None:
    script = text_of("console.js")
    body = script.split("function action(")[1].split("\nfunction ")[0]
    assert body.index("!confirm(question)) return;") < body.index("await work()")
    for label in ('"Send"', "reason", '"Replay again"', '"Replay, come what may"'):
        call = script.split(f"action({label},")[1].split("\n  show(")[0]
        assert re.search(r'[`"][^`"]*\?[`"]\)', call), label
    assert script.count('action("Replay",') == script.count(", AGAIN)") == 2
    assert re.search(r'const AGAIN = ".*\?";', script)


def test_a_dead_letter_that_was_replayed_says_so_and_is_forced_only_when_asked() -> None:
    page = text_of("console.js").split("async function oneLetter")[1].split("\nasync function ")[0]
    assert "one.replayed.status" in page
    assert "force: true" not in page
    assert 'action("Replay", place, replay(one, false),' in page


def test_preview_takes_documents_as_people_write_them_and_shows_what_was_passed_over() -> None:
    script = text_of("console.js")
    assert "body.documents = changed.value;" in script
    assert "passed_over" in script.split("function previewed(")[1].split("\nasync function ")[0]


def test_explain_marks_replays_and_can_look_at_everything() -> None:
    script = text_of("console.js")
    assert "replay of the dead letter" in script.split("function story(")[1].split("\nconst ")[0]
    page = script.split("async function explain(")[1].split("\nfunction ")[0]
    assert "Look at everything" in page
    assert "?all=true" in page


def test_what_one_looks_at_is_written_for_the_eye_and_as_json_behind_it() -> None:
    script = text_of("console.js")
    for page in ("oneDocument", "oneLetter", "cases"):
        body = script.split(f"async function {page}(")[1].split("\nasync function ")[0].split("\n// --")[0]
        assert re.search(r"readable\((\w+)\), asJson\(\1\)", body), page
    moments = re.search(r"MOMENTS = /(.*)/;", script)
    assert moments
    members = ("at", "recorded_at", "timestamp", "updated_at", "status", "latency_ms", "format")
    assert [bool(re.search(moments[1], one)) for one in members] == [True] * 4 + [False] * 3
