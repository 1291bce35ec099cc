"""What is not asked of the store: it is known, or it is asked beside something else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd.engine.maintain import Maintain
from contextd.events import Folded
from contextd.model import SectionKind
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import WordTokenizer
from contextd.testing.faults import StoreWrapper
from tests.engine.account_kit import OLENA, change, fact, told
from tests.engine.kit import BUDGET, KEY, Engine, bot, build_request, record_request, run, user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import AccountUpdated, Record
    from contextd.model import AccountKey, SessionKey
    from contextd.ports import AccountStore

PATIENCE = 5.0


class ByModel:
    """Counts in words, under a name for every model."""

    def for_model(self, model: str) -> WordTokenizer:
        """Return that of the model."""
        return WordTokenizer(model or "words")

    def named(self, encoding: str) -> WordTokenizer:
        """Return that of the name."""
        return WordTokenizer(encoding)


class MetAccounts:
    """Answers a read of an account only while a session is being read."""

    def __init__(self, inner: AccountStore, store: MetStore) -> None:
        self._inner, self._store = inner, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def read_account(
        self, key: AccountKey, after: int = 0, incarnation: str = ""
    ) -> Sequence[AccountUpdated]:
        """Wait for the other one first."""
        await self._store.met()
        return await self._inner.read_account(key, after, incarnation)


class MetStore(StoreWrapper):
    """Once `meets`, a read of a session and one of an account wait for each other."""

    def __init__(self, inner: MemoryStore) -> None:
        super().__init__(inner)
        self.meets = False
        self.reads: list[SessionKey] = []
        self._barrier = asyncio.Barrier(2)
        self._accounts = MetAccounts(inner.accounts, self)

    @property
    def accounts(self) -> Any:
        """Those that wait."""
        return self._accounts

    async def met(self) -> None:
        """Wait until the other read is under way, too."""
        if self.meets:
            await asyncio.wait_for(self._barrier.wait(), PATIENCE)

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Wait for the other one first."""
        self.reads.append(key)
        await self.met()
        return await self.inner.read(key, after, limit, incarnation)


def test_session_and_account_are_asked_at_once() -> None:
    """A context waits for the slower of the two, not for one after the other; and lacks nothing."""

    async def main() -> None:
        store = MetStore(MemoryStore())
        here, there = Engine(store), Engine(store.inner)
        opened = replace(record_request(user("Hello?"), bot("Hello!")), account_id=OLENA.account_id)
        await here.record(opened)
        await here.build(build_request("Who am I?"))
        await there.account.update(change(fact("plan", "Gold")))
        store.meets = True
        built = await here.build(build_request("Who am I?"))
        assert "Gold" in told(built, SectionKind.ACCOUNT)

    run(main())


@pytest.mark.parametrize("account", ["", "piotr"])
def test_an_account_of_somebody_else_is_not_told_of(account: str) -> None:
    """Under the key of a session another may have been begun, of another account, or of none."""

    async def main() -> None:
        store = MemoryStore()
        here, there = Engine(store), Engine(store)
        await here.account.update(change(fact("plan", "Gold")))
        await here.record(replace(record_request(user("Hello?")), account_id=OLENA.account_id))
        assert "Gold" in told(await here.build(build_request("And?")), SectionKind.ACCOUNT)
        await there.inspection.delete_session(KEY)
        await there.record(replace(record_request(user("It is Piotr.")), account_id=account))
        assert not told(await here.build(build_request("And?")), SectionKind.ACCOUNT)

    run(main())


def test_what_follows_on_a_write_reads_nothing() -> None:
    """The background works on what the call saw; before a fold is written it looks again."""

    async def main() -> None:
        store = MetStore(MemoryStore())
        engine = Engine(store)
        maintain = Maintain(engine.sessions, engine.build.indexer, engine.fold, engine.policies)
        await engine.chat(2)
        store.reads.clear()
        await maintain(KEY)
        assert not store.reads
        await engine.chat(58, first=3)
        store.reads.clear()
        await maintain(KEY)
        assert len(store.reads) == 1
        assert any(isinstance(each, Folded) for each in await store.inner.read(KEY))

    run(main())


def test_no_fold_is_made_of_a_session_that_another_has_ended() -> None:
    """A daemon that has not heard of it makes the fold for nothing, and keeps none of it."""

    async def main() -> None:
        store = MemoryStore()
        here, there = Engine(store), Engine(store)
        maintain = Maintain(here.sessions, here.build.indexer, here.fold, here.policies)
        await here.chat(60)
        await there.inspection.delete_session(KEY)
        await there.record(record_request(user("Hello?")))
        await maintain(KEY)
        assert not any(isinstance(each, Folded) for each in await store.read(KEY))

    run(main())


def test_the_background_sees_the_own_write() -> None:
    """It may have been counted in another encoding than the newest context was."""

    async def main() -> None:
        store = MetStore(MemoryStore())
        engine = Engine(store, tokenizers=ByModel())
        await engine.chat(3)
        await engine.build(build_request("And?", budget=replace(BUDGET, model="other")))
        hot = engine.sessions.get(KEY)
        first, second = hot.views.values()
        await engine.record(record_request(user("More?")))
        assert first.state.revision < second.state.revision
        hot.encoding = first.tokenizer.name
        assert (await engine.sessions.at_hand(hot)) is first
        assert first.state.revision == second.state.revision

    run(main())
