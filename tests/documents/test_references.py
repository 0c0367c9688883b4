"""References to variables and files in the place of secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.documents.references import FRESH_SECONDS, References, fault, is_reference, referred
from streams.documents.secrets import Secret
from streams.errors import UnresolvedReference

KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
OTHER = "930bbbbbbbbbbbbbbbbbbbbbbbbbb0d2"


def resolved(text: str, **environment: str) -> str:
    return References(environment).resolve(Secret(text)).reveal()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${ENV:PAY}", KEY),
        ("  ${ENV:PAY}\n", f"  {KEY}\n"),
        (
            "{% if alert.groups.team == 'a' %}${ENV:PAY}{% else %}${ENV:CARD_2}{% endif %}",
            f"{{% if alert.groups.team == 'a' %}}{KEY}{{% else %}}{OTHER}{{% endif %}}",
        ),
    ],
)
def test_variables_stand_for_their_values(text: str, expected: str) -> None:
    assert is_reference(text)
    assert fault(text) is None
    assert resolved(text, PAY=f" {KEY}\n", CARD_2=OTHER) == expected


def test_a_value_is_not_looked_at_again() -> None:
    assert resolved("${ENV:A}", A="${ENV:B}", B=KEY) == "${ENV:B}"


@pytest.mark.parametrize("text", [KEY, "{{ alert.labels.key }}", "profile:/etc/x", "$ENV:PAY", "${PAY}", "a file:/x"])
def test_what_is_no_reference_stays_the_secret_that_it_is(text: str) -> None:
    secret = Secret(text)
    assert not is_reference(text)
    assert References({}).resolve(secret) is secret


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${ENV:}", "`${ENV:}`"),
        ("${ENV:PAY", "`${ENV:PAY`"),
        ("${ENV:PAY KEY}", "`${ENV:PAY KEY}`"),
        ("file:", "no path"),
        ("file:secrets/pay", "must begin with /"),
        ("{{ x }}${ENV:PAGERLINE_SECRET_KEYS}", "refers to PAGERLINE_SECRET_KEYS, a setting of Pagerline"),
    ],
)
def test_how_a_reference_is_written_wrongly(text: str, words: str) -> None:
    assert is_reference(text)
    assert words in (fault(text) or "")
    with pytest.raises(UnresolvedReference, match=r"reference|path|refers"):
        resolved(text)


@pytest.mark.parametrize(("environment", "words"), [({}, "PAY is not set"), ({"PAY": " "}, "PAY is empty")])
def test_a_variable_that_gives_nothing_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(UnresolvedReference, match=words):
        resolved("${ENV:PAY}", **environment)


def test_a_file_is_read_and_read_again_when_it_may_have_changed(tmp_path: Path) -> None:
    file, now = tmp_path / "pay", [100.0]
    references = References({}, clock=lambda: now[0])
    secret = Secret(f"file:{file}")
    file.write_text(KEY + "\n")
    assert references.resolve(secret).reveal() == KEY
    file.write_text(OTHER)
    assert references.resolve(secret).reveal() == KEY
    now[0] += FRESH_SECONDS
    assert references.resolve(secret).reveal() == OTHER


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"\n", "is empty"), (b"\xff\xfe", "UTF-8"), (b"a" * 100_000, "larger than")],
)
def test_a_file_that_gives_no_secret_is_named_and_not_shown(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "pay"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnresolvedReference) as caught:
        resolved(f"file:{file}")
    assert str(file) in str(caught.value)
    assert words in str(caught.value)
    assert "aaaa" not in str(caught.value)


def test_a_line_for_a_header_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"  {KEY}\r\n")
    assert References({}).line(Secret(f"file:{file}")).reveal() == KEY
    for given in (f"{KEY}\n{OTHER}", f"{KEY}\0"):
        with pytest.raises(UnresolvedReference, match="variable TOKEN gives more than one line") as caught:
            References({"TOKEN": given}).line(Secret("${ENV:TOKEN}"))
        assert "930" not in str(caught.value)


def test_what_is_referred_to_can_be_listed() -> None:
    assert referred("{{ x }}${ENV:A}${ENV:B}${ENV:A}") == ("variable A", "variable B")
    assert referred("file:/run/secrets/pay") == ("file /run/secrets/pay",)
    assert referred(KEY) == ()
