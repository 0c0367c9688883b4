"""The topic `connectors`: records, what they add up to, and what a change is."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from streams import contracts
from streams.documents.changes import plan_changes
from streams.documents.connector import Connector, frozen_fields, frozen_overrides
from streams.documents.document import read_key, record_key
from streams.documents.options import Options
from streams.documents.records import from_record, to_record
from streams.documents.secrets import Cipher, Secret, new_key
from streams.documents.show import masked_for_comparison, to_document, to_yaml
from streams.documents.snapshot import NOTHING, Record
from streams.errors import DocumentError, DocumentsWrong, SecretError

ALPHA = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
BETA = "931bbbbbbbbbbbbbbbbbbbbbbbbbb0d1"
TEMPLATE = f"{{% if alert.groups['team_name'] == 'alpha' %}}\n  {ALPHA}\n{{% endif %}}\n"
CIPHER = Cipher([new_key()])

PAYMENTS = Connector(
    id="payments",
    name="Payments",
    type="PAGERDUTY",
    fields=frozen_fields({"integrationKey": Secret(ALPHA), "dynamicintegrationKey": Secret(TEMPLATE)}),
    overrides=frozen_overrides({"cases": {"integrationKey": Secret(BETA)}, "alerts": {}}),
    options=Options(rateLimit=60),
    version=3,
)


def record(connector: Connector, offset: int = 0, cipher: Cipher = CIPHER) -> Record:
    return Record(record_key("connector", connector.id), to_record(connector, cipher), f"connectors/0/{offset}")


class TestRecord:
    def test_comes_back_as_it_went(self) -> None:
        assert from_record("connector", to_record(PAYMENTS, CIPHER), CIPHER) == PAYMENTS

    def test_keeps_the_contract_and_holds_nothing_in_clear(self) -> None:
        value = to_record(PAYMENTS, CIPHER)
        document = orjson.loads(value)
        assert contracts.problem("documents/connector", document) is None
        assert (document["overrides"].keys(), document["options"]) == ({"cases"}, {"rateLimit": 60})
        for secret in (ALPHA, BETA, "team_name"):
            assert secret.encode() not in value

    def test_options_and_overrides_may_be_missing(self) -> None:
        document = orjson.loads(to_record(PAYMENTS, CIPHER))
        del document["options"], document["overrides"]
        connector = from_record("connector", orjson.dumps(document), CIPHER)
        assert (connector.options.rateLimit, dict(connector.overrides)) == (120, {})

    @pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"v":2}', b"null"])
    def test_of_another_shape_is_refused(self, value: bytes) -> None:
        with pytest.raises(DocumentError):
            from_record("connector", value, CIPHER)

    def test_in_clear_is_refused_and_not_repeated(self) -> None:
        document = orjson.loads(to_record(PAYMENTS, CIPHER))
        document["fields"]["integrationKey"] = ALPHA
        with pytest.raises(DocumentError) as refused:
            from_record("connector", orjson.dumps(document), CIPHER)
        assert ALPHA not in str(refused.value)

    def test_sealed_with_another_key(self) -> None:
        with pytest.raises(SecretError, match="PAGERLINE_SECRET_KEYS"):
            from_record("connector", to_record(PAYMENTS, Cipher([new_key()])), CIPHER)

    def test_key(self) -> None:
        assert record_key("connector", "payments") == b"connector/payments"
        assert read_key(b"connector/payments") == ("connector", "payments")
        assert read_key(b"preset/payments") == ("preset", "payments")
        for key in (None, b"\xff", b"revision", b"connector", b"other/payments"):
            assert read_key(key) is None


class TestSnapshot:
    def test_the_newest_record_counts_and_a_tombstone_deletes(self) -> None:
        renamed = replace(PAYMENTS, name="Payments 2", version=4)
        snapshot = NOTHING.after([record(PAYMENTS), record(renamed, 1)], CIPHER)
        assert snapshot.connectors == {"payments": renamed}
        gone = snapshot.after([Record(record_key("connector", "payments"), None, "connectors/0/2")], CIPHER)
        assert dict(gone.connectors) == {}
        assert snapshot.connectors == {"payments": renamed}  # what somebody holds does not change

    def test_an_unreadable_record_leaves_the_one_before_it(self) -> None:
        foreign = record(replace(PAYMENTS, version=4), 7, Cipher([new_key()]))
        snapshot = NOTHING.after([record(PAYMENTS), foreign], CIPHER)
        assert snapshot.connectors == {"payments": PAYMENTS}
        assert snapshot.problems["connector/payments"].where == "connectors/0/7"
        assert "PAGERLINE_SECRET_KEYS" in snapshot.problems["connector/payments"].reason

    def test_a_good_record_or_a_tombstone_ends_the_problem(self) -> None:
        broken = NOTHING.after([Record(b"connector/payments", b"{", "connectors/0/0")], CIPHER)
        assert broken.problems["connector/payments"].reason == "the record is not JSON"
        assert dict(broken.connectors) == {}
        assert dict(broken.after([record(PAYMENTS, 1)], CIPHER).problems) == {}
        assert dict(broken.after([Record(b"connector/payments", None, "connectors/0/1")], CIPHER).problems) == {}

    def test_a_value_under_a_foreign_key_is_not_used(self) -> None:
        wrong = Record(b"connector/other", to_record(PAYMENTS, CIPHER), "connectors/0/0")
        assert NOTHING.after([wrong], CIPHER).problems["connector/other"].reason == (
            "the record's key says other, its value payments"
        )

    def test_other_kinds_of_documents_are_passed_over(self) -> None:
        others = [Record(b"other/x", b"{", "connectors/0/0"), Record(None, b"{", "connectors/0/1")]
        assert NOTHING.after(others, CIPHER) == NOTHING


class TestChanges:
    THERE = NOTHING.after([record(PAYMENTS)], CIPHER)

    def test_new(self) -> None:
        (change,) = plan_changes(NOTHING, [replace(PAYMENTS, version=0)])
        assert (change.verb, change.document and change.document.version, change.before) == ("created", 1, None)

    def test_the_same(self) -> None:
        (change,) = plan_changes(self.THERE, [replace(PAYMENTS, version=0)])
        assert (change.verb, change.document) == ("unchanged", PAYMENTS)

    @pytest.mark.parametrize(
        "other",
        [
            replace(PAYMENTS, name="Other"),
            replace(PAYMENTS, options=Options(rateLimit=61)),
            replace(PAYMENTS, fields=frozen_fields({"integrationKey": Secret(BETA)})),
            replace(PAYMENTS, overrides=frozen_overrides({})),
        ],
    )
    def test_any_difference_is_a_change(self, other: Connector) -> None:
        (change,) = plan_changes(self.THERE, [replace(other, version=0)])
        assert (change.verb, change.document and change.document.version, change.before) == ("changed", 4, PAYMENTS)

    def test_what_cannot_be_read_is_written_again(self) -> None:
        broken = self.THERE.after([Record(b"connector/payments", b"{", "connectors/0/1")], CIPHER)
        assert [change.verb for change in plan_changes(broken, [PAYMENTS])] == ["changed"]
        without = NOTHING.after([Record(b"connector/payments", b"{", "connectors/0/1")], CIPHER)
        assert [change.verb for change in plan_changes(without, [PAYMENTS])] == ["changed"]

    def test_the_type_is_fixed_for_life(self) -> None:
        there = NOTHING.after([record(replace(PAYMENTS, type="PAGERDUTY_INCIDENTS"))], CIPHER)
        new = replace(PAYMENTS, id="new", version=0)
        with pytest.raises(DocumentsWrong) as refused:
            plan_changes(there, [new, PAYMENTS])
        assert str(refused.value) == (
            "type: connector payments is of type PAGERDUTY_INCIDENTS, which stays fixed for life; "
            "make a new connector of type PAGERDUTY under another id"
        )


class TestShown:
    def test_keys_are_masked_inside_templates_too(self) -> None:
        text = to_yaml([to_document(PAYMENTS)])
        assert text == (
            "---\n"
            "kind: connector\n"
            "id: payments\n"
            "type: PAGERDUTY\n"
            "name: Payments\n"
            "fields:\n"
            "  integrationKey: …0d1\n"
            "  dynamicintegrationKey: |\n"
            "    {% if alert.groups['team_name'] == 'alpha' %}\n"
            "      …0d1\n"
            "    {% endif %}\n"
            "overrides:\n"
            "  cases:\n"
            "    integrationKey: …0d1\n"
            "options:\n"
            "  rateLimit: 60\n"
            "version: 3\n"
        )

    def test_two_keys_with_the_same_end_can_be_told_apart(self) -> None:
        first, second = masked_for_comparison(Secret(ALPHA)), masked_for_comparison(Secret(BETA))
        assert first.startswith("…0d1 (sha256 ")
        assert first != second

    def test_no_print_of_a_connector_shows_a_key(self) -> None:
        for text in (repr(PAYMENTS), str(PAYMENTS), f"{PAYMENTS.fields}"):
            assert ALPHA not in text
            assert BETA not in text
