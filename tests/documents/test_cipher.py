"""Sealing, masking and telling secrets apart."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.fernet import Fernet

from streams.documents.secrets import (
    Cipher,
    Secret,
    cipher_of,
    destination_id,
    is_routing_key,
    is_template,
    mask,
    new_key,
)
from streams.errors import SecretError, SettingsError
from streams.settings import Settings

ROUTING_KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
OLD, NEW = new_key(), new_key()


def test_what_is_sealed_can_be_opened() -> None:
    cipher = Cipher([NEW])
    token = cipher.seal(ROUTING_KEY)
    assert ROUTING_KEY not in token
    assert Cipher([NEW]).open(token) == ROUTING_KEY
    assert cipher.open(cipher.seal("Straße 🚀")) == "Straße 🚀"


def test_the_newest_key_seals_and_older_ones_still_open() -> None:
    rotated = Cipher([NEW, OLD])
    assert rotated.open(Cipher([OLD]).seal(ROUTING_KEY)) == ROUTING_KEY
    assert Fernet(NEW).decrypt(rotated.seal(ROUTING_KEY)) == ROUTING_KEY.encode()


def test_the_same_text_is_sealed_once() -> None:
    cipher = Cipher([NEW])
    assert cipher.seal(ROUTING_KEY) == cipher.seal(ROUTING_KEY)


@pytest.mark.parametrize("token", [Cipher([OLD]).seal(ROUTING_KEY), ROUTING_KEY, "", "gAAAAAé"])
def test_what_cannot_be_opened_names_the_setting_and_not_the_token(token: str) -> None:
    cipher = Cipher([NEW])
    for _ in range(2):  # a failure must not be remembered as a success
        with pytest.raises(SecretError, match="PAGERLINE_SECRET_KEYS lacks the key") as refused:
            cipher.open(token)
        assert not token or token not in str(refused.value)


def test_a_cipher_needs_a_key() -> None:
    with pytest.raises(SettingsError, match=r"PAGERLINE_SECRET_KEYS: is not set.*pagerline secrets new-key"):
        cipher_of(Settings(secret_keys=()))
    token = cipher_of(Settings(secret_keys=f"{NEW},{OLD}")).seal(ROUTING_KEY)
    assert Cipher([NEW]).open(token) == ROUTING_KEY


def test_a_secret_prints_masked() -> None:
    secret = Secret(ROUTING_KEY)
    assert (str(secret), repr(secret), f"{secret}") == ("…0d1", "Secret('…0d1')", "…0d1")
    assert secret.reveal() == ROUTING_KEY
    assert secret == Secret(ROUTING_KEY)
    assert secret != Secret(ROUTING_KEY + "x")
    assert secret != ROUTING_KEY
    assert len({secret, Secret(ROUTING_KEY)}) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (ROUTING_KEY, "…0d1"),
        (f"  {ROUTING_KEY}\n", "…0d1"),
        ("0123456789abcdef", "…def"),
        ("0123456789abcde", "…"),
        ("", "…"),
    ],
)
def test_mask(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (ROUTING_KEY, True),
        ("R" + "0" * 31, True),
        (ROUTING_KEY[:-1], False),
        (ROUTING_KEY + "0", False),
        (ROUTING_KEY + "\n", False),
        ("é" * 32, False),
        ("٣" * 32, False),
        ("-" * 32, False),
        ("", False),
    ],
)
def test_is_routing_key(text: str, is_one: bool) -> None:
    assert is_routing_key(text) is is_one


def test_is_template() -> None:
    assert is_template("{{ a }}")
    assert is_template("{% if a %}")
    assert not is_template(ROUTING_KEY)
    assert not is_template("{ a }")


def test_destination_id_is_the_same_everywhere() -> None:
    assert destination_id(ROUTING_KEY) == "key:" + hashlib.sha256(ROUTING_KEY.encode()).hexdigest()[:16]
