"""A disk under SQLite that keeps what was synced, and of the rest what chance gives.

Files on the real file system are its page cache: every read sees every write.  Beside them the
disk holds what each file has for certain, since its last sync, and the writes since then.  When
power is lost any of those may be there or not, in any combination of sectors; the last one may
be torn at any byte.  A name (a file made, deleted, made anew) is certain once SQLite has synced
the folder.  After a sync that failed, what it should have written is gone for ever, though the
page cache goes on showing it: that is what Linux does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.crash.chance import Chance

SECTOR = 512
SURVIVING = (0.0, 0.2, 0.5, 0.9, 1.0)
"""Shares of the unsynced writes that survive; one is chosen for each power loss."""

JOURNALS = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
KEPT = JOURNALS | apsw.SQLITE_OPEN_MAIN_DB
ERRORS = {
    "write": {"EIO": apsw.SQLITE_IOERR_WRITE, "ENOSPC": apsw.SQLITE_FULL},
    "truncate": {"EIO": apsw.SQLITE_IOERR_TRUNCATE, "ENOSPC": apsw.SQLITE_FULL},
    "sync": {"EIO": apsw.SQLITE_IOERR_FSYNC, "ENOSPC": apsw.SQLITE_IOERR_FSYNC},
    "delete": {"EIO": apsw.SQLITE_IOERR_DELETE, "ENOSPC": apsw.SQLITE_IOERR_DELETE},
}
"""What SQLite makes of an errno, by operation."""

_SERIAL = count()


@dataclass(frozen=True)
class Trouble:
    """What happens at which operation, counted from one; 0 for never.

    `kill` ends the process alone: nothing more is done, but the page cache stays.
    """

    power: int = 0
    kill: int = 0
    errors: Mapping[int, str] = field(default_factory=dict)


@dataclass
class Content:
    """A file: the bytes that are certain, and what was done to them since (None: truncated).

    `fresh` until it was synced for the first time.
    """

    fresh: bool = False
    certain: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def settle(self) -> None:
        """Make everything certain."""
        for offset, data in self.since:
            apply(self.certain, offset, data)
        self.since.clear()


def apply(content: bytearray, offset: int, data: bytes | None, fill: bytes = b"\0") -> None:
    """Write *data* at *offset*, or cut there; what lies before and was never written is *fill*."""
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(fill * (offset - len(content)))
    content[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """The disk.  `power_lost` is called, in whatever thread, at the moment of the loss."""

    def __init__(
        self,
        folder: Path,
        chance: Chance,
        trouble: Trouble,
        power_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with what is in *folder*, all of it certain."""
        self.name = f"disk-{next(_SERIAL)}"
        self.files: dict[str, Content] = {}
        self.after_loss: dict[str, bytes] | None = None
        self.operations = 0
        self.killed = False
        self.errors: list[str] = []
        self.trusted_again: list[str] = []
        self._chance = chance
        self._trouble = trouble
        self._power_lost = power_lost
        self._certain_names: dict[str, Content] = {}
        self._lock = Lock()
        for path in folder.iterdir():
            self.content(path)
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: Any) -> File:  # noqa: ANN401, N802 - SQLite's interface
        """Open a file; what is kept of it depends on what it is for."""
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802 - SQLite's interface
        """Delete; certain when the folder is synced."""
        with self._lock:
            self._step("delete", Path(filename).name)
            super().xDelete(filename, syncdir)
            self.files.pop(Path(filename).name, None)
            if syncdir:
                self._certain_names = dict(self.files)

    def content(self, path: Path) -> Content:
        """Return what is kept of the file at *path*, which may be new."""
        with self._lock:
            if path.name not in self.files:
                there = path.read_bytes() if path.exists() else None
                self.files[path.name] = Content(there is None, bytearray(there or b""))
                if there is not None:
                    self._certain_names[path.name] = self.files[path.name]
            return self.files[path.name]

    def change(
        self, file: File, offset: int, data: bytes | None, really: Callable[[bytes | None], None]
    ) -> None:
        """Write or truncate through *file*, unless something happens."""
        with self._lock:
            step = "truncate" if data is None else "write"
            part = data and data[: self._chance.randrange(len(data) + 1)]
            try:
                self._step(step, file.name, lambda: file.content.since.append((offset, part)))
            except apsw.Error:
                if (
                    part and self.after_loss is None and self._may_be_done()
                ):  # a write may fail half-way
                    really(part)
                    file.content.since.append((offset, part))
                raise
            file.expect_trusted()
            really(data)
            file.content.since.append((offset, data and bytes(data)))

    def sync(self, file: File) -> None:
        """Make what was written certain, unless something happens."""
        with self._lock:
            try:
                self._step("sync", file.name)
            except apsw.Error:
                if not self.dead:
                    file.failed = True
                    file.content.certain = bytearray(self._after_loss(file.content))
                    file.content.since.clear()
                raise
            file.expect_trusted()
            file.content.settle()
            if file.is_journal and file.content.fresh:
                self._certain_names = dict(self.files)  # SQLite syncs the folder with a new one
            file.content.fresh = False

    @property
    def dead(self) -> bool:
        """Whether nothing can be done any more: the process was killed, or power is lost."""
        return self.killed or self.after_loss is not None

    def lose_power(self) -> dict[str, bytes]:
        """Return what is on the disk when power comes back; nothing can be written any more."""
        if self.after_loss is None:
            self._power_lost()
            self.after_loss = {
                name: self._after_loss(content)
                for name in sorted({*self.files, *self._certain_names})
                if (content := self._named_after_loss(name)) is not None
            }
        return self.after_loss

    def _step(self, step: str, name: str, torn: Callable[[], None] = lambda: None) -> None:
        """Count an operation; raise if it is this one's turn to fail, or power is lost."""
        self.operations += 1
        if self.operations == self._trouble.power and self.after_loss is None:
            torn()
            self.lose_power()
        self.killed |= self.operations == self._trouble.kill
        if self.dead:
            raise apsw.exception_for(apsw.SQLITE_IOERR)
        error = self._trouble.errors.get(self.operations)
        if error is not None:
            self.errors.append(f"{error} at {step} of {name}")
            raise apsw.exception_for(ERRORS[step][error])

    def _may_be_done(self) -> bool:
        """Whether the operation under way is done in part: not once the process is gone."""
        return not self.dead or self.operations == self._trouble.kill

    def _named_after_loss(self, name: str) -> Content | None:
        both = (self._certain_names.get(name), self.files.get(name))
        return self._chance.choice(both)

    def _after_loss(self, content: Content) -> bytes:
        """Return what survives of a file: what is certain, and any part of the rest."""
        share = self._chance.choice(SURVIVING)
        fill = self._chance.choice((b"\0", b"\xa5"))  # blocks never written hold anything
        left = bytearray(content.certain)
        for offset, data in content.since:
            whole = self._chance.happens(0.5)
            if data is None or whole:
                if self._chance.happens(share):
                    apply(left, offset, data, fill)
                continue
            first = SECTOR - offset % SECTOR
            for begin in (0, *range(first, len(data), SECTOR)):
                end = begin + (first if begin == 0 else SECTOR)
                if self._chance.happens(share):
                    apply(left, offset + begin, data[begin:end], fill)
        return bytes(left)


