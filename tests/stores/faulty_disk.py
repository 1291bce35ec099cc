"""A disk under SQLite that can hang, fail, and lose what was not synced."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultyDisk(apsw.VFS):
    """Passes everything on to the real disk and keeps what each file held when last synced.

    `syncs` names the files in the order they were synced.  `going` is cleared to let syncs
    hang, and `hanging` is set when one does.  `failures` maps "write", "sync", "delete"
    or "sync of FILE" to the SQLite result code they fail with.
    """

    def __init__(self) -> None:
        self.name = f"faulty-{id(self)}"
        self.synced: dict[str, bytes] = {}
        self.syncs: list[str] = []
        self.failures: dict[str, int] = {}
        self.going = Event()
        self.going.set()
        self.hanging = Event()
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: Any) -> FaultyFile:  # noqa: N802 - SQLite's name
        """Open a file that knows its disk."""
        return FaultyFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        """Delete, if that is not to fail, also for the case of a power loss."""
        self.fail("delete")
        self.synced.pop(Path(filename).name, None)
        super().xDelete(filename, syncdir)

    def after_power_loss(self, folder: Path, synced: Mapping[str, bytes] | None = None) -> None:
        """Write into *folder* the files as they were when last synced, by now or *synced*."""
        folder.mkdir()
        for name, content in (self.synced if synced is None else synced).items():
            (folder / name).write_bytes(content)

    def fail(self, step: str) -> None:
        """Fail if *step* is to fail."""
        if step in self.failures:
            raise apsw.exception_for(self.failures[step])


class FaultyFile(apsw.VFSFile):
    """One file of a `FaultyDisk`."""

    def __init__(self, disk: FaultyDisk, name: Any, flags: Any) -> None:
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name)
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        """Write, if that is not to fail."""
        self._disk.fail("write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        """Sync, if that is not to hang or fail, and remember what is safe now."""
        if not self._disk.going.is_set():
            self._disk.hanging.set()
            self._disk.going.wait()
        self._disk.fail("sync")
        self._disk.fail(f"sync of {self._path.name}")
        super().xSync(flags)
        self._disk.syncs.append(self._path.name)
        self._disk.synced[self._path.name] = self._path.read_bytes()
