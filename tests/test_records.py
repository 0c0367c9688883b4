"""Records of how inputs ended: whatever they are about, their topics take them."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import orjson

from streams import contracts
from streams.dispatch.outcome import Attempt, Outcome
from streams.dispatch.outcome import dead_letter as dead
from streams.documents.secrets import Cipher, new_key
from streams.events import IDENTITY_LIMIT, KEY_LIMIT
from streams.records import RAW_KEPT, VALUE_BYTES, dead_letter, delivery, ending, letter_value
from streams.topology import Topology

SOURCE = {"topic": "alerts", "partition": 3, "offset": 4711, "timestamp": 1_638_403_600_123, "key": "gk"}
BROKERS_OWN = 1_048_588
"""Kafka's default for `message.max.bytes`."""

TOKEN = Cipher([new_key()]).seal("930" + "a" * 29)
WORST = "\x01" * IDENTITY_LIMIT
"""Six bytes a character in JSON."""


def test_our_topics_take_the_largest_value_with_its_key_and_headers() -> None:
    topology = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=8))
    bounds = {spec.name: int(spec.config.get("max.message.bytes", BROKERS_OWN)) for spec in topology.specs()}
    escaped = 6 * KEY_LIMIT  # in the header of a forwarded input
    for name in (topology.rekeyed, topology.outbox, topology.dead_letters):
        assert bounds[name] > VALUE_BYTES + KEY_LIMIT + escaped + 1_000


def test_a_letter_that_grew_keeps_the_beginning_of_its_input() -> None:
    value = b'{"alert":[' + b",".join([b"1e9"] * 249_000) + b"]}"
    assert len(value) < 1_000_000
    letter = dead_letter(
        SOURCE, stage="route", reason="no_connector", message="m", at=1, incident="alert:gk", event=orjson.loads(value)
    )
    assert len(orjson.dumps(letter)) > 3_000_000
    written = letter_value(letter, value)
    found = orjson.loads(written)
    assert len(written) < VALUE_BYTES
    assert contracts.problem("dead-letters", found) is None
    assert (found["event"], found["truncated"], base64.b64decode(found["raw"])) == (None, True, value[:RAW_KEPT])
    assert {**found, "event": letter["event"], "raw": None, "truncated": False} == letter


def test_a_letter_of_an_outbox_record_that_is_too_large_keeps_its_beginning() -> None:
    record = {"routing_key": TOKEN, "payload": {"custom_details": "x" * VALUE_BYTES}}
    letter = dead_letter(
        SOURCE, stage="dispatch", reason="not_found", message="", at=1, destination="key:" + "0" * 16, outbox=record
    )
    found = orjson.loads(letter_value(letter))
    assert contracts.problem("dead-letters", found) is None
    assert (found["outbox"], found["truncated"]) == (None, True)
    assert orjson.dumps(record).startswith(base64.b64decode(found["raw"]))


def test_an_ordinary_letter_is_whole() -> None:
    letter = dead_letter(SOURCE, stage="route", reason="not_json", message="m", at=1, raw=b"{")
    assert orjson.loads(letter_value(letter, b"{")) == letter
    assert (letter["raw"], letter["truncated"], letter["source"]) == ("ew==", False, SOURCE)


def test_the_largest_delivery_is_taken_by_a_topic_with_the_brokers_own_bound() -> None:
    words = "\x01" * 1_000
    attempts = tuple({"at": 1, "ms": 1.0, "status": 500, "error": words} for _ in range(20))
    passed_over = [{"candidate": "fields.integrationKey", "reason": words} for _ in range(4)]
    record = delivery(
        SOURCE,
        incident=f"alert:{WORST}",
        dedup_key="d" * 255,
        action="trigger",
        destination="key:" + "0" * 16,
        connector="c" * 128,
        why={"chosen": None, "passed_over": passed_over, "pinned": False},
        render_errors={str(number): words for number in range(10)},
        outcome=ending(SOURCE, status="delivered", reason="delivered", message=words, at=1, attempts=attempts),
    )
    assert contracts.problem("deliveries", record) is None
    assert len(orjson.dumps(record)) + 3 * KEY_LIMIT < BROKERS_OWN


def test_a_dead_letter_of_dispatch_has_the_key_of_its_input() -> None:
    (record, *_) = contracts.schema("pagerduty-outbox")["examples"]
    words, at = "Invalid routing key", 1_638_403_600_172
    outcome = Outcome(
        "alerts/3/4711",
        "dead",
        "unknown_routing_key",
        words,
        at,
        400,
        attempts=(Attempt(at, 31.5, 400, words),),
        attempts_total=1,
    )
    (_, example) = contracts.schema("dead-letters")["examples"]
    assert orjson.loads(letter_value(dead(record, outcome))) == example
    assert example["source"]["key"] == "payments-api/high-error-rate/server1"
