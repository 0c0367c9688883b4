"""Applies: whole or not at all, in the same order for all readers, and never over somebody else's change."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from documents_story import CIPHER, KEY, TOKEN, Topic, both_ways, connector, integration, preset, router
from hypothesis import given
from hypothesis import strategies as st

from streams import contracts
from streams.documents.document import KINDS, Document, name_of
from streams.documents.records import to_record
from streams.documents.revision import Mark, read_headers, read_mark
from streams.documents.secrets import Cipher, new_key
from streams.documents.snapshot import NOTHING, Record

ALL: list[Document] = [integration(), connector(), both_ways(), preset(), router()]


def test_documents_of_all_kinds_come_back_as_they_went() -> None:
    topic = Topic()
    topic.apply(1, *ALL)
    snapshot = topic.snapshot()
    assert snapshot.documents == sorted(ALL, key=lambda one: KINDS.index(name_of(one).split("/")[0]))  # type: ignore[arg-type]
    assert (snapshot.revision, snapshot.head, dict(snapshot.problems)) == (1, 1, {})


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_a_record_keeps_to_its_schema_and_has_no_secret_in_clear(document: Document) -> None:
    record = orjson.loads(to_record(document, CIPHER))
    assert contracts.problem(f"documents/{record['kind']}", record) is None
    assert contracts.problem("connectors", record) is None
    for secret in (KEY, TOKEN, "whsec"):
        assert secret not in str(record)


def test_a_mark_keeps_to_its_schema_and_comes_back() -> None:
    mark = Mark("a1", 8, 7, 1764000000000, "me")
    assert contracts.problem("documents/revision", orjson.loads(mark.to_record())) is None
    assert contracts.problem("connectors", orjson.loads(mark.to_record())) is None
    assert read_mark(mark.to_record()) == mark
    assert read_headers(mark.headers) == ("a1", 8)
    assert [read_mark(value) for value in (None, b"{", b"[]", b'{"revision":"1"}')] == [None] * 4
    assert read_headers([("other", b"x")]) == (None, 0)
    assert read_headers([("apply", b"x"), ("revision", b"not a number")]) == (None, 0)


def test_nothing_of_an_apply_counts_before_its_mark() -> None:
    topic = Topic()
    topic.apply(1, connector("a"))
    *half, mark = topic.apply(2, connector("b"), "connector/a")
    before = NOTHING.after(topic.records[:-1], CIPHER)
    assert list(before.connectors) == ["a"]
    assert before.revision == 1
    assert len(half) == 2
    assert list(before.after([mark], CIPHER).connectors) == ["b"]


def test_how_records_come_in_portions_does_not_matter() -> None:
    topic = Topic()
    topic.apply(1, *ALL)
    topic.plain(connector("old"))
    topic.apply(2, connector("b"), "connector/payments")
    topic.apply(2, connector("c"), base=1)
    at_once, one_by_one = topic.snapshot(), NOTHING
    for record in topic.records:
        one_by_one = one_by_one.after([record], CIPHER)
    assert one_by_one == at_once
    assert sorted(at_once.connectors) == ["b", "cases", "old"]


def test_an_apply_from_an_older_revision_is_refused_by_all_and_its_records_are_strays() -> None:
    topic = Topic()
    topic.apply(1, connector("a", name="first"))
    topic.apply(2, connector("a", name="quick"), by="quick")
    topic.apply(2, connector("a", name="slow"), connector("b"), base=1, by="slow")
    snapshot = topic.snapshot()
    assert {one.id: one.name for one in snapshot.connectors.values()} == {"a": "quick"}
    assert [(seen.mark.by, seen.accepted) for seen in snapshot.marks] == [("", True), ("quick", True), ("slow", False)]
    assert snapshot.strays == {b"connector/a", b"connector/b"}
    assert snapshot.head == 2


def test_the_next_apply_overwrites_what_a_refused_one_left_and_compaction_keeps_what_holds() -> None:
    topic = Topic()
    topic.apply(1, connector("a", name="first"))
    topic.apply(2, connector("a", name="quick"))
    topic.apply(2, connector("a", name="slow"), connector("b"), base=1)
    topic.apply(3, connector("a", name="quick"), "connector/b")
    assert topic.snapshot().strays == frozenset()
    assert topic.compacted().connectors == topic.snapshot().connectors
    assert topic.compacted().revision == 3


def test_what_a_refused_apply_left_does_not_count_behind_records_whose_marks_are_gone() -> None:
    topic = Topic()
    topic.apply(1, connector("a"))
    topic.apply(2, connector("b"))
    topic.apply(2, connector("c"), base=1)
    compacted = topic.compacted()
    assert sorted(compacted.connectors) == ["a", "b"]
    assert (compacted.revision, compacted.head, compacted.strays) == (2, 2, {b"connector/c"})


def test_compaction_takes_marks_away_and_the_documents_still_count() -> None:
    topic = Topic()
    for number in range(5):
        topic.apply(number + 1, connector(f"c{number}"))
    compacted = topic.compacted()
    assert len(compacted.connectors) == 5
    assert (compacted.revision, compacted.head) == (5, 5)
    topic.apply(6, connector("new"))
    assert "new" in topic.compacted().connectors


def test_records_of_older_versions_count_at_once() -> None:
    topic = Topic()
    topic.plain(connector("a"))
    assert list(topic.snapshot(whole=True).connectors) == ["a"]
    topic.apply(1, connector("b"))
    assert sorted(topic.snapshot().connectors) == ["a", "b"]


class TestHeldBack:
    """A process at work takes an apply whole, or keeps what it has and says why."""

    OTHER = Cipher([new_key()])

    def held(self) -> tuple[Topic, Topic]:
        topic, foreign = Topic(), Topic(self.OTHER)
        topic.apply(1, connector("a"), router())
        foreign.records = topic.records
        foreign.apply(2, connector("b"), replace(router(), name="changed"))
        return topic, foreign

    def test_one_record_that_cannot_be_read_holds_the_whole_apply_back(self) -> None:
        topic, _ = self.held()
        snapshot = topic.snapshot(whole=True)
        assert list(snapshot.connectors) == ["a"]
        assert snapshot.routers["team"].name == "team"
        assert (snapshot.revision, snapshot.head) == (1, 2)
        assert list(snapshot.problems) == ["connector/b"]
        assert snapshot.lost == ("connector/b",)

    def test_and_what_comes_after_it_until_the_record_is_overwritten(self) -> None:
        topic, _ = self.held()
        topic.apply(3, connector("c"))
        waiting = topic.snapshot(whole=True)
        assert (list(waiting.connectors), waiting.revision, waiting.head) == (["a"], 1, 3)
        topic.apply(4, connector("b", name="again"))
        snapshot = topic.snapshot(whole=True)
        assert sorted(snapshot.connectors) == ["a", "b", "c"]
        assert (snapshot.routers["team"].name, snapshot.revision, snapshot.held) == ("changed", 4, ())
        assert dict(snapshot.problems) == {}

    def test_or_deleted(self) -> None:
        topic, _ = self.held()
        topic.apply(3, "connector/b")
        snapshot = topic.snapshot(whole=True)
        assert (list(snapshot.connectors), snapshot.routers["team"].name) == (["a"], "changed")

    def test_a_process_that_starts_takes_what_it_can_read(self) -> None:
        topic, _ = self.held()
        snapshot = topic.snapshot()
        assert (list(snapshot.connectors), snapshot.routers["team"].name) == (["a"], "changed")
        assert list(snapshot.problems) == ["connector/b"]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)), max_size=12
    )
)
def test_writers_that_race_leave_one_story(applies: list[tuple[int, list[int]]]) -> None:
    """Whoever had read a revision that is no longer the newest changes nothing; all others change all of theirs."""
    topic, holds, head = Topic(), dict[str, str](), 0
    for number, (behind, keys) in enumerate(applies):
        base = max(0, head - behind)
        documents = [connector(f"c{key}", name=f"by {number}") for key in keys]
        topic.apply(base + 1, *documents, base=base)
        if base == head:
            holds.update({one.id: one.name for one in documents})
            head += 1
    snapshot = topic.snapshot()
    assert {one.id: one.name for one in snapshot.connectors.values()} == holds
    assert snapshot.head == head
    repaired = [snapshot.get(key.decode()) or key.decode() for key in snapshot.strays]
    topic.apply(head + 1, *repaired)
    assert topic.compacted().connectors == snapshot.connectors


def test_a_mark_nobody_knows_makes_its_records_count_for_nothing() -> None:
    topic = Topic()
    topic.apply(1, connector("a"))
    topic.apply(2, connector("b"))
    topic.records[-1] = Record(b"revision", b'{"v":2}', "connectors/0/3", "x", 2)
    assert list(topic.snapshot().connectors) == ["a"]
