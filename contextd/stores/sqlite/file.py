"""The database file: who may open it, how a connection is set up, which schema it has."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import apsw

from contextd.errors import (
    ContextdError,
    StoreCorrupt,
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
)
from contextd.stores import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

OLDEST_SQLITE = (3, 51, 3)
"""Older ones may corrupt a database in WAL mode (sqlite.org/wal.html, "the WAL-reset bug")."""

APPLICATION_ID = 0x43545844
"""Marks the file as ours ("CTXD"), in the header field that SQLite keeps for it."""

BUSY_MS = 5000
"""How long a statement waits for another connection of this process."""

PIECE_BYTES = 1 << 16
"""How much of a WAL is rewritten at once; SQLite writes nothing where it is asked for 128 KiB."""

Fill = Callable[[apsw.Connection], None]
NOTHING_TO_FILL: Mapping[int, Fill] = MappingProxyType({})


def translated(error: apsw.Error | ContextdError) -> ContextdError:
    """Return a new error of ours for *error*, which becomes its cause."""
    ours: ContextdError
    if isinstance(error, ContextdError):
        ours = type(error)(str(error))
    elif isinstance(error, apsw.CorruptError | apsw.NotADBError):
        ours = StoreCorrupt("the SQLite file is damaged, or is not a SQLite file")
    else:
        ours = StoreUnavailable(f"SQLite: {type(error).__name__}")
    ours.__cause__ = error
    return ours


def queries() -> Mapping[str, str]:
    """Return the statements of queries.sql by name."""
    return named.queries("sqlite")


def migrations() -> Sequence[str]:
    """Return the scripts in order; number n leads to schema version n."""
    return named.migrations("sqlite")


def housed(path: Path) -> Path:
    """Return *path* made absolute, with a folder.

    Raises:
        StoreUnavailable: there is none, and none can be made.
    """
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailable(f"cannot write {path}: {error.strerror}") from error
    return path


def create(path: Path) -> None:
    """Create the file, readable by its owner only, unless it is there.

    Only under its lock: to close a file lets go of all locks that the process has on it, those of
    a store that has it open, too.

    Raises:
        StoreUnavailable: that is not possible, or the file is not writable.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"cannot write {path}: {error.strerror}") from error


class FileLock:
    """Holds "FILE.lock" as long as it is open, so that one process has the database.

    The lock dies with its holder, however that ends; the file stays and means nothing.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock of the database *path*.

        Raises:
            StoreInUse: another daemon has it.
            StoreUnavailable: the folder is not writable.
        """
        try:
            self._file: IO[str] = Path(f"{path}.lock").open("a+", encoding="utf-8")  # noqa: SIM115 - held until close
        except OSError as error:
            raise StoreUnavailable(f"cannot write in {path.parent}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise StoreInUse(f"{path} is in use by process {holder}") from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def close(self) -> None:
        """Let go."""
        self._file.close()


def refuse_older_than_fix(sqlite: str) -> None:
    """Raise StoreUnavailable if the SQLite version *sqlite* may corrupt the file."""
    if tuple(int(part) for part in sqlite.split(".")) < OLDEST_SQLITE:
        raise StoreUnavailable(
            f"SQLite {sqlite} has the WAL-reset bug; 3.51.3 is the first without"
        )


def connect(path: Path, vfs: str = "") -> apsw.Connection:
    """Open a connection that never checkpoints by itself, not even when it is closed.

    WAL, and a sync of it in every commit (`synchronous=FULL`); deleted content is
    overwritten with zeros.

    Raises:
        StoreUnavailable, StoreCorrupt: the file cannot be opened; the cause says more.
    """
    refuse_older_than_fix(apsw.sqlite_lib_version())
    try:
        connection = apsw.Connection(str(path), vfs=vfs or None)
    except apsw.Error as error:
        raise StoreUnavailable(f"cannot open {path}: {error}") from error
    try:
        connection.set_busy_timeout(BUSY_MS)
        mode = connection.pragma("journal_mode", "wal")
        connection.pragma("wal_autocheckpoint", 0)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.pragma("synchronous", "full")
        connection.pragma("fullfsync", "on")  # without it, macOS syncs to the drive's cache only
        connection.pragma("checkpoint_fullfsync", "on")
        connection.pragma("secure_delete", "on")
        connection.pragma("temp_store", "memory")
    except apsw.Error as error:
        connection.close(True)  # noqa: FBT003 - "force": the first error is the one to tell
        raise translated(error) from error
    if mode != "wal":
        connection.close()
        raise StoreUnavailable(f"the file system of {path} does not allow a WAL")
    return connection


def migrate(
    connection: apsw.Connection, scripts: Sequence[str], fill: Mapping[int, Fill] = NOTHING_TO_FILL
) -> None:
    """Bring the schema from the version it has to the newest, each step whole or not at all.

    *fill* has what is to be done of a step when its script has run, by its version.

    Raises:
        StoreTooNew: a newer contextd has migrated the file further.
        StoreUnavailable: the file belongs to another application.
    """
    version = int(connection.pragma("user_version"))
    application = int(connection.pragma("application_id"))
    foreign = version or connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application != APPLICATION_ID and foreign:
        raise StoreUnavailable("the SQLite file belongs to another application")
    if version > len(scripts):
        raise StoreTooNew(f"schema version {version}; this contextd knows {len(scripts)}")
    for number, script in enumerate(scripts[version:], version + 1):
        with connection:
            connection.execute(script)
            if number in fill:
                fill[number](connection)
            connection.pragma("user_version", number)
            connection.pragma("application_id", APPLICATION_ID)


def rewrite_wal(path: Path, vfs: str = "") -> None:
    """Write the WAL of *path*, if there is one, over itself and sync it; nobody else has it open.

    The page cache may show what the disk never got: the process before this one died before
    it synced, or a sync failed, and its successor cannot know.  A later sync would not write
    it either, for the pages count as clean.  What SQLite finds in the WAL it takes for
    committed, builds on it, and begins to copy it into the file; were the power lost then,
    the file would be half new and the WAL without the other half.

    Raises:
        apsw.Error: it cannot be read, written or synced.
    """
    wal = path.with_name(f"{path.name}-wal")
    if not wal.exists():
        return
    flags = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE
    file = apsw.VFSFile(vfs, str(wal), [flags, 0])
    try:
        size = file.xFileSize()
        for offset in range(0, size, PIECE_BYTES):
            file.xWrite(file.xRead(min(PIECE_BYTES, size - offset), offset), offset)
        file.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        file.xClose()


def sync_folder(path: Path) -> None:
    """Make the names of files just created in the folder of *path* durable."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
