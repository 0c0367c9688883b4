"""`secrets_found` finds a secret wherever and however it stands, and never shows it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sandbox.verify import Found, secrets_found
from streams.sandbox.verify import secrets as looking

KEY = "930f4c2a1b7e4d5c8a9b0c1d2e3f4a5b"
OTHER = "a1b2c3d4e5f60718293a4b5c6d7e8f90"


def test_a_place_without_secrets_is_clean() -> None:
    assert secrets_found(json.dumps({"destination": "key:0123456789abcdef"}).encode() * 100, [KEY, OTHER]) == []


def test_a_secret_in_clear_is_found_and_not_shown() -> None:
    found = secrets_found([("deliveries/0/1", b'{"key": "' + OTHER.encode() + b'"}')], [KEY, OTHER])
    assert found == [Found("deliveries/0/1", "in clear", 2)]
    assert str(found[0]) == "secret 2 stands in deliveries/0/1 (in clear)"
    assert OTHER not in repr(found)


@given(st.binary(max_size=10), st.binary(max_size=10), st.booleans())
def test_a_secret_inside_any_base64_is_found(before: bytes, after: bytes, url: bool) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    found = secrets_found(b'{"raw": "' + encode(before + KEY.encode() + after) + b'"}', [KEY])
    assert [one.form for one in found] in (["base64"], ["in clear"])


@pytest.mark.parametrize("cut", range(1, 4))
def test_nearly_a_secret_is_none(cut: int) -> None:
    nearly = (KEY[:-cut] + "x" * cut).encode()
    assert secrets_found([nearly, base64.b64encode(nearly), nearly.hex().encode()], [KEY]) == []


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (KEY.encode().hex(), "hexadecimal"),
        (KEY.encode().hex().upper(), "hexadecimal"),
        (quote("pa ss/wörd?&", safe=""), "URL text"),
    ],
)
def test_other_forms_are_found(text: str, form: str) -> None:
    assert [one.form for one in secrets_found(text.encode(), [KEY, "pa ss/wörd?&"])] == [form]


def test_files_and_folders_are_looked_through(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "worker.log").write_text(f"sent with {KEY}\n")
    (tmp_path / "web.log").write_text("nothing here\n")
    assert secrets_found(tmp_path, [KEY]) == [Found(str(tmp_path / "deep" / "worker.log"), "in clear", 1)]
    assert secrets_found(tmp_path / "web.log", [KEY]) == []


def test_a_secret_across_two_chunks_of_a_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "CHUNK", 64)
    for lead in range(130):
        path = tmp_path / str(lead)
        path.write_bytes(b"." * lead + KEY.encode() + b"." * 50)
        assert len(secrets_found(path, [KEY])) == 1


def test_too_short_a_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="secret 2 has 5 characters: it needs 8") as refused:
        secrets_found(b"", [KEY, "short"])
    assert "short" not in str(refused.value)


def test_a_file_that_is_not_there_is_no_clean_bill(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        secrets_found(tmp_path / "missing.log", [KEY])
