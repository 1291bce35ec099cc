"""The reference store: dicts in memory, gone when the process ends.

It is what every other store is compared with, so it is kept simple enough to be seen to
be right.  No method awaits anything between looking and changing, so on one event loop
each of them is atomic.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from contextd.errors import (
    ConfigInvalid,
    RequestIdReused,
    RevisionConflict,
    SessionReplaced,
    StoreClosed,
    StoreUnavailable,
)
from contextd.model import Durability
from contextd.ports import Appended
from contextd.projections import (
    Done,
    Ended,
    Filed,
    Linked,
    Moved,
    Queued,
    Retitled,
    hour_of_use,
    incarnation_of,
    projected,
)
from contextd.stores.memory.accounts import MemoryAccounts
from contextd.stores.memory.idle import MemoryIdle, Use
from contextd.stores.memory.inbox import MemoryInbox
from contextd.stores.memory.log import Log
from contextd.stores.memory.tier import MemoryTier
from contextd.stores.memory.work import MemoryQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Commit
    from contextd.projections import Projection


class MemoryStore:
    """A Store for tests, trials and sessions that may be lost; also one in front of an archive."""

    def __init__(self, *, projects: bool = True) -> None:
        """Start without any session; before an archive nothing is projected (*projects*)."""
        self._projects = projects
        self._logs: dict[SessionKey, Log] = {}
        self._closed = False
        self.inbox = MemoryInbox(self._must_be_open)
        self.accounts = MemoryAccounts(self._must_be_open, self._revision)
        self.work = MemoryQueue(self._must_be_open)
        self.idle = MemoryIdle(
            self._must_be_open, self._uses, self._is_open, self.accounts.account_of
        )
        self._numbers = count(1)
        self.tier = MemoryTier(self._must_be_open, self._logs, self._new_log)

    @property
    def durability(self) -> Durability:
        """What is appended lives as long as the process."""
        return Durability.MEMORY

    @property
    def impairment(self) -> None:
        """Nothing is ever lacking."""
        return

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append at once."""
        self._must_take(key)
        log = self._logs.get(key) or self._new_log()
        if commit.request_id in log.answered:
            digest, revision = log.answered[commit.request_id]
            if digest != commit.digest:
                raise RequestIdReused(request_id=commit.request_id)
            return Appended(revision, replayed=True)
        current = len(log.records)
        other = commit.incarnation not in ("", incarnation_of(log.records))
        if other or current != commit.expected_revision:
            raise RevisionConflict(commit.expected_revision, current)
        if commit.lease is not None and self._projects:
            self.work.must_hold(commit.lease)
        log.extend(commit.records)
        revision = len(log.records)
        if commit.request_id:
            log.answered[commit.request_id] = (commit.digest, revision)
        log.hour = max(log.hour, hour_of_use(commit.records))
        self._logs[key] = log
        for at, record in enumerate(commit.records if self._projects else (), current + 1):
            for change in projected(key, at, record):
                self._take(key, change)
        return Appended(revision)

    def _take(self, key: SessionKey, change: Projection) -> None:
        match change:
            case Filed() | Moved():
                self.inbox.take(key, change)
            case Linked() | Retitled() | Ended():
                self.accounts.take(key, change)
            case Queued() | Done():
                self.work.take(key, change)

    def _revision(self, key: SessionKey) -> int:
        return len(self._logs[key].records)

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Return a copy, so that later appends do not show in it."""
        self._must_be_open()
        log = Log() if self.tier.is_doomed(key) else self._logs.get(key, Log())
        if incarnation not in ("", incarnation_of(log.records)):
            raise SessionReplaced
        return tuple(log.records[after : after + limit if limit else None])

    def _uses(self) -> Iterator[Use]:
        for key, log in self._logs.items():
            which = incarnation_of(log.records)
            yield Use(key, len(log.records), log.hour, log.number, which)

    def _is_open(self, key: SessionKey) -> bool:
        return self.inbox.is_open(key) or self.work.is_open(key)

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Remove the session and all that was derived of it."""
        self._must_be_open()
        existed, log = key in self._logs, self._logs.get(key, Log())
        log.must_be(at_revision, incarnation)
        self._logs.pop(key, None)
        self.tier.deleted(key)
        return {
            "sessions": int(existed),
            "records": len(log.records),
            "request_ids": len(log.answered),
            "vectors": len(log.vectors),
            "stretches": len(log.stretches),
            "handoffs": self.inbox.delete(key),
            "jobs": self.work.delete(key),
            "account_conversations": self.accounts.delete(key),
        }

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page; valid Unicode strings order like their UTF-8 bytes."""
        self._must_be_open()
        page = sorted(
            (key.conversation_id, len(log.records))
            for key, log in self._logs.items()
            if key.tenant_id == tenant_id and key.conversation_id > after
        )
        return tuple(page[:limit])

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Keep them at once."""
        if self._is_there(key, incarnation):
            self._logs[key].vectors.update({turn: (space, body) for turn, body in rows.items()})

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Return a copy."""
        self._must_be_open()
        kept = self._logs.get(key, Log()).vectors
        return {
            turn: body for turn, (of, body) in sorted(kept.items()) if of == space and turn > after
        }

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Keep it at once."""
        if self._is_there(key, incarnation):
            self._logs[key].stretches[first] = (method, body)

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Return a copy."""
        self._must_be_open()
        kept = self._logs.get(key, Log()).stretches
        return {first: body for first, (of, body) in sorted(kept.items()) if of == method}

    async def ready(self) -> bool:
        """Memory is ready until it is closed."""
        return not self._closed

    async def aclose(self) -> None:
        """Forget everything."""
        self._closed = True
        self._logs.clear()
        self.inbox.clear()
        self.accounts.clear()
        self.work.clear()

    def _is_there(self, key: SessionKey, incarnation: str) -> bool:
        self._must_be_open()
        log = self._logs.get(key)
        return log is not None and incarnation in ("", incarnation_of(log.records))

    def _new_log(self) -> Log:
        return Log(number=next(self._numbers))

    def _must_take(self, key: SessionKey) -> None:
        self._must_be_open()
        if self.tier.is_doomed(key):
            raise StoreUnavailable("the session is being deleted")

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreClosed


async def open_url(url: str) -> MemoryStore:
    """Open `memory:`.

    Raises:
        ConfigInvalid: the URL says more than that.
    """
    _must_say_nothing(url)
    return MemoryStore()


async def open_hot(url: str) -> MemoryStore:
    """Open `memory:` in front of an archive; raises as `open_url` does."""
    _must_say_nothing(url)
    return MemoryStore(projects=False)


def _must_say_nothing(url: str) -> None:
    if url not in {"memory:", "memory://"}:
        raise ConfigInvalid(f"{url!r} says more than 'memory:'")
