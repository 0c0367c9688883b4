"""When a digest speaks, and what it says."""

from __future__ import annotations

from outbox_records import outbox

from streams.dispatch.digest import UPDATE_SECONDS, Digest

FOLD = {"above": 5, "summary": None}


def said(digest: Digest, count: int, now: float, **more: object) -> object:
    record = digest.say("trigger", outbox(fold={**FOLD, **more}), count, [outbox(timestamp=1_638_403_600_123)], now, 9)
    return record["payload"]["summary"]


def test_it_speaks_above_its_number_and_again_when_that_has_changed() -> None:
    digest = Digest()
    assert digest.wants(5, 5, 0.0) is None
    assert digest.wants(6, 0, 0.0) is None
    assert digest.wants(6, 5, 0.0) == "trigger"
    said(digest, 100, 0.0)
    assert digest.wants(200, 5, UPDATE_SECONDS - 1) is None
    assert digest.wants(105, 5, UPDATE_SECONDS) is None
    assert digest.wants(200, 5, UPDATE_SECONDS) == "trigger"
    assert digest.wants(1, 5, 1.0) is None
    assert digest.wants(0, 5, 1.0) == "resolve"


def test_folding_that_is_switched_off_still_ends_what_is_open() -> None:
    digest = Digest(open=True)
    assert digest.wants(0, 0, 0.0) == "resolve"


def test_what_it_says() -> None:
    built_in = "7 alerts of low severity wait for this service since 2021-12-02 00:06:40 UTC"
    assert said(Digest(), 7, 0.0) == built_in
    assert said(Digest(), 7, 0.0, summary="{{ count }} wait: {{ examples | join(sep=', ') }}") == "7 wait: Disk is full"
    assert said(Digest(), 7, 0.0, summary="{{ nothing }}") == built_in


def test_alerts_that_a_producer_has_dated_in_microseconds_are_digested_all_the_same() -> None:
    waiting = [outbox(timestamp=1_638_403_600_123_456)]
    record = Digest().say("trigger", outbox(fold=FOLD), 7, waiting, 0.0, 9)
    assert record["payload"]["summary"].endswith("since 9999-12-31 23:59:59 UTC")
