"""Variables and files in the place of a connector's secrets, where routing uses them."""

from __future__ import annotations

from pathlib import Path

from routing_story import ALPHA, BETA, FALLBACK, account_connector, alert, case, connector, documents, integration
from test_readdress import ASKED, record

from streams.documents.references import References
from streams.documents.secrets import destination_id
from streams.routing import Reject, Send, decide
from streams.routing.readdress import Refused, Resend, readdress

RESOLVE = References({"ALPHA": ALPHA, "WORDS": "Payments"}).resolve


def test_a_variable_stands_for_a_key_also_inside_a_template_and_is_shown_by_its_name() -> None:
    template = "{% if alert.highestPriority == 'P1' %}${ENV:ALPHA}{% endif %}"
    for one in (connector(key="${ENV:ALPHA}"), connector(dynamic=template, key=BETA)):
        (send,) = decide(alert(), documents([one]), {}, resolve=RESOLVE)
        assert isinstance(send, Send)
        assert (send.destination, send.why.key) == (destination_id(ALPHA), "…0d1")
        assert ALPHA not in str(send.why.to_json())
    assert send.why.template == template


def test_a_file_stands_for_a_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f" {ALPHA}\n")
    (send,) = decide(alert(), documents([connector(key=f"file:{tmp_path}/key")]), {}, resolve=RESOLVE)
    assert isinstance(send, Send)
    assert send.destination == destination_id(ALPHA)


def test_what_is_not_there_is_passed_over_with_its_name() -> None:
    (send,) = decide(alert(), documents([connector(dynamic="${ENV:GONE}", key=FALLBACK)]), {}, resolve=RESOLVE)
    assert isinstance(send, Send)
    assert send.destination == destination_id(FALLBACK)
    assert "variable GONE is not set" in send.why.passed_over[0].reason
    (refused,) = decide(alert(), documents([connector(key="${ENV:GONE}")]), {}, resolve=RESOLVE)
    assert isinstance(refused, Reject)
    assert (refused.reason, "GONE" in refused.message) == ("no_destination", True)


def test_an_event_cannot_name_a_variable() -> None:
    one = connector(dynamic="{{ alert.groupingKey }}", key=BETA)
    (send,) = decide(alert(groupingKey="${ENV:ALPHA}"), documents([one]), {}, resolve=RESOLVE)
    assert isinstance(send, Send)
    assert send.destination == destination_id(BETA)


def test_a_service_may_be_referred_to() -> None:
    snapshot = documents([account_connector(service="${ENV:WORDS}")], integrations=[integration()])
    (send,) = decide(case(), snapshot, {}, resolve=RESOLVE)
    assert isinstance(send, Send)
    assert send.ask is not None
    assert send.ask.service == "Payments"


def test_a_dead_letter_goes_to_the_key_that_is_referred_to_by_now() -> None:
    known = {"payments": connector(key="${ENV:ALPHA}")}
    again = readdress({**record(), "destination": destination_id(BETA)}, known, {}, ASKED, RESOLVE)
    assert isinstance(again, Resend)
    assert again.record["destination"] == destination_id(ALPHA)
    gone = readdress(record(), {"payments": connector(key="${ENV:GONE}")}, {}, ASKED, RESOLVE)
    assert isinstance(gone, Refused)
    assert gone.reason == "unresolved_reference"
