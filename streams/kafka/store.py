"""Where the rows of a table live on this machine: RocksDB, so that a million waiting incidents cost disk, not memory.

Measured with a million rows of 1.3 kB (bench/results.md): as a dict 1.5 GB, here about 0.1 GB, 4 µs a write, 8 µs a
read. The changelog topic is the durable copy: a store begins empty after every rebalance, needs no write-ahead log, and
what a killed process left behind is deleted by the next one.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteOptions

CACHE_BYTES: Final = 32 << 20
BUFFER_BYTES: Final = 16 << 20
"""With RocksDB's own few buffers, some 100 MB a table at most."""

PARTITION_BYTES: Final = 4


class Store:
    """Rows of bytes by (partition, key), in files of this process alone. `folder` is shared by a host's workers."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / "pagerline"
        self._path: Path | None = None
        self._db: Any = None

    def clear(self) -> None:
        """Begin anew, empty."""
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(self._folder):
            _sweep(self._folder)
            self._path = Path(tempfile.mkdtemp(prefix="rows-", dir=self._folder))
            self._db = Rdict(str(self._path), _options())
        options = WriteOptions()
        options.disable_wal = True  # type: ignore[assignment,method-assign]  # a property, wrong in its stub
        self._db.set_write_options(options)

    def close(self) -> None:
        """Delete the files."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The row's value, or None."""
        if self._db is None:
            return None
        value: bytes | None = self._db.get(_place(partition, key))
        return value

    def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Keep a row's value; None deletes the row."""
        if self._db is None:
            self.clear()
        if value is None:
            self._db.delete(_place(partition, key))
        else:
            self._db[_place(partition, key)] = value

    def items(self) -> Iterator[tuple[int, bytes, bytes]]:
        """All rows as (partition, key, value), as they were when the iteration began."""
        if self._db is not None:
            for place, value in self._db.items():
                yield int.from_bytes(place[:PARTITION_BYTES]), place[PARTITION_BYTES:], value


def _place(partition: int, key: bytes) -> bytes:
    return partition.to_bytes(PARTITION_BYTES) + key


def _options() -> Options:
    blocks = BlockBasedOptions()
    blocks.set_block_cache(Cache(CACHE_BYTES))
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(BUFFER_BYTES)
    options.set_block_based_table_factory(blocks)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_keep_log_file_num(1)
    return options


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time in this folder: files that are made and not locked yet look like those of a killed process."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # milliseconds; the end of a process that holds it frees it
        yield


def _sweep(folder: Path) -> None:
    """Delete what processes left behind that were killed; RocksDB refuses to destroy what a living one holds."""
    for path in folder.glob("rows-*"):
        with suppress(Exception):  # a living process's lock, or another sweeper: rocksdict raises bare Exceptions
            Rdict.destroy(str(path), Options(raw_mode=True))
            shutil.rmtree(path, ignore_errors=True)
