"""Tokens inside records: found wherever they stand, told apart by their key, sealed anew with the newest."""

from __future__ import annotations

import orjson
import pytest

from streams.documents.renewal import Count, Renewal
from streams.documents.secrets import Cipher, key_id, new_key

ROUTING_KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
OLD, NEW, LOST = new_key(), new_key(), new_key()
BOTH = Renewal(Cipher([NEW, OLD]))


def row(*keys: str) -> bytes:
    """A row with a token of each of these keys, beside a text that only looks like one."""
    records = [{"routing_key": Cipher([key]).seal(ROUTING_KEY)} for key in keys]
    return orjson.dumps({"pending": records, "text": "gAAAAA" + "x" * 90})


def test_tokens_are_told_apart() -> None:
    assert BOTH.tokens(row(NEW, OLD, OLD, LOST)) == Count(newest=1, older=2, unknown=1)
    assert BOTH.tokens(orjson.dumps({"fields": {"a": {"enc": Cipher([LOST]).seal("x")}}})) == Count(unknown=1)
    assert BOTH.tokens(None) == BOTH.tokens(b"gAAAAA") == Count()
    assert [BOTH.is_old(row(key)) for key in (OLD, NEW, LOST)] == [True, False, False]


@pytest.mark.parametrize("text", ["", "x", ROUTING_KEY, "{{ alert.groups['a'] }}" * 800, "Straße 🚀"])
def test_a_renewed_record_is_the_same_for_whoever_has_the_newest_key_alone(text: str) -> None:
    value = orjson.dumps({"enc": Cipher([OLD]).seal(text), "kept": [1, "gAAAAA" + "y" * 80]})
    renewed = BOTH.value(value)
    assert renewed is not None
    assert Cipher([NEW]).open(orjson.loads(renewed)["enc"]) == text
    assert orjson.loads(renewed)["kept"] == orjson.loads(value)["kept"]
    assert BOTH.value(renewed) is None


def test_what_no_key_opens_stays_as_it_is() -> None:
    mixed = row(LOST, OLD)
    renewed = BOTH.value(mixed)
    assert renewed is not None
    before, after = (orjson.loads(one)["pending"] for one in (mixed, renewed))
    assert before[0] == after[0]
    assert Cipher([NEW]).open(after[1]["routing_key"]) == ROUTING_KEY
    assert BOTH.value(row(LOST)) is None


def test_a_record_that_has_been_read() -> None:
    old = {"routing_key": Cipher([OLD]).seal(ROUTING_KEY), "action": "trigger"}
    renewed = BOTH.record(old)
    assert (Cipher([NEW]).open(renewed["routing_key"]), renewed["action"]) == (ROUTING_KEY, "trigger")
    for settled in (renewed, {"integration": "pd"}, {"routing_key": ""}, {"routing_key": Cipher([LOST]).seal("x")}):
        assert BOTH.record(settled) is settled


def test_with_one_key_there_is_nothing_to_do() -> None:
    alone = Renewal(Cipher([NEW]))
    assert alone.value(row(NEW, OLD)) is None
    assert alone.tokens(row(NEW, OLD)) == Count(newest=1, unknown=1)


def test_a_key_is_named_without_being_told() -> None:
    assert key_id(NEW) == Cipher([NEW, OLD]).key_id != key_id(OLD)
    assert len(key_id(NEW)) == 12
    assert key_id(NEW) not in NEW
