"""Sessions at work on a real store, and what each of them was promised."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contextd.errors import ContextdError, StoreClosed, StoreUnavailable
from contextd.events import (
    HandoffRaised,
    Recapped,
    SessionOpened,
    TurnDeferred,
    TurnsRecorded,
)
from contextd.model import AccountKey, Recap
from contextd.ports import Commit
from contextd.testing.folded import folded, standing, unordered
from contextd.testing.samples import handoff_of, turns_recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.crash.chance import Chance
    from benchmarks.crash.ledger import Findings
    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.stores.sqlite import SqliteStore

TENANT = "tenant"
SPACE = "space"
DIGEST = "digest"
TRIES = 20
SHARES = {"append": 15, "delete": 1, "retry": 1, "read": 2, "vectors": 1}
"""Which steps there are, and how often each is done."""

KINDS = {"turns": 12, "opened": 2, "handoff": 2, "deferred": 2, "recapped": 1}
"""Which records there are, and how often each is written."""

Log = tuple[str, ...]


@dataclass(frozen=True)
class Promised:
    """What a session must be: `sure`, or `sure` with the call under way done, `perhaps`.

    `under_way` is what is being appended.  One value, replaced as a whole, so that it can be
    read at any moment from any thread.
    """

    sure: Log = ()
    perhaps: Log = ()
    under_way: Commit | None = None


@dataclass
class Session:
    """One session: what it was promised, what it can be asked again, what must be gone."""

    key: SessionKey
    promised: Promised = field(default_factory=Promised)
    answered: dict[str, tuple[Commit, int]] = field(default_factory=dict)
    deleting: bool = False
    generation: int = 0

    @property
    def mark(self) -> str:
        """What every record since the last deletion holds, and nothing else does."""
        return mark(self.key, self.generation)


def mark(key: SessionKey, generation: int) -> str:
    """Return what the records of a session hold between two deletions."""
    return f"<{key.conversation_id} life {generation}>"


def text_of(record: Record) -> str:
    """Return the text by which a record of a workload is known."""
    match record:
        case SessionOpened(account_id=text) | TurnDeferred(note=text):
            return text
        case HandoffRaised(handoff=handoff):
            return handoff.headline
        case Recapped(recap=recap):
            return recap.text
        case TurnsRecorded(turns=turns):
            return turns[0].text
    raise ValueError(record)


def accounts_of(logs: Mapping[SessionKey, Sequence[Record]]) -> list[AccountKey]:
    """Return every account that *logs* speak of."""
    return [
        AccountKey(key.tenant_id, record.account_id)
        for key, log in logs.items()
        for record in log
        if isinstance(record, SessionOpened)
    ]


@dataclass
class Workload:
    """Random work on a store that may fail; `padding` bounds the size of a text."""

    chance: Chance
    sessions: Sequence[Session]
    padding: int
    found: Findings
    dead: Callable[[], bool]
    acknowledged: int = 0
    retries: int = 0
    _serial: int = 0

    async def run(self, store: SqliteStore, steps: int) -> None:
        """Let every session do *steps* steps at the same time, until the process is gone."""
        await asyncio.gather(*(self._work(store, each, steps) for each in self.sessions))

    async def _work(self, store: SqliteStore, session: Session, steps: int) -> None:
        for _ in range(steps):
            await self._finish(store, session)
            if self.dead():
                return
            (kind,) = self.chance.choices(tuple(SHARES), tuple(SHARES.values()))
            try:
                if kind == "delete" and session.promised.sure:
                    await self._delete(store, session)
                elif kind == "retry" and session.answered:
                    await self._retry(store, session)
                elif kind == "read":
                    await self._read(store, session)
                elif kind == "vectors":
                    await store.put_vectors(session.key, SPACE, {1: b"vector" * 100})
                else:
                    await self._append(store, session)
            except StoreUnavailable:
                self.retries += 1

    async def _finish(self, store: SqliteStore, session: Session) -> None:
        """Retry what was under way when the process was killed."""
        if session.deleting:
            await self._delete(store, session)
        elif session.promised.under_way is not None:
            await self._append(store, session)

    async def _append(self, store: SqliteStore, session: Session) -> None:
        """Append, retried under its id until it is acknowledged or the process is gone."""
        before = session.promised.sure
        commit = session.promised.under_way or self._commit(session)
        session.promised = Promised(before, before + tuple(map(text_of, commit.records)), commit)
        for _ in range(TRIES):
            try:
                appended = await store.append(session.key, commit)
            except StoreUnavailable:
                self.retries += 1
                if self.dead():
                    return
                continue
            if appended.revision != len(session.promised.perhaps):
                self.found.add("reordered", f"{session.key}: {appended} after {len(before)}")
            session.promised = Promised(session.promised.perhaps)
            session.answered[commit.request_id] = (commit, appended.revision)
            self.acknowledged += 1
            return
        self.found.add("surprises", f"{session.key}: not one of {TRIES} tries succeeded")

    async def _delete(self, store: SqliteStore, session: Session) -> None:
        session.promised = Promised(session.promised.sure, ())
        session.deleting = True
        for _ in range(TRIES):
            try:
                await store.delete(session.key)
            except StoreUnavailable:
                self.retries += 1
                if self.dead():
                    return
                continue
            session.generation += 1
            session.deleting = False
            session.answered.clear()
            session.promised = Promised()
            self.acknowledged += 1
            return
        self.found.add("surprises", f"{session.key}: cannot be deleted in {TRIES} tries")

    async def _retry(self, store: SqliteStore, session: Session) -> None:
        """Ask for something acknowledged again."""
        commit, revision = self.chance.choice(list(session.answered.values()))
        again = await store.append(session.key, commit)
        if (again.revision, again.replayed) != (revision, True):
            self.found.add("changed", f"{session.key}: {again}, first {revision}")

    async def _read(self, store: SqliteStore, session: Session) -> None:
        """Read: nothing may be missing, nor be there that was never sure."""
        log = tuple(map(text_of, await store.read(session.key)))
        if log != session.promised.sure:
            self.found.add("phantom", f"{session.key}: read {len(log)} records while running")

    def _commit(self, session: Session) -> Commit:
        self._serial += 1
        texts = [
            f"{session.mark} {self._serial}.{each} " + "x" * self.chance.randrange(self.padding)
            for each in range(self.chance.choice((1, 1, 2, 3)))
        ]
        records = tuple(map(self._record, texts))
        return Commit(records, len(session.promised.sure), f"request-{self._serial}", DIGEST)

    def _record(self, text: str) -> Record:
        """Return a record known by *text*, of a kind that is drawn."""
        (kind,) = self.chance.choices(tuple(KINDS), tuple(KINDS.values()))
        name = text.rstrip("x").strip()
        if kind == "opened":
            return SessionOpened(1, name)
        if kind == "handoff":
            return handoff_of(name, headline=text, announce=self.chance.happens(0.5))
        if kind == "deferred":
            return TurnDeferred(1, "", "", name, 1, 1, text)
        if kind == "recapped":
            return Recapped(1, Recap(1, text))
        return replace(turns_recorded(text), request_id="")


async def compare_beside(store: SqliteStore, sessions: Sequence[Session], found: Findings) -> None:
    """Compare inbox, accounts and queues of *store* with what its logs say they must be."""
    logs = {each.key: await store.read(each.key) for each in sessions}
    accounts = accounts_of(logs)
    shown, meant = await standing(store, accounts), folded(logs).standing(accounts)
    for name in meant:
        if unordered(shown)[name] != unordered(meant)[name]:
            found.add("strayed", f"{name}: {len(shown[name])} beside the logs, {len(meant[name])}")


async def compare(
    store: SqliteStore, session: Session, promised: Promised, found: Findings
) -> None:
    """Compare what *store* has of a session after a loss with what it was promised by then."""
    log = tuple(map(text_of, await store.read(session.key)))
    if log not in {promised.sure, promised.perhaps}:
        found.add(_fault(log, promised), f"{session.key}: {_short(log)} of {_short(promised.sure)}")
        return
    for commit, revision in session.answered.values():
        await _ask_again(store, session.key, (commit, revision), found)
    if promised.under_way is not None:  # now it must succeed, once
        await _ask_again(store, session.key, (promised.under_way, len(promised.perhaps)), found)
        if tuple(map(text_of, await store.read(session.key))) != promised.perhaps:
            found.add("duplicated", f"{session.key}: what was under way, after a retry")


async def _ask_again(
    store: SqliteStore, key: SessionKey, asked: tuple[Commit, int], found: Findings
) -> None:
    commit, revision = asked
    try:
        again = await store.append(key, commit)
    except StoreClosed:
        raise
    except ContextdError as error:
        found.add("changed", f"{key}: {type(error).__name__} for {commit.request_id}")
        return
    if again.revision != revision:
        found.add("changed", f"{key}: {again} for {commit.request_id}, first {revision}")


def _fault(log: Log, promised: Promised) -> str:
    if len(set(log)) < len(log):
        return "duplicated"
    if set(promised.sure) - set(log) and log != promised.perhaps:
        return "lost"
    if log[: len(promised.sure)] != promised.sure:
        return "reordered"
    return "half" if set(log) < set(promised.perhaps) else "phantom"


def _short(log: Log) -> list[str]:
    return [text[:30] for text in log[-3:]]
