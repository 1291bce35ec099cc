"""What Redis and its driver raise, as errors of ours that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    ConnectionError,  # noqa: A004 - the driver's, not Python's
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004 - as above
    TryAgainError,
)

from contextd.errors import StoreCorrupt, StoreUnavailable

if TYPE_CHECKING:
    from contextd.errors import ContextdError

LOST = (ConnectionError, TimeoutError, OSError, RedisClusterException)
"""The call may have been done or not: nothing came back.  Python's TimeoutError is an OSError."""

MOVING = (MovedError, AskError, TryAgainError)
"""A shard is on its way to another server, which is no fault of this one."""

UNDONE = (BusyLoadingError, ReadOnlyError, ClusterError, *MOVING)
"""The server said that it has not done it, and soon another one, or the same, may."""

WORDS: tuple[tuple[type[Exception] | str, str], ...] = (
    (AuthenticationError, "refuses the password of the store URL"),
    (AuthorizationError, "wants a password: redis://USER:PASSWORD@HOST"),
    (NoPermissionError, "does not allow this user what the store needs (see docs/stores.md)"),
    (OutOfMemoryError, "has used up its maxmemory and takes no more: give it more, or delete"),
    (ReadOnlyError, "is a replica and takes no writes: name its master, or use redis+sentinel://"),
    (BusyLoadingError, "is reading its data from disk; it answers when it is done"),
    (AskError, "is moving the shard to another server; it answers when it is done"),
    (TryAgainError, "is moving the shard to another server; it answers when it is done"),
    (ClusterDownError, "is a cluster that has lost servers and does not answer"),
    ("MISCONF", "cannot write to its disk and takes no more: see its log"),
    ("NOREPLICAS", "has fewer replicas than its min-replicas-to-write and takes no writes"),
    ("BUSY ", "is busy with a script of somebody's"),
)


def unavailable(cause: BaseException, *, unknown: bool = False) -> ContextdError:
    """Return what to raise from *cause*; *unknown* when a write may have been done."""
    if _is_ours(cause):
        return StoreCorrupt(f"a shard is not as its scripts left it: {cause}")
    said = next((words for kind, words in WORDS if _is(cause, kind)), f"does not answer: {cause}")
    tail = "; it may have been written: retry with the same request id" if unknown else ""
    return StoreUnavailable(f"Redis {said}{tail}")


def _is(cause: BaseException, kind: type[Exception] | str) -> bool:
    return str(cause).startswith(kind) if isinstance(kind, str) else isinstance(cause, kind)


def _is_ours(cause: BaseException) -> bool:
    """Say whether a script of ours stumbled, over data that it did not expect."""
    return type(cause) is ResponseError and ("script: " in str(cause) or "WRONGTYPE" in str(cause))


def undone(cause: BaseException) -> bool:
    """Say whether the server has said that nothing was done, and another try may help."""
    return isinstance(cause, UNDONE)


def down(cause: BaseException) -> bool:
    """Say whether the server is to be left alone for a moment."""
    return (lost(cause) or undone(cause)) and not isinstance(cause, MOVING)


def lost(cause: BaseException) -> bool:
    """Say whether it is not known what was done."""
    return isinstance(cause, LOST) and not undone(cause)


__all__ = ["RedisClusterException", "RedisError", "down", "lost", "unavailable", "undone"]