class File(apsw.VFSFile):
    """One open file of a `Disk`."""

    def __init__(self, disk: Disk, name: Any, flags: Any) -> None:  # noqa: ANN401 - SQLite's
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary")
        self._disk = disk
        self._kept = bool(flags[0] & KEPT)
        self.name = path.name
        self.is_journal = bool(flags[0] & JOURNALS)
        self.failed = False
        self.content = disk.content(path) if self._kept else Content()
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        """Write to the page cache."""
        if self._kept:
            self._disk.change(self, offset, data, lambda part: self._write(part or b"", offset))
        else:
            self._write(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        """Cut in the page cache."""
        if self._kept:
            self._disk.change(self, newsize, None, lambda _: self._truncate(newsize))
        else:
            self._truncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: ARG002, N802 - SQLite's name
        """Sync; the real file need not be, it is only the cache."""
        if self._kept:
            self._disk.sync(self)

    def expect_trusted(self) -> None:
        """Note it when a file is used further after a failed sync.

        Before there is a WAL there is nothing to lose: SQLite undoes what it had begun.
        """
        if self.failed and any(name.endswith("-wal") for name in self._disk.files):
            self._disk.trusted_again.append(self.name)

    def _write(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)

    def _truncate(self, size: int) -> None:
        super().xTruncate(size)
