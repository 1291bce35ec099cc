"""What SQLite leaves in a file of rows that are gone, and how it is erased.

With `secure_delete` SQLite overwrites a row when it deletes it.  But when it balances a tree
it fills pages anew, and the middle of such a page, between the pointers to its cells and the
cells, keeps what was there: copies of rows that live elsewhere now.  When those are deleted,
the copies stay, in pages that the deletion never sees.

So no page is left in the file with anything in its middle: the pages that a checkpoint copies
out of the WAL are gone through before the WAL is let go, which leaves no moment in which a
crash could let one slip.  The middle of a page means nothing to SQLite, so it may be zeroed
in the file while others read it, and a write that is torn does no harm.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from struct import Struct
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TREES: Mapping[int, int] = {2: 12, 5: 12, 10: 8, 13: 8}
"""The pages of trees by their first byte, and how long their header is."""

FEW_PAGES = 2 << 24
"""From so many pages on (128 GiB) the first byte of others, a page number's, may be taken for
that of a tree: nothing is erased then."""

FIRST_HEADER = 100
"""The header of the file, which the first page begins with."""

_COUNTS = Struct(">HH")
_WAL_HEADER = Struct(">8xI4x8s8x")
_FRAME = Struct(">I4x8s8x")


def pages_in_wal(connection: apsw.Connection) -> set[int]:
    """Return the pages that the WAL has, perhaps some more that it had until a rollback."""
    pages: set[int] = set()
    try:
        wal = os.open(connection.filename_wal, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return pages
    try:
        header = os.pread(wal, _WAL_HEADER.size, 0)
        if len(header) < _WAL_HEADER.size:
            return pages
        size, salt = _WAL_HEADER.unpack(header)
        last = os.fstat(wal).st_size - _FRAME.size
        for at in range(_WAL_HEADER.size, last, _FRAME.size + size):
            number, of = _FRAME.unpack(os.pread(wal, _FRAME.size, at))
            if of != salt:  # from here on it is of the round before
                break
            pages.add(number)
    finally:
        os.close(wal)
    return pages


def erase(connection: apsw.Connection, pages: Iterable[int]) -> None:
    """Zero the middles of *pages* in the file, synced if there was anything in one.

    Raises:
        apsw.Error: the file cannot be read, written or synced.
    """
    size = int(connection.pragma("page_size"))
    found = False
    with _opened(connection) as file:
        count = file.xFileSize() // size
        if count >= FEW_PAGES:
            return
        for number in pages:
            if number > count:
                continue
            offset = (number - 1) * size
            span = middle(file.xRead(size, offset), FIRST_HEADER if number == 1 else 0)
            if span is not None:
                start, end = span
                file.xWrite(bytes(end - start), offset + start)
                found = True
        if found:
            file.xSync(apsw.SQLITE_SYNC_FULL)


def erase_all(connection: apsw.Connection) -> None:
    """Do the same to every page of the file."""
    erase(connection, range(1, int(connection.pragma("page_count")) + 1))


def middle(page: bytes, header: int) -> tuple[int, int] | None:
    """Return where the middle of a tree's *page* is; None if there is nothing in it."""
    length = TREES.get(page[header])
    if length is None:
        return None
    cells, end = _COUNTS.unpack_from(page, header + 3)
    start = header + length + 2 * cells
    end = end or 1 << 16  # as the format says it
    if not start < end <= len(page) or page[start:end] == bytes(end - start):
        return None
    return start, end


@contextmanager
def _opened(connection: apsw.Connection) -> Iterator[apsw.VFSFile]:
    """Open the file beside the connection, through its VFS, which knows of the locks it has."""
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE
    file = apsw.VFSFile(connection.open_vfs, connection.filename, [flags, 0])
    try:
        yield file
    finally:
        file.xClose()
