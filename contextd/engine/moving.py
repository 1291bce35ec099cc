"""ExportSession and ImportSession: a session leaves as the records of its log, and comes so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import written
from contextd.errors import ArchiveInvalid, SessionExists, SessionNotFound
from contextd.events import (
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    SessionOpened,
    TurnDeferred,
    TurnsRecorded,
)
from contextd.model import Queue
from contextd.policy.importing import check_log
from contextd.policy.prompt.budget import count_turn
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contextd.engine.changes import Changes
    from contextd.engine.sessions import HotSession, HotSessions
    from contextd.engine.writing import Accepted
    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Clock, NewId, Observer, Store, Tokenizers

PAGE = 64
"""Records read at a time."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some records of a log, in order; `more` says that others may follow."""

    records: Sequence[Record]
    more: bool


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """A session to take; its first record stood in line `first_line` of what it came in."""

    key: SessionKey
    records: tuple[Record, ...]
    first_line: int


@dataclass(frozen=True, slots=True)
class Imported:
    """The session is there, at `revision`, with these `records` and their `turns`."""

    revision: int
    records: int
    turns: int
    already_there: bool = False


@dataclass(frozen=True, slots=True)
class ExportSession:
    """Give the records of a session, some at a time, past what is in memory."""

    store: Store

    async def __call__(self, key: SessionKey, after: int) -> LogPage:
        """Return the records after the revision *after*, behind the one of that revision.

        The caller sees by that one whether it is still the same session; there is none at 0.

        Raises:
            SessionNotFound: there is none, or it has been deleted meanwhile.
            StoreUnavailable.
        """
        again = int(after > 0)
        records = await self.store.read(key, after - again, PAGE + again)
        if not records:
            raise SessionNotFound
        return LogPage(records, more=len(records) == PAGE + again)


@dataclass(frozen=True, slots=True)
class ImportSession:
    """Take a session that comes from elsewhere, whole or not at all.

    `one` lets one import after the other look whether its ids are free, and write.
    """

    store: Store
    sessions: HotSessions
    accepted: Accepted
    changes: Changes
    nudge: Callable[[SessionKey], None]
    tokenizers: Tokenizers
    clock: Clock
    new_id: NewId
    observer: Observer
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, request: ImportRequest, _left: float | None = None) -> Imported:
        """Write it; one that is there already, as it is here, is left as it is.

        Raises:
            ArchiveInvalid: a record cannot be what it says.
            SessionExists: there is another session under this key.
            SessionContended, StoreUnavailable.
        """
        records = await asyncio.to_thread(self._ours, request)
        hot = self.sessions.get(request.key)
        try:
            async with self.one:
                attempt = partial(self._attempt, hot, request, records)
                imported = await self.accepted.finish(written(hot, attempt))
        finally:
            hot.views.clear()  # whoever waits to write reads it anew
            self.sessions.forget(request.key)
        self.observer.count("imports", outcome="known" if imported.already_there else "taken")
        return imported

    def _ours(self, request: ImportRequest) -> tuple[Record, ...]:
        """Return the records with what this daemon alone says: their tokens, and who is told."""
        check_log(request.key, request.records, now=self.clock(), first_line=request.first_line)
        return tuple(_quiet(self._counted(record)) for record in request.records)

    def _counted(self, record: Record) -> Record:
        if not isinstance(record, TurnsRecorded):
            return record
        tokenizer = self.tokenizers.named(record.encoding)
        turns = tuple(replace(turn, tokens=count_turn(turn, tokenizer)) for turn in record.turns)
        return replace(record, turns=turns, encoding=tokenizer.name)

    async def _attempt(
        self, hot: HotSession, request: ImportRequest, records: tuple[Record, ...]
    ) -> Imported:
        turns = sum(len(each.turns) for each in records if isinstance(each, TurnsRecorded))
        there = await self.store.read(hot.key)
        if there:
            if not await asyncio.to_thread(_begins_with, there, records):
                raise SessionExists
            return Imported(len(there), len(records), turns, already_there=True)
        await self._check_ids(hot.key, request, records)
        first, *others = records
        begun = (_incarnated(first, self.new_id()), *others)
        appended = await self.store.append(hot.key, Commit(begun, 0))
        self.nudge(hot.key)
        self.changes.wrote(hot.key, begun)
        return Imported(appended.revision, len(records), turns)

    async def _check_ids(
        self, key: SessionKey, request: ImportRequest, records: Sequence[Record]
    ) -> None:
        """Refuse ids under which the inbox or the queue has something of another session."""
        for line, record in enumerate(records, request.first_line):
            if isinstance(record, HandoffRaised):
                handoff_id = record.handoff.handoff_id
                if await self.store.inbox.handoff(key.tenant_id, handoff_id) is not None:
                    said = "is that of another session's handoff"
                    raise ArchiveInvalid(line, "handoff.handoff_id", said)
            elif isinstance(record, TurnDeferred):
                queue, job = Queue.DEFERRAL, record.deferral_id
                if await self.store.work.job(queue, key.tenant_id, job) is not None:
                    raise ArchiveInvalid(line, "deferral_id", "is that of another session")


def _begins_with(log: Sequence[Record], records: tuple[Record, ...]) -> bool:
    """Say whether *log* begins with *records*, whoever was to be told, whichever it is here."""
    return tuple(map(_quiet, log[: len(records)])) == records


def _quiet(record: Record) -> Record:
    """Return *record* without what is so only where it comes from.

    That is who is to be told of it, and which of the sessions under its key it begins.
    """
    if isinstance(record, HandoffRaised | HandoffClaimed | HandoffResolved) and record.announce:
        return replace(record, announce=False)
    return _incarnated(record, "")


def _incarnated(record: Record, incarnation: str) -> Record:
    if isinstance(record, SessionOpened):
        return replace(record, incarnation=incarnation)
    return record
