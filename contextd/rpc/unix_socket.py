"""One daemon per Unix socket.

gRPC binds a socket path even when another process listens there, and thereby takes it away
silently.  A lock beside it makes that an error, and a left-over socket of a process that
died harmless.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_PATH_BYTES = 107
"""Linux's limit for the path of a socket (sun_path less the final NUL)."""


@contextmanager
def owned(path: Path) -> Iterator[Path]:
    """Own the socket at *path* until the end; it is removed then.

    The lock file "*path*.lock" stays: removing it could give two daemons one lock each.

    Raises ConfigInvalid when another process owns it, or the path cannot be used.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ConfigInvalid(f"the socket path {path} is longer than {MAX_PATH_BYTES} bytes")
    lock = _locked(path)
    try:
        _remove_socket(path)
        yield path
        _remove_socket(path)
    finally:
        os.close(lock)


@contextmanager
def file_mode(mode: int) -> Iterator[None]:
    """Create files with *mode* meanwhile.

    The mask belongs to the process: nothing else may create files at the same time.
    """
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)


def _locked(path: Path) -> int:
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigInvalid(f"cannot open {lock_path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno != errno.EWOULDBLOCK:
            raise ConfigInvalid(f"cannot lock {lock_path}: {error.strerror}") from error
        raise ConfigInvalid(f"another contextd listens on {path}") from error
    return lock


def _remove_socket(path: Path) -> None:
    """Remove a socket at *path*, and nothing else: a wrong path must not cost a file."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigInvalid(f"{path} exists and is no socket")
        path.unlink()
