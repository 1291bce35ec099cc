"""What SQLite leaves in a file of rows that are gone, and how it is kept out.

With `secure_delete` SQLite overwrites a row when it deletes it.  But when it balances a tree
it fills pages anew, and the middle of such a page, between the pointers to its cells and the
cells, keeps what was there: copies of rows that live elsewhere now.  When those are deleted,
the copies stay, in pages that the deletion never sees.

So no page gets into the file with anything in its middle.  With a WAL, pages get there in a
checkpoint and in no other way, and ours go through a VFS that zeroes the middle of each page as
SQLite writes it.  What is in the file is then what SQLite has written there, under its locks,
in its order and with its syncs, so other processes may use the file at the same time; and the
middle of a page means nothing to it.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from collections.abc import Mapping

TREES: Mapping[int, int] = {2: 12, 5: 12, 10: 8, 13: 8}
"""The pages of trees by their first byte, and how long their header is."""

FEW_PAGES = 2 << 24
"""From so many pages on (128 GiB) the first byte of others, a page number's, may be taken for
that of a tree: nothing is erased then."""

FIRST_HEADER = 100
"""The header of the file, which the first page begins with."""

LEAST_PAGE = 512

_COUNTS = Struct(">HH")
_FILE = Struct(">28xI20xI")
"""Of the file's header: how many pages there are, and whether it has maps of pointers."""


class Bare(apsw.VFS):
    """Writes pages into databases without what is in their middles.

    A connection that was opened through it keeps it.
    """

    def __init__(self, base: str) -> None:
        """Stand before the VFS *base* ("": that of the system)."""
        self.name = f"contextd-bare-{id(self):x}"
        self._base = base
        super().__init__(self.name, base)

    def xOpen(self, name: Any, flags: Any) -> apsw.VFSFile:  # noqa: ANN401, N802 - SQLite's interface
        """Open a file; the WAL keeps pages as they are, for it has sums of them."""
        if flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            return _Database(self._base, name, flags)
        return apsw.VFSFile(self._base, name, flags)


class _Database(apsw.VFSFile):
    """A database; what the first page says of the others holds until it is written again.

    A checkpoint writes it before them.
    """

    def __init__(self, base: str, name: Any, flags: Any) -> None:  # noqa: ANN401 - SQLite's interface
        super().__init__(base, name, flags)
        self._told = trees_tell(self.xRead(FIRST_HEADER, 0))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        """Write a page without its middle."""
        if offset == 0:
            self._told = trees_tell(data)
        if self._told and len(data) >= LEAST_PAGE:
            data = without_middle(data, offset)
        super().xWrite(data, offset)


def erase_all(connection: apsw.Connection) -> None:
    """Zero the middle of every page of a file that was written otherwise, and sync it.

    Nobody else may write to the file meanwhile: *connection* is in a transaction that has
    written.  What a crash leaves half done is whole all the same.

    Raises:
        apsw.Error: the file cannot be read, written or synced.
    """
    size, count = int(connection.pragma("page_size")), int(connection.pragma("page_count"))
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE
    # Through the connection's VFS, which knows of the locks that the process has on the file.
    file = apsw.VFSFile(connection.open_vfs, connection.filename, [flags, 0])
    try:
        if not trees_tell(file.xRead(FIRST_HEADER, 0)):
            return
        for offset in range(0, min(count * size, file.xFileSize()), size):
            page = file.xRead(size, offset)
            erased = without_middle(page, offset)
            if erased != page:
                file.xWrite(erased, offset)
        file.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        file.xClose()


def trees_tell(first: bytes) -> bool:
    """Say whether a page's first byte tells that it is a tree's; *first* is the file's beginning.

    Not in a huge file, nor in one with `auto_vacuum`, which we never set: maps of pointers begin
    like trees, and have no middle.
    """
    if len(first) < FIRST_HEADER:
        return True  # there is nothing yet
    pages, maps = _FILE.unpack_from(first)
    return pages < FEW_PAGES and not maps


def without_middle(page: bytes, offset: int) -> bytes:
    """Return the *page* that stands at *offset* with zeros in its middle, if it is a tree's."""
    span = middle(page, 0 if offset else FIRST_HEADER)
    if span is None:
        return page
    start, end = span
    return b"".join((page[:start], bytes(end - start), page[end:]))


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
