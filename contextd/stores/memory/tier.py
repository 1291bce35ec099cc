"""Sessions on their way between memory and an archive."""

from __future__ import annotations

import time
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING

from contextd.ports import Backlog, Tail
from contextd.projections import answers, hour_of_use, incarnation_of
from contextd.stores.memory.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.model import SessionKey
    from contextd.ports import Commit


class MemoryTier:
    """A Tiering."""

    def __init__(
        self,
        must_be_open: Callable[[], None],
        logs: dict[SessionKey, Log],
        new_log: Callable[[], Log],
    ) -> None:
        """Move *logs*; *must_be_open* raises when the store is closed."""
        self._must_be_open = must_be_open
        self._logs = logs
        self._new_log = new_log
        self._reserved: dict[SessionKey, str] = {}
        self._doomed: set[SessionKey] = set()
        self._tokens = count(1)

    def is_doomed(self, key: SessionKey) -> bool:
        """Say whether the session is being deleted."""
        return key in self._doomed

    def deleted(self, key: SessionKey) -> None:
        """The session is there no more."""
        self._doomed.discard(key)
        self._reserved.pop(key, None)

    async def reserve(self, key: SessionKey) -> str | None:
        """Give the token of the key, a new one after every deletion."""
        self._must_be_open()
        if key in self._logs or key in self._doomed:
            return None
        return self._reserved.setdefault(key, str(next(self._tokens)))

    async def restore(self, key: SessionKey, token: str, commit: Commit) -> bool:
        """Take it back at once."""
        self._must_be_open()
        if key not in self._logs and self._reserved.get(key) == token:
            log = self._logs[key] = self._new_log()
            log.records.extend(commit.records)
            log.answered.update(answers(commit.records, commit.request_id, commit.digest))
            log.hour = hour_of_use(commit.records)
            log.archived = len(commit.records)
            del self._reserved[key]
        return key in self._logs and key not in self._doomed

    async def tail(self, key: SessionKey, limit: int) -> Tail | None:
        """Return a copy."""
        self._must_be_open()
        log = self._logs.get(key)
        if key in self._doomed:
            return Tail("", 0, (), doomed=True)
        if log is None:
            return None
        records = tuple(log.records[log.archived : log.archived + limit])
        return Tail(incarnation_of(log.records), log.archived, records)

    async def archived(self, key: SessionKey, incarnation: str, revision: int) -> None:
        """Raise it at once."""
        self._must_be_open()
        log = self._logs.get(key)
        if log is not None and incarnation_of(log.records) == incarnation:
            log.archived = max(log.archived, min(revision, len(log.records)))
            log.behind_since = time.monotonic()

    async def backlog(self, limit: int) -> Backlog:
        """Look through all sessions."""
        self._must_be_open()
        behind = [
            (log.behind_since, key)
            for key, log in self._logs.items()
            if log.archived < len(log.records) and key not in self._doomed
        ]
        behind.sort(key=itemgetter(0))
        keys = [*self._doomed, *(key for _, key in behind)]
        seconds = time.monotonic() - behind[0][0] if behind else 0.0
        return Backlog(len(keys), seconds, tuple(keys[:limit]))

    async def evict(self, key: SessionKey, revision: int) -> bool:
        """Drop it at once."""
        self._must_be_open()
        log = self._logs.get(key)
        if log is None or key in self._doomed or not log.archived == len(log.records) == revision:
            return False
        del self._logs[key]
        return True

    async def doom(self, key: SessionKey, at_revision: int = 0, incarnation: str = "") -> None:
        """Begin at once."""
        self._must_be_open()
        self._logs.get(key, Log()).must_be(at_revision, incarnation)
        self._reserved.pop(key, None)
        self._doomed.add(key)
