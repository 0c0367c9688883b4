"""Signatures of webhooks: known vectors, and everything that is not PagerDuty's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pagerduty.signature import Forged, Genuine, signature, verify

VECTORS: list[dict[str, Any]] = orjson.loads(
    (Path(__file__).parents[1] / "fixtures" / "pagerduty" / "webhooks_v3" / "signature_vectors.json").read_bytes()
)
SECRETS = sorted({secret for vector in VECTORS for secret in vector["secrets"]})
BODY = b'{"event":{}}'
WRONG = Forged("wrong_signature")
UNSIGNED = Forged("unsigned")
# HMAC fills a key up with zero bytes, so that "a" and "a\0" are one key.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_known_vectors(vector: dict[str, Any]) -> None:
    body, header = vector["body"].encode(), vector["header"]
    for secret in SECRETS:
        assert verify(header, body, [secret]) == (Genuine() if secret in vector["valid_for"] else WRONG)
    expected = Genuine() if vector["valid_for"] else WRONG
    assert verify(header, body, SECRETS) == expected
    assert verify(header, body, reversed(SECRETS)) == expected
    if vector["valid_for"]:
        assert verify(header, body[:-1], SECRETS) == WRONG
        assert verify(header, body + b"\n", SECRETS) == WRONG


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        ",",
        "v1=",
        "v1=" + "0" * 63,
        "v1=" + "0" * 65,
        "v1=" + "g" * 64,
        "v1=" + "A" * 64,
        "v2=" + "0" * 64,
        "0" * 64,
        "v1=" + "é" * 64,
        signature("s", BODY).replace("=", " = "),
        ",".join(["v1=" + "0" * 64] * 20 + [signature("s", BODY)]),
    ],
)
def test_no_signature_of_a_form_that_is_known(header: str | None) -> None:
    assert verify(header, BODY, ["s"]) == UNSIGNED


def test_blanks_and_other_signatures_do_not_matter() -> None:
    assert verify(f" v1={'0' * 64} , {signature('s', BODY)} ,v9=x", BODY, ["other", "s"]) == Genuine()


def test_without_a_secret_nothing_is_genuine() -> None:
    assert verify(signature("", BODY), BODY, []) == WRONG
    assert verify(signature("", BODY), BODY, [""]) == WRONG


@given(body=st.binary(max_size=200), secret=TEXT, other=TEXT, tail=st.binary(min_size=1))
def test_what_was_signed_is_genuine_and_nothing_else(body: bytes, secret: str, other: str, tail: bytes) -> None:
    header = signature(secret, body)
    assert verify(header, body, [secret]) == Genuine()
    assert verify(header, body + tail, [secret]) == WRONG
    if other != secret:
        assert verify(header, body, [other]) == WRONG
