"""What was deleted is in no file, however its records lay among those of others."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.events import (
    AccountUpdated,
    HandoffClaimed,
    SessionOpened,
    TurnDeferred,
    TurnsRecorded,
)
from contextd.model import AccountFact, AccountFactType, AccountKey, Role, SessionKey, Tier, Turn
from contextd.ports import Commit
from contextd.stores.sqlite import SqliteStore, remains, writer
from contextd.testing.samples import handoff_of

if TYPE_CHECKING:
    from contextd.events import Record

SIZES = (1, 3, 9, 40, 90, 150, 400, 3_000)
"""How often a mark stands in a text: records shorter than a page's cell, and much longer."""


class Writing:
    """Random sessions and accounts, all of whose texts and ids are made of a mark."""

    def __init__(self, seed: int, sizes: list[int]) -> None:
        """Draw from *seed*; texts have *sizes*."""
        self.random = random.Random(seed)
        self.sizes = sizes
        self.lives = 0
        self.live: dict[SessionKey | AccountKey, tuple[str, int]] = {}
        self.gone: list[str] = []

    def mark(self) -> str:
        """Return a text that stands nowhere else, not even in part."""
        self.lives += 1
        return f"<{self.random.getrandbits(96):024x}>"

    def record(self, mark: str, revision: int) -> Record:
        """Return a record full of *mark*."""
        text = mark * self.random.choice(self.sizes)
        kind = self.random.random()
        if revision == 0:
            return SessionOpened(1, mark)
        if kind < 0.1:
            return handoff_of(f"{mark}{revision}", headline=text, account_id=mark)
        if kind < 0.15:
            return HandoffClaimed(2, "", "", f"{mark}{revision - 1}", text, announce=True)
        if kind < 0.2:
            return TurnDeferred(2, "", "", f"{mark}{revision}", 1, 9)
        turn = Turn(mark, Role.USER, text, sequence=revision)
        return TurnsRecorded(3, mark, mark, (turn,), "o200k_base", Tier.VERBATIM, 0.1)

    async def write(self, store: SqliteStore) -> None:
        """Let one of some sessions or accounts go on."""
        if self.random.random() < 0.1:
            await self.write_account(store)
            return
        key = SessionKey("tenant", f"session {self.random.randrange(8)}")
        mark, revision = self.live.get(key) or (self.mark(), 0)
        commit = Commit((self.record(mark, revision),), revision, f"{mark}{revision}", mark)
        await store.append(key, commit)
        self.live[key] = (mark, revision + 1)
        if self.random.random() < 0.2:
            await store.put_vectors(key, mark, {revision + 1: mark.encode() * 30})

    async def write_account(self, store: SqliteStore) -> None:
        """Let one of some accounts change."""
        key = AccountKey("tenant", f"account {self.random.randrange(3)}")
        mark, revision = self.live.get(key) or (self.mark(), 0)
        fact = AccountFact(mark, AccountFactType.ATTRIBUTE, mark * self.random.choice(self.sizes))
        update = AccountUpdated(1, f"{mark}{revision}", mark, (fact,), (mark,))
        await store.accounts.append_account(key, update, revision)
        self.live[key] = (mark, revision + 1)

    async def delete(self, store: SqliteStore) -> None:
        """Delete what is drawn."""
        if not self.live:
            return
        key = self.random.choice(list(self.live))
        if isinstance(key, AccountKey):
            await store.accounts.delete_account(key)
        else:
            await store.delete(key)
        self.gone.append(self.live.pop(key)[0])

    def left_in(self, folder: Path) -> list[str]:
        """Return in which files there is something of what is gone."""
        found = []
        for file in folder.iterdir():
            content = file.read_bytes()
            found += [f"{file.name}: {mark}" for mark in self.gone if mark.encode() in content]
        return found


async def write_and_delete(folder: Path, writing: Writing, steps: int) -> int:
    """Do *steps*, look after each deletion and now and then; return how many deletions."""
    store = await SqliteStore.open(folder / "sessions.db")
    try:
        for step in range(steps):
            if writing.random.random() > 0.03:
                await writing.write(store)
                if step % 7:
                    continue
            elif writing.random.random() < 0.5:
                await asyncio.sleep(2 * writer.IDLE_SECONDS)  # a pause to checkpoint in
            else:
                await writing.delete(store)
                assert writing.left_in(folder) == []
                for _ in range(12):  # pages that the cache had before go into the WAL again
                    await writing.write(store)
            assert writing.left_in(folder) == []
    finally:
        await store.aclose()
    assert writing.left_in(folder) == []
    connection = apsw.Connection(str(folder / "sessions.db"))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()
    return len(writing.gone)


@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.sampled_from(SIZES), min_size=1, max_size=3),
    steps=st.integers(20, 400),
    checkpoint=st.sampled_from([20, 1000]),
)
@settings(max_examples=25, deadline=None)
def test_no_file_has_anything_of_what_was_deleted(
    seed: int, sizes: list[int], steps: int, checkpoint: int
) -> None:
    """Sessions and accounts that grew among others leave nothing, then and later."""
    with TemporaryDirectory() as folder, patch.object(writer, "CHECKPOINT_PAGES", checkpoint):
        asyncio.run(write_and_delete(Path(folder), Writing(seed, sizes), steps))


def test_the_cache_keeps_nothing_of_what_was_deleted(tmp_path: Path) -> None:
    """Pages that the writer had read are read anew: what it writes of them later is erased."""

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "sessions.db")
        writing = Writing(1, [40])
        for _ in range(100):
            await writing.write(store)
        before = await cache_bytes(store)
        await writing.delete(store)
        assert await cache_bytes(store) < before // 8
        await store.aclose()

    asyncio.run(run())


async def cache_bytes(store: SqliteStore) -> int:
    """Return what the writer's cache holds."""
    return await store._threads.write(
        lambda db: db._connection.status(apsw.SQLITE_DBSTATUS_CACHE_USED)[0]
    )


def test_a_checkpoint_leaves_nothing_in_the_middles_of_pages(tmp_path: Path) -> None:
    """Also one of a pause, in which nothing was deleted: the page may not be seen again."""
    path = tmp_path / "sessions.db"

    async def run() -> None:
        store = await SqliteStore.open(path)
        writing = Writing(1, [9, 40])
        for _ in range(300):
            await writing.write(store)
        while path.stat().st_size < 100 * 4096:  # noqa: ASYNC110 - the writer does it in a pause
            await asyncio.sleep(writer.IDLE_SECONDS)
        await store._threads.write(lambda _: None)
        assert remains_in(path) == 0
        await store.aclose()

    with patch.object(writer, "CHECKPOINT_PAGES", 100):
        asyncio.run(run())


def remains_in(path: Path) -> int:
    """Return how many pages of the file have something in their middle."""
    content = path.read_bytes()
    pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    headers = [remains.FIRST_HEADER, *(0 for _ in pages[1:])]
    return sum(remains.middle(*each) is not None for each in zip(pages, headers, strict=True))
