"""Dead letters folded into what stands, and what becomes of one when it is replayed."""

from __future__ import annotations

import orjson
import pytest

from streams import contracts
from streams.replay.letters import Entry, Folder, Letter, Result, Wanted, settled
from streams.replay.plan import Again, NotPossible, again
from streams.replay.selection import plan_replay
from streams.replay.show import counts, masked, row, summary, text, whole
from tests.replay.letters import TOKEN, A, B, letter, value

KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"


def folded(*values: bytes) -> Folder:
    folder = Folder()
    for one in values:
        folder.add(Letter.read(one))
    return folder


def ids(folder: Folder) -> list[str]:
    return [one.id for one in folder.letters()]


def test_what_these_tests_write_keeps_to_the_contract() -> None:
    for one in (letter(to=A), letter(event={"alert": {}}), letter(raw=b"x"), letter(to=A, replay="alerts/0/1@-")):
        assert contracts.problem("dead-letters", one) is None


def test_the_newest_of_an_id_stands_in_the_order_of_the_inputs() -> None:
    folder = folded(value(7, to=A, at=50), value(3, at=60), value(7, to=A, at=70), value(7, to=A, at=50))
    assert [(one.offset, one.at) for one in folder.letters()] == [(3, 60), (7, 70)]


def test_one_that_is_dead_again_elsewhere_goes_on_there() -> None:
    folder = folded(value(1), value(1, to=A, at=2_000, replay="alerts/0/1@-"))
    assert ids(folder) == [f"alerts/0/1@{A}"]
    assert folder.resolve("alerts/0/1@-") == {f"alerts/0/1@{A}"}
    folder.add(Letter.read(value(1, to=B, at=3_000, replay=f"alerts/0/1@{A}")))
    assert folder.resolve("alerts/0/1@-") == {f"alerts/0/1@{B}"}
    assert folder.resolve("alerts/0/9@-") == set()


def test_one_input_may_be_dead_at_two_places() -> None:
    folder = folded(
        value(1), value(1, to=A, at=2_000, replay="alerts/0/1@-"), value(1, to=B, at=2_000, replay="alerts/0/1@-")
    )
    assert folder.resolve("alerts/0/1@-") == {f"alerts/0/1@{A}", f"alerts/0/1@{B}"}


def test_letters_that_go_on_as_each_other_end() -> None:
    folder = folded(
        value(1, to=A, at=1_000, replay=f"alerts/0/1@{B}"), value(1, to=B, at=2_000, replay=f"alerts/0/1@{A}")
    )
    assert ids(folder) == [f"alerts/0/1@{B}"]
    assert folder.resolve(f"alerts/0/1@{A}") == {f"alerts/0/1@{B}"}


def test_settled_is_what_was_replayed_since_it_died_last() -> None:
    one = Letter.read(value(1, to=A, at=1_000))
    delivered = Result(one.id, "delivered", "delivered", 2_000)
    assert settled([one], [delivered]) == [Entry(one, delivered)]
    assert settled([one], [Result(one.id, "dead", "unknown_routing_key", 2_000)]) == [Entry(one)]
    dead_again = Letter.read(value(1, to=A, at=3_000, replay=one.id))
    assert settled([dead_again], [delivered]) == [Entry(dead_again)]
    told = Result(one.id, "skipped", "already_replayed", 4_000)
    (entry,) = settled([one], [delivered, told])
    assert str(entry.replayed) == "delivered"
    (entry,) = settled([one], [told])
    assert str(entry.replayed) == "skipped (already_replayed)"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [1, 2]),
        (Wanted(reasons=frozenset({"wrong_shape"})), [1]),
        (Wanted(destinations=frozenset({A})), [2]),
        (Wanted(destinations=frozenset({"-"})), [1]),
        (Wanted(stages=frozenset({"dispatch"})), [2]),
        (Wanted(since=1_500), [2]),
        (Wanted(until=2_000), [1]),
        (Wanted(stages=frozenset({"dispatch"}), until=2_000), []),
    ],
)
def test_filters(wanted: Wanted, found: list[int]) -> None:
    letters = folded(value(1, event={}, at=1_000), value(2, to=A, at=2_000)).letters()
    assert [one.offset for one in letters if wanted.has(one)] == found


# -- what is sent again -----------------------------------------------------------------------------------------------


def planned(one: bytes, **options: object) -> Again:
    found = again(Letter.read(one), **options)  # type: ignore[arg-type]
    assert isinstance(found, Again), found
    return found


