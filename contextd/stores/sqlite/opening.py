"""Opens a file for a store: the lock, the connections, the schema."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

import apsw

from contextd.stores.sqlite import file, remains
from contextd.stores.sqlite.backfill import FILL
from contextd.stores.sqlite.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READERS = 2
"""Threads that read; a cold read is mostly decoding, which they share the interpreter for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a store holds: the lock, the connections, and how to replace the writing one."""

    lock: file.FileLock
    writing: Database
    reading: SimpleQueue[Database]
    reopen: Callable[[], Database]


def open_file(path: Path, vfs: str) -> Opened:
    """Open everything, or nothing.

    Raises:
        StoreUnavailable: another process has the file, or it cannot be written.
        StoreTooNew, StoreCorrupt: it cannot be read rightly.
    """
    path = file.housed(path)
    queries = file.queries()
    reopen = partial(_open_writing, path, vfs)
    with ExitStack() as undo:
        lock = file.FileLock(path)
        undo.callback(lock.close)
        file.create(path)
        try:
            file.rewrite_wal(path, vfs)
            writing = reopen()
            undo.callback(writing.close)
            reading: SimpleQueue[Database] = SimpleQueue()
            for _ in range(READERS):
                database = Database(file.connect(path, vfs), queries)
                undo.callback(database.close)
                reading.put(database)
        except apsw.Error as error:
            raise file.translated(error) from error
        undo.pop_all()
    return Opened(lock, writing, reading, reopen)


def _open_writing(path: Path, vfs: str) -> Database:
    """Open the connection that writes, on a file that is up to date and proven writable."""
    connection = file.connect(path, vfs)
    bare = remains.Bare(vfs)
    try:
        copier = file.connect(path, bare.name)
    except BaseException:
        connection.close()
        raise
    database = Database(connection, file.queries(), copier)
    try:
        file.migrate(connection, file.migrations(), FILL)
        file.sync_folder(path)
        database.prove()
    except BaseException:
        database.close()
        raise
    return database
