"""What every store must do when a session was deleted and begun anew; part of its suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contextd.errors import RevisionConflict, SessionReplaced
from contextd.events import SessionOpened
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import RECORDS

if TYPE_CHECKING:
    from contextd.events import Record
    from contextd.ports import Store

KEY = SessionKey("tenant", "conversation")


def begun(incarnation: str) -> tuple[Record, ...]:
    """Return the first two records of a session."""
    return (SessionOpened(1, "", incarnation), RECORDS[2])


class IncarnationContract(StoreHarness):
    """The cases."""

    @on_store
    async def test_the_session_that_was_meant(self, store: Store) -> None:
        """Whoever names the session that is there reads it and adds to it."""
        await store.append(KEY, Commit(begun("one"), 0))
        commit = Commit(RECORDS[3:4], 2, incarnation="one")
        assert (await store.append(KEY, commit)).revision == 3
        for after in range(5):
            found = await store.read(KEY, after, incarnation="one")
            assert tuple(found) == (*begun("one"), RECORDS[3])[after:]

    @on_store
    async def test_another_one_under_its_key(self, store: Store) -> None:
        """A session begun anew is not taken for the one before, however long either is."""
        await store.append(KEY, Commit(begun("one"), 0))
        assert await store.read(KEY, 0, incarnation="one")
        await store.delete(KEY)
        await store.append(KEY, Commit(begun("two"), 0))
        for after in range(4):
            with pytest.raises(SessionReplaced):
                await store.read(KEY, after, incarnation="one")
            assert tuple(await store.read(KEY, after, incarnation="two")) == begun("two")[after:]
        with pytest.raises(RevisionConflict):
            await store.append(KEY, Commit(RECORDS[3:4], 2, "request", "digest", incarnation="one"))
        assert tuple(await store.read(KEY)) == begun("two")

    @on_store
    async def test_nothing_under_its_key(self, store: Store) -> None:
        """A session that was deleted is told from one that nothing came to."""
        await store.append(KEY, Commit(begun("one"), 0))
        await store.delete(KEY)
        for after in (0, 2, 3):
            with pytest.raises(SessionReplaced):
                await store.read(KEY, after, incarnation="one")
            assert not await store.read(KEY, after)
        with pytest.raises(RevisionConflict):
            await store.append(KEY, Commit(RECORDS[3:4], 2, incarnation="one"))

    @on_store
    async def test_a_session_without_a_mark(self, store: Store) -> None:
        """One that was begun before sessions had marks is read by whoever names none."""
        await store.append(KEY, Commit(begun(""), 0))
        assert tuple(await store.read(KEY, 1)) == begun("")[1:]
        with pytest.raises(SessionReplaced):
            await store.read(KEY, 1, incarnation="one")
        assert (await store.append(KEY, Commit(RECORDS[3:4], 2))).revision == 3

    @on_store
    async def test_a_retry_after_the_session_was_replaced(self, store: Store) -> None:
        """A request answered by the session of today is answered again, whichever was meant."""
        commit = Commit(begun("two"), 0, "request", "digest")
        await store.append(KEY, commit)
        again = Commit(RECORDS[3:4], 2, "request", "digest", incarnation="one")
        assert (await store.append(KEY, again)).replayed