def test_an_outbox_record_is_sent_again_at_its_incidents_home() -> None:
    record = planned(value(5, to=A), force=True, to="backup")
    assert orjson.loads(record.value)["routing_key"] == TOKEN
    assert record.key == b"gk"
    assert orjson.loads(record.origin) == ["alert", "alerts", 0, 5, 5, "k"]
    assert orjson.loads(record.replay) == {
        "id": f"alerts/0/5@{A}",
        "force": True,
        "to": "backup",
        "kind": "outbox",
    }


def test_an_input_is_sent_again_as_it_was() -> None:
    assert orjson.loads(planned(value(event={"alert": {"x": 1}})).value) == {"alert": {"x": 1}}
    record = planned(value(raw=b"not json"))
    assert (record.value, record.key) == (b"not json", b"k")
    assert orjson.loads(record.replay) == {"id": "alerts/0/1@-", "force": False, "to": None, "kind": "event"}
    case = planned(value(topic="p.cases", event={}), prefix="p.")
    assert orjson.loads(case.origin)[:2] == ["case", "p.cases"]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (value(raw=b"x", truncated=True), "truncated"),
        (value(), "no_value"),
        (value(topic="elsewhere", event={}), "foreign_topic"),
    ],
)
def test_what_cannot_be_sent_again(one: bytes, reason: str) -> None:
    refused = again(Letter.read(one))
    assert isinstance(refused, NotPossible)
    assert refused.reason == reason
    assert "alerts/0/1" in refused.message or reason != "truncated"


@pytest.mark.parametrize(
    "test",
    [
        value(to=A, incident="alert:pagerline-test/1a2b"),
        value(event={"case": {}}, topic="cases", incident="case:pagerline-test/1a2b", action="trigger"),
        value(raw=b"{", source={**letter()["source"], "key": "pagerline-test/1a2b"}),
    ],
)
def test_test_notifications_are_left_out_unless_forced(test: bytes) -> None:
    real, one = Letter.read(value(2, to=A)), Letter.read(test)
    plan = plan_replay([Entry(one), Entry(real)], prefix="", force=False, to=None)
    assert ([again.letter for again in plan.go], plan.tests, plan.cannot) == ([real], (one,), ())
    plan = plan_replay([Entry(one)], prefix="", force=True, to=None)
    assert ([again.letter for again in plan.go], plan.tests) == ([one], ())


def test_the_resolve_of_a_test_notification_is_sent_again() -> None:
    one = Letter.read(value(to=A, incident="alert:pagerline-test/1a2b", action="resolve"))
    assert len(plan_replay([Entry(one)], prefix="", force=False, to=None).go) == 1


# -- for the eye ---------------------------------------------------------------------------------------------------


def test_secrets_are_masked_wherever_they_stand() -> None:
    event = {"fields": {"a": 1}, "text": f"key {KEY}!", "list": [KEY], KEY: 1, "n": 5, "routing_key": "short"}
    assert masked(event) == {
        "fields": "…",
        "text": "key …0d1!",
        "list": ["…0d1"],
        "…0d1": 1,
        "n": 5,
        "routing_key": "…",
    }
    for one in (value(event=event), value(raw=b"{" + KEY.encode()), value(to=A)):
        entry = Entry(Letter.read(one))
        shown = "\n".join(text(entry)) + orjson.dumps(whole(entry)).decode()
        assert KEY not in shown
        assert TOKEN not in shown


def test_a_line_and_a_summary() -> None:
    one = Letter.read(value(5, to=A, at=1_638_403_600_000))
    entry = Entry(one, Result(one.id, "skipped", "moved_on", 9))
    assert row(entry) == (
        "2021-12-02T00:06:40Z",
        f"alerts/0/5@{A}",
        "dispatch",
        "unknown_routing_key",
        A,
        "alert:gk",
        "skipped (moved_on)",
    )
    assert summary(entry)["replayed"] == {"status": "skipped", "reason": "moved_on", "at": 9}
    assert counts([entry, Entry(one)]) == "2 dead letters (unknown_routing_key 2); 1 of them replayed"
    assert counts([]) == "no dead letters"
    assert any(line.startswith("replayed     skipped (moved_on) at 1970") for line in text(entry))


def test_a_long_input_is_cut_on_the_screen() -> None:
    shown = "\n".join(text(Entry(Letter.read(value(event={"text": "x " * 5_000}, truncated=False)))))
    assert "more characters (-o json has all)" in shown
    assert len(shown) < 5_000
