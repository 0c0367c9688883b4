"""The tables' rows on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streams.kafka.store import Store


def test_rows_by_partition_and_key(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(0, b"k") is None
    assert list(store.items()) == []
    store.put(1, b"k", b"one")
    store.put(2, b"k", b"two")
    store.put(300, b"\xff", b"")
    assert store.get(1, b"k") == b"one"
    assert store.get(3, b"k") is None
    store.put(1, b"k", None)
    assert list(store.items()) == [(2, b"k", b"two"), (300, b"\xff", b"")]
    store.clear()
    assert list(store.items()) == []
    store.close()
    assert list(tmp_path.glob("rows-*")) == []


def test_an_iteration_sees_the_rows_of_its_beginning(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(100):
        store.put(0, b"%d" % number, b"old")
    rows = store.items()
    next(rows)
    for number in range(200):
        store.put(0, b"%d" % number, b"new")
    assert [value for _partition, _key, value in rows] == [b"old"] * 99
    store.close()


def test_what_a_killed_process_left_is_deleted_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rows-dead").mkdir()
    (tmp_path / "rows-dead" / "CURRENT").write_text("MANIFEST-000001\n")
    living = Store(tmp_path)
    living.put(0, b"k", b"v")
    other = Store(tmp_path)
    other.put(0, b"k", b"w")
    assert not (tmp_path / "rows-dead").exists()
    assert living.get(0, b"k") == b"v"
    living.close()
    other.close()


def test_stores_that_begin_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    def begin(number: int) -> bytes | None:
        store = Store(tmp_path)
        try:
            store.clear()
            store.put(0, b"k", str(number).encode())
            return store.get(0, b"k")
        finally:
            store.close()

    with ThreadPoolExecutor(max_workers=8) as threads:
        assert list(threads.map(begin, range(60))) == [str(number).encode() for number in range(60)]
