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
    """End the connections to a TCP *port* and to the Unix socket *path*; 0 and "" are none.

    What was written before still reaches the caller.  Listeners are left to gRPC.
    """
    for each in _sockets():
        with each, suppress(OSError):  # the other side may have been faster
            if _ours(each, port, path):
                each.shutdown(socket.SHUT_RDWR)


def _ours(each: socket.socket, port: int, path: str) -> bool:
    if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return False
    name = each.getsockname()
    if each.family in INET:
        return bool(port) and name[1] == port
    return bool(path) and name == path


def _sockets() -> Iterator[socket.socket]:
    """Yield a second descriptor of each socket of this process."""
    for descriptor in DESCRIPTORS.iterdir():
        with suppress(OSError):  # one that has been closed since, or that of the listing itself
            if stat.S_ISSOCK(os.fstat(int(descriptor.name)).st_mode):
                yield socket.socket(fileno=os.dup(int(descriptor.name)))
