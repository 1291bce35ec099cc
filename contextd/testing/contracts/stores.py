"""What every Store must do, as a suite to subclass.

    class TestMyStore(SessionStoreContract):
        exceptions = {"test_reopen": "keeps nothing"}       # declared, with the reason

        async def open(self) -> Store: ...
        async def raw(self, store, key): ...

Each test opens a store of its own, which must be empty, and closes it.  A subclass leaves
out only what it declares; what it declares must exist, so a renamed test is noticed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import (
    ContextdError,
    RequestIdReused,
    RevisionConflict,
    StoreClosed,
    StoreUnavailable,
)
from contextd.events import SessionOpened
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.testing.contracts.stretches import StretchStoreContract
from contextd.testing.contracts.vectors import VectorStoreContract
from contextd.testing.harness import on_store
from contextd.testing.samples import LOOK_ALIKES, ODD_TEXTS, RECORDS, SPLITS, turns_recorded

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from contextd.events import Record
    from contextd.ports import Appended, Store

KEY = SessionKey("tenant", "conversation")
OTHER = SessionKey("tenant", "another conversation")


def opened(at: int = 1) -> tuple[Record, ...]:
    """Return the record of a session that begins at *at*."""
    return (SessionOpened(at, ""),)


class SessionStoreContract(VectorStoreContract, StretchStoreContract):
    """The suite.  Subclasses give `open` and `raw`, and what else they do not except."""

    # ── records ──

    @pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
    @on_store
    async def test_round_trip(self, store: Store, record: Record) -> None:
        """Every kind of record comes back equal in every field."""
        await store.append(KEY, Commit((record,), 0))
        assert list(await store.read(KEY)) == [record]
        assert list(await self.raw(store, KEY)) == [record]

    @pytest.mark.parametrize("odd", ODD_TEXTS)
    @on_store
    async def test_odd_texts(self, store: Store, odd: str) -> None:
        """Any valid text comes back as it was, to the character."""
        record = turns_recorded(ODD_TEXTS[odd])
        await store.append(KEY, Commit((record,), 0))
        assert list(await store.read(KEY)) == [record]
        assert list(await self.raw(store, KEY)) == [record]

    @on_store
    async def test_order(self, store: Store) -> None:
        """Revisions are dense and count records; reading after one gives the rest in order."""
        assert (await store.append(KEY, Commit(RECORDS[:1], 0))).revision == 1
        assert (await store.append(KEY, Commit(RECORDS[1:4], 1))).revision == 4
        assert (await store.append(KEY, Commit(RECORDS[4:], 4))).revision == len(RECORDS)
        for after in range(len(RECORDS) + 2):
            assert tuple(await store.read(KEY, after)) == RECORDS[after:]
            for limit in (1, 3, len(RECORDS)):
                page = await store.read(KEY, after, limit)
                assert tuple(page) == RECORDS[after : after + limit]
            assert tuple(await store.read(KEY, after)) == RECORDS[after:]

    @on_store
    async def test_nothing_there(self, store: Store) -> None:
        """A session that does not exist has no records."""
        assert not await store.read(KEY)
        assert not await store.read(KEY, 7)
        assert not await store.sessions(KEY.tenant_id)

    @on_store
    async def test_what_was_read_stays(self, store: Store) -> None:
        """Records that were read do not change when the session goes on or is deleted."""
        await store.append(KEY, Commit(RECORDS[:2], 0))
        before = await store.read(KEY)
        await store.append(KEY, Commit(RECORDS[2:], 2))
        assert tuple(before) == RECORDS[:2]
        await store.delete(KEY)
        assert tuple(before) == RECORDS[:2]

    # ── idempotency and revisions ──

    @on_store
    async def test_replay(self, store: Store) -> None:
        """The same request again writes nothing and gives the first revision."""
        commit = Commit(RECORDS[:2], 0, "request", "digest")
        first = await store.append(KEY, commit)
        assert (first.revision, first.replayed) == (2, False)
        for expected in (0, 2):
            again = await store.append(KEY, replace(commit, expected_revision=expected))
            assert (again.revision, again.replayed) == (2, True)
        assert tuple(await self.raw(store, KEY)) == RECORDS[:2]

    @on_store
    async def test_replay_after_the_session_moved_on(self, store: Store) -> None:
        """The request id is looked at before the revision."""
        await store.append(KEY, Commit(RECORDS[:1], 0, "request", "digest"))
        await store.append(KEY, Commit(RECORDS[1:], 1, "next", "digest"))
        for expected in (0, 3, 99):
            again = await store.append(KEY, Commit(RECORDS[:1], expected, "request", "digest"))
            assert (again.revision, again.replayed) == (1, True)
        assert tuple(await store.read(KEY)) == RECORDS

    @on_store
    async def test_request_id_reused(self, store: Store) -> None:
        """A request id with another digest is an error and changes nothing."""
        await store.append(KEY, Commit(RECORDS[:1], 0, "request", "digest"))
        for expected in (0, 1):
            with pytest.raises(RequestIdReused):
                await store.append(KEY, Commit(RECORDS[1:4], expected, "request", "other"))
        assert tuple(await store.read(KEY)) == RECORDS[:1]
        assert tuple(await self.raw(store, KEY)) == RECORDS[:1]

    @on_store
    async def test_request_ids_belong_to_a_session(self, store: Store) -> None:
        """The same request id in another session is another request."""
        await store.append(KEY, Commit(RECORDS[:1], 0, "request", "digest"))
        other = await store.append(OTHER, Commit(RECORDS[:3], 0, "request", "other"))
        assert (other.revision, other.replayed) == (3, False)

    @on_store
    async def test_without_request_id(self, store: Store) -> None:
        """Commits without a request id are never taken for each other."""
        for revision in range(3):
            appended = await store.append(KEY, Commit(RECORDS[:1], revision))
            assert (appended.revision, appended.replayed) == (revision + 1, False)

    @pytest.mark.parametrize("expected", [0, 1, 3, 99])
    @on_store
    async def test_stale_revision(self, store: Store, expected: int) -> None:
        """A commit at another revision is refused, says both, and leaves no trace."""
        await store.append(KEY, Commit(RECORDS[:2], 0))
        stale = Commit(RECORDS[3:4], expected, "fold", "digest")
        with pytest.raises(RevisionConflict) as conflict:
            await store.append(KEY, stale)
        assert (conflict.value.expected, conflict.value.current) == (expected, 2)
        assert tuple(await self.raw(store, KEY)) == RECORDS[:2]
        appended = await store.append(KEY, Commit(RECORDS[3:4], 2, "fold", "digest"))
        assert (appended.revision, appended.replayed) == (3, False)

    @on_store
    async def test_stale_revision_of_nothing(self, store: Store) -> None:
        """A commit that expects records does not open a session."""
        with pytest.raises(RevisionConflict) as conflict:
            await store.append(KEY, Commit(RECORDS[:1], 1, "request", "digest"))
        assert conflict.value.current == 0
        assert not await store.sessions(KEY.tenant_id)

    # ── identity ──

    @pytest.mark.parametrize(("one", "other"), SPLITS, ids=repr)
    @on_store
    async def test_keys_have_two_parts(
        self, store: Store, one: SessionKey, other: SessionKey
    ) -> None:
        """Keys are never joined to one text."""
        await self._are_apart(store, one, other)

    @pytest.mark.parametrize("alike", LOOK_ALIKES)
    @on_store
    async def test_ids_compare_byte_for_byte(self, store: Store, alike: str) -> None:
        """Tenants, conversations and request ids are equal only if all their bytes are."""
        one, other = LOOK_ALIKES[alike]
        await self._are_apart(store, SessionKey("t", one), SessionKey("t", other))
        await self._are_apart(store, SessionKey(one, "c"), SessionKey(other, "c"))
        await store.append(KEY, Commit(RECORDS[:1], 0, one, "digest"))
        second = await store.append(KEY, Commit(RECORDS[1:2], 1, other, "other"))
        assert not second.replayed

    async def _are_apart(self, store: Store, one: SessionKey, other: SessionKey) -> None:
        await store.append(one, Commit(RECORDS[:1], 0, "request", "digest"))
        await store.append(other, Commit(RECORDS[1:3], 0, "request", "other"))
        assert tuple(await store.read(one)) == RECORDS[:1]
        assert tuple(await store.read(other)) == RECORDS[1:3]
        await store.delete(one)
        assert not await store.read(one)
        assert tuple(await self.raw(store, other)) == RECORDS[1:3]

    @on_store
    async def test_paging(self, store: Store) -> None:
        """The sessions of a tenant come in byte order of their ids, page by page, each once."""
        ids = ["b", "a", "B", "a ", "\u00e9", "e\u0301", "\uffff", "\U00010000", "10", "9", "a\0"]
        for revision, each in enumerate(ids, 1):
            key = SessionKey("tenant", each)
            await store.append(key, Commit(opened() * revision, 0))
        await store.append(SessionKey("tenant2", "c"), Commit(opened(), 0))
        found: list[tuple[str, int]] = []
        while page := await store.sessions("tenant", found[-1][0] if found else "", 4):
            assert len(page) <= 4
            found += page
        expected = sorted(enumerate(ids, 1), key=lambda each: each[1].encode())
        assert found == [(each, revision) for revision, each in expected]

    # ── concurrency ──

    @on_store
    async def test_racing_writers(self, store: Store) -> None:
        """With many writers every commit is there once, in one order, and read by its writer."""
        writers, commits = 8, 12

        async def write(writer: int) -> None:
            for number in range(commits):
                at = writer * commits + number
                revision = await self._retrying(store, at)
                assert (await store.read(KEY, revision - 2))[:2] == self._pair(at)

        await asyncio.gather(*(write(writer) for writer in range(writers)))
        log = await self.raw(store, KEY)
        pairs = [tuple(log[first : first + 2]) for first in range(0, len(log), 2)]
        assert sorted(pairs, key=repr) == sorted(
            (self._pair(at) for at in range(writers * commits)), key=repr
        )

    def _pair(self, at: int) -> tuple[Record, ...]:
        return (SessionOpened(at, "first"), SessionOpened(at, "second"))

    async def _retrying(self, store: Store, at: int) -> int:
        """Append a pair as the engine would: at the revision seen, again on a conflict."""
        while True:
            revision = len(await store.read(KEY))
            try:
                commit = Commit(self._pair(at), revision, f"request-{at}", "digest")
                return (await store.append(KEY, commit)).revision
            except RevisionConflict:
                continue

    @on_store
    async def test_one_conflict_spoils_no_other(self, store: Store) -> None:
        """Commits that arrive together succeed or fail each on its own."""
        commits = [
            (KEY, Commit(RECORDS[:1], 0, "a", "digest")),
            (KEY, Commit(RECORDS[1:2], 0, "b", "digest")),
            (KEY, Commit(RECORDS[:1], 0, "a", "other")),
            (OTHER, Commit(RECORDS[2:4], 0)),
            (KEY, Commit(RECORDS[:1], 0, "a", "digest")),
        ]
        outcomes = await asyncio.gather(
            *(store.append(*each) for each in commits), return_exceptions=True
        )
        kinds = [getattr(each, "replayed", type(each)) for each in outcomes]
        assert kinds == [False, RevisionConflict, RequestIdReused, False, True]
        assert tuple(await self.raw(store, KEY)) == RECORDS[:1]
        assert tuple(await self.raw(store, OTHER)) == RECORDS[2:4]

    @on_store
    async def test_cancelled_append(self, store: Store) -> None:
        """Wherever an append is cancelled, it has happened whole or not at all."""
        expected = 0
        for pause in range(40):
            commit = Commit(self._pair(pause), expected, f"request-{pause}", "digest")
            appending = asyncio.create_task(store.append(KEY, commit))
            for _ in range(pause):
                await asyncio.sleep(0)
            appending.cancel()
            await asyncio.wait([appending])
            again = await store.append(KEY, commit)
            expected += 2
            assert again.revision == expected
            assert (await store.read(KEY))[-2:] == self._pair(pause)
        assert len(await self.raw(store, KEY)) == expected

    # ── deletion ──

    @on_store
    async def test_delete(self, store: Store) -> None:
        """Deleting counts what it removed; deleting again removes nothing."""
        await store.append(KEY, Commit(RECORDS[:3], 0, "request", "digest"))
        await store.append(KEY, Commit(RECORDS[3:], 3))
        await store.append(OTHER, Commit(RECORDS[:1], 0))
        removed = await store.delete(KEY)
        records = len(RECORDS)
        assert removed == {
            "sessions": 1,
            "records": records,
            "request_ids": 1,
            "vectors": 0,
            "stretches": 0,
            "handoffs": 1,
            "jobs": 3,
            "account_conversations": 1,
        }
        assert not await store.read(KEY)
        assert not await self.raw(store, KEY)
        assert await store.sessions(KEY.tenant_id) == ((OTHER.conversation_id, 1),)
        assert set((await store.delete(KEY)).values()) == {0}

    @on_store
    async def test_deleted_is_free_again(self, store: Store) -> None:
        """After a deletion the session begins anew, with the same request ids."""
        await store.append(KEY, Commit(RECORDS[:3], 0, "request", "digest"))
        await store.delete(KEY)
        assert not await store.read(KEY, 3)
        appended = await store.append(KEY, Commit(RECORDS[3:5], 0, "request", "other"))
        assert (appended.revision, appended.replayed) == (2, False)
        assert tuple(await store.read(KEY)) == RECORDS[3:5]

    # ── life ──

    @on_store
    async def test_reopen(self, store: Store) -> None:
        """A new store on the same data knows the logs and the request ids."""
        await store.append(KEY, Commit(RECORDS, 0, "request", "digest"))
        await store.append(OTHER, Commit(RECORDS[:1], 0))
        await store.delete(OTHER)
        store = await self.reopen(store)
        try:
            assert tuple(await store.read(KEY)) == RECORDS
            assert not await store.read(OTHER)
            again = await store.append(KEY, Commit(RECORDS, 0, "request", "digest"))
            assert (again.revision, again.replayed) == (len(RECORDS), True)
        finally:
            await store.aclose()

    @on_store
    async def test_use_after_close(self, store: Store) -> None:
        """A closed store says so, in every method but `ready`; closing again is fine."""
        assert await store.ready() is True
        await store.aclose()
        await store.aclose()
        assert await store.ready() is False
        for call in self._calls(store):
            with pytest.raises(StoreClosed):
                await call

    def _calls(self, store: Store) -> tuple[Awaitable[object], ...]:
        return (
            store.append(KEY, Commit(RECORDS[:1], 0)),
            store.read(KEY),
            store.delete(KEY),
            store.sessions("tenant"),
            store.put_vectors(KEY, "model", {1: b"one"}),
            store.read_vectors(KEY, "model"),
            store.put_stretch(KEY, "method", 1, b"one"),
            store.read_stretches(KEY, "method"),
        )

    @on_store
    async def test_close_finishes_what_was_accepted(self, store: Store) -> None:
        """Appends under way when the store closes are answered, not dropped."""
        keys = [SessionKey("tenant", str(number)) for number in range(20)]
        appends = [asyncio.create_task(store.append(key, Commit(RECORDS, 0))) for key in keys]
        await asyncio.sleep(0)
        await store.aclose()
        outcomes: list[Appended] = await asyncio.gather(*appends)
        assert {each.revision for each in outcomes} == {len(RECORDS)}

    # ── faults ──

    @on_store
    async def test_ready_while_hung(self, store: Store) -> None:
        """While the backend hangs `ready` says no, within a second; then yes again."""
        async with self.hung(store):
            stuck = asyncio.create_task(store.append(KEY, Commit(RECORDS, 0)))
            await asyncio.sleep(0)
            began = time.monotonic()
            assert await store.ready() is False
            assert time.monotonic() - began < 1
        assert (await stuck).revision == len(RECORDS)
        assert await store.ready() is True

    @on_store
    async def test_broken_backend(self, store: Store) -> None:
        """A failing backend shows as errors of ours with its own as the cause, then heals."""
        await store.append(KEY, Commit(RECORDS[:1], 0))
        async with self.broken(store):
            for call in (store.append(KEY, Commit(RECORDS[1:], 1)), store.delete(OTHER)):
                with pytest.raises(StoreUnavailable) as failure:
                    await call
                assert failure.value.__cause__ is not None
                assert not isinstance(failure.value.__cause__, ContextdError)
            assert await store.ready() is False
        assert await store.ready() is True
        if len(await store.read(KEY)) == 1:
            await store.append(KEY, Commit(RECORDS[1:], 1))
        assert tuple(await self.raw(store, KEY)) == RECORDS
