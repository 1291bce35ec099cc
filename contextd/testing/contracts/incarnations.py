"""What every store must do when a session was deleted and begun anew; part of its suite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import AccountReplaced, RevisionConflict, SessionReplaced
from contextd.events import SessionOpened
from contextd.model import AccountKey, SessionKey
from contextd.ports import Commit
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import ACCOUNT_UPDATED, RECORDS

if TYPE_CHECKING:
    from contextd.events import AccountUpdated, Record
    from contextd.ports import Store

KEY = SessionKey("tenant", "conversation")
OTHER = SessionKey("tenant", "other")
EVER = 10**18
ACCOUNT = AccountKey("tenant", "account")


def begun(incarnation: str) -> tuple[Record, ...]:
    """Return the first two records of a session."""
    return (SessionOpened(1, "", incarnation), RECORDS[2])


def change(number: int, incarnation: str = "") -> AccountUpdated:
    """Return a change of an account, the first one with an incarnation."""
    return replace(ACCOUNT_UPDATED, at=number, request_id="", incarnation=incarnation)


async def known(store: Store, incarnation: str) -> None:
    """Begin an account with two changes."""
    await store.accounts.append_account(ACCOUNT, change(1, incarnation), 0)
    await store.accounts.append_account(ACCOUNT, change(2), 1, incarnation)


class IncarnationContract(StoreHarness):
    """The cases."""

    @on_store
    async def test_the_session_that_was_meant(self, store: Store) -> None:
        """Whoever names the session that is there reads it and adds to it."""
        await store.append(KEY, Commit(begun("one"), 0))
        commit = Commit(RECORDS[3:4], 2, incarnation="one")
        assert (await store.append(KEY, commit)).revision == 3
        for after in range(4):
            found = await store.read(KEY, after, incarnation="one")
            assert tuple(found) == (*begun("one"), RECORDS[3])[after:]

    @on_store
    async def test_another_one_under_its_key(self, store: Store) -> None:
        """A session begun anew is not taken for the one before, however long either is."""
        await store.append(KEY, Commit(begun("one"), 0))
        assert await store.read(KEY, 0, incarnation="one")
        await store.delete(KEY)
        await store.append(KEY, Commit(begun("two"), 0))
        for after in range(3):
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

    @on_store
    async def test_deleted_only_if_it_is_the_one_that_was_meant(self, store: Store) -> None:
        """A session begun anew, to the same revision, is not deleted in place of the one before."""
        await store.append(KEY, Commit(begun("one"), 0))
        await store.delete(KEY, 2, "one")
        for revision in (0, 2):
            with pytest.raises(RevisionConflict):
                await store.delete(KEY, revision, "one")
        await store.append(KEY, Commit(begun("two"), 0))
        for revision in (0, 2):
            with pytest.raises(RevisionConflict):
                await store.delete(KEY, revision, "one")
        assert tuple(await store.read(KEY)) == begun("two")
        assert (await store.delete(KEY, 0, "two"))["records"] == 2

    @on_store
    async def test_what_was_computed_of_the_one_before(self, store: Store) -> None:
        """It is not kept beside a session begun anew, and what is of that one is."""
        await store.append(KEY, Commit(begun("one"), 0))
        await store.delete(KEY)
        for number, which in enumerate(("", "two"), 1):
            if which:
                await store.append(KEY, Commit(begun(which), 0))
            await store.put_vectors(KEY, "space", {number: b"late"}, "one")
            await store.put_stretch(KEY, "method", number, b"late", "one")
        assert not await store.read_vectors(KEY, "space")
        assert not await store.read_stretches(KEY, "method")
        await store.put_vectors(KEY, "space", {3: b"its own"}, "two")
        await store.put_stretch(KEY, "method", 3, b"its own", "two")
        assert await store.read_vectors(KEY, "space") == {3: b"its own"}
        assert await store.read_stretches(KEY, "method") == {3: b"its own"}
        assert (await store.delete(KEY))["vectors"] == 1

    @on_store
    async def test_the_idle_session_that_was_found(self, store: Store) -> None:
        """Whoever finds one that nobody uses can name it, to delete no other in its place."""
        await store.append(KEY, Commit(begun("one"), 0))
        await store.append(OTHER, Commit(begun(""), 0))
        found = await store.idle.page(EVER, None, 9)
        assert {each.key: each.incarnation for each in found} == {KEY: "one", OTHER: ""}

    @on_store
    async def test_the_account_that_was_meant(self, store: Store) -> None:
        """Whoever names the account that is there reads it and adds to it."""
        await known(store, "one")
        appended = await store.accounts.append_account(
            ACCOUNT, change(3, "not the first"), 2, "one"
        )
        assert appended.revision == 3
        log = (change(1, "one"), change(2), change(3, "not the first"))
        for after in range(5):
            for which in ("", "one"):
                found = await store.accounts.read_account(ACCOUNT, after, which)
                assert tuple(found) == log[after:]

    @on_store
    async def test_an_account_begun_after_it_was_forgotten(self, store: Store) -> None:
        """It is not taken for the one before, however long either is."""
        await known(store, "one")
        await store.accounts.delete_account(ACCOUNT)
        for begun in (False, True):
            if begun:
                await known(store, "two")
            for after in range(4):
                with pytest.raises(AccountReplaced):
                    await store.accounts.read_account(ACCOUNT, after, "one")
            with pytest.raises(RevisionConflict):
                await store.accounts.append_account(ACCOUNT, change(3), 2, "one")
        log = (change(1, "two"), change(2))
        for after in range(4):
            assert tuple(await store.accounts.read_account(ACCOUNT, after, "two")) == log[after:]

    @on_store
    async def test_an_account_without_a_mark(self, store: Store) -> None:
        """One that was begun before accounts had marks is read by whoever names none."""
        await known(store, "")
        assert tuple(await store.accounts.read_account(ACCOUNT, 1)) == (change(2),)
        with pytest.raises(AccountReplaced):
            await store.accounts.read_account(ACCOUNT, 1, "one")
        assert (await store.accounts.append_account(ACCOUNT, change(3), 2)).revision == 3
