"""Ending connections so that callers know that they may come again.

When a gRPC server is shut down, calls that its core has read and not handed out, and those that
still come before the caller knows, are reset one by one: their callers are told CANCELLED, which
nobody tries again.  A connection that ends is UNAVAILABLE to every call on it, as it should be.
gRPC has no way to end one; but its sockets are the process' own.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTORS = Path("/dev/fd")

INET = frozenset({socket.AF_INET, socket.AF_INET6})


def hang_up(port: int, path: str) -> None:
    """End what listens on a TCP *port* and on the Unix socket *path*, then the connections.

    What was written before still reaches the caller.  0 and "" stand for no port and no path.
    """
    # Listeners first, or whoever is cut off is connected again before gRPC stops.
    for descriptor, found in _sockets(port, path):
        if _listens(found):
            _replace(descriptor, found.family)
    for _, found in _sockets(port, path):
        with suppress(OSError):  # the other side may have been faster
            found.shutdown(socket.SHUT_RDWR)


def _replace(descriptor: int, family: int) -> None:
    """Let *descriptor* stand for a socket that nobody can reach; the one it stood for is closed.

    Ending the listener itself would wake gRPC, which writes an error of its own to the log.
    """
    with socket.socket(family, socket.SOCK_STREAM) as fresh:
        os.dup2(fresh.fileno(), descriptor, inheritable=False)


def _sockets(port: int, path: str) -> Iterator[tuple[int, socket.socket]]:
    """Yield the descriptor of each socket of this process on one of the two, and a copy of it."""
    for descriptor in DESCRIPTORS.iterdir():
        with suppress(OSError):  # one that has been closed since, or that of the listing itself
            if not stat.S_ISSOCK(os.fstat(int(descriptor.name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(descriptor.name))) as found:
                if _is_on(found, port, path):
                    yield int(descriptor.name), found


def _listens(found: socket.socket) -> bool:
    return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _is_on(found: socket.socket, port: int, path: str) -> bool:
    name = found.getsockname()
    if found.family in INET:
        return bool(port) and name[1] == port
    return bool(path) and name == path
