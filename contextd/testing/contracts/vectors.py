"""What every store must do with the vectors of turns; part of its suite."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import RECORDS

if TYPE_CHECKING:
    from contextd.ports import Store

KEY = SessionKey("tenant", "conversation")
OTHER = SessionKey("tenant", "another conversation")
ROWS = MappingProxyType({1: b"one", 2: bytes(range(256)), 7: b"\0" * 5_000})


class VectorStoreContract(StoreHarness):
    """The cases; every turn has a row or none."""

    @on_store
    async def test_vectors_come_back(self, store: Store) -> None:
        """What was put is read byte for byte, also after a turn in the middle."""
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.put_vectors(KEY, "model", ROWS)
        assert dict(await store.read_vectors(KEY, "model")) == ROWS
        assert dict(await store.read_vectors(KEY, "model", 1)) == {2: ROWS[2], 7: ROWS[7]}
        assert not await store.read_vectors(KEY, "model", 7)
        assert not await store.read_vectors(OTHER, "model")

    @on_store
    async def test_another_model_takes_over(self, store: Store) -> None:
        """A turn has the vectors of one model, the last; those of another are not read."""
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.put_vectors(KEY, "old", ROWS)
        await store.put_vectors(KEY, "new", {2: b"newer"})
        assert dict(await store.read_vectors(KEY, "new")) == {2: b"newer"}
        assert dict(await store.read_vectors(KEY, "old")) == {1: ROWS[1], 7: ROWS[7]}
        await store.put_vectors(KEY, "new", {2: b"newest"})
        assert dict(await store.read_vectors(KEY, "new")) == {2: b"newest"}

    @on_store
    async def test_vectors_do_not_count_as_records(self, store: Store) -> None:
        """The log and its revision are as they were."""
        await store.append(KEY, Commit(RECORDS[:2], 0))
        await store.put_vectors(KEY, "model", ROWS)
        assert tuple(await store.read(KEY)) == RECORDS[:2]
        assert (await store.append(KEY, Commit(RECORDS[2:], 2))).revision == len(RECORDS)

    @on_store
    async def test_vectors_go_with_their_session(self, store: Store) -> None:
        """A deletion removes and counts them; those of other sessions stay."""
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.append(OTHER, Commit(RECORDS[:1], 0))
        await store.put_vectors(KEY, "model", ROWS)
        await store.put_vectors(OTHER, "model", {1: b"other"})
        assert (await store.delete(KEY))["vectors"] == 3
        assert not await store.read_vectors(KEY, "model")
        await store.append(KEY, Commit(RECORDS[:1], 0))
        assert not await store.read_vectors(KEY, "model")
        assert dict(await store.read_vectors(OTHER, "model")) == {1: b"other"}

    @on_store
    async def test_vectors_of_a_deleted_session_are_not_kept(self, store: Store) -> None:
        """What was computed while the session was being deleted leaves no trace."""
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.delete(KEY)
        await store.put_vectors(KEY, "model", ROWS)
        await store.append(KEY, Commit(RECORDS[:1], 0))
        assert not await store.read_vectors(KEY, "model")

    @on_store
    async def test_vectors_survive_a_reopening(self, store: Store) -> None:
        """A new store on the same data has them, if it has the sessions."""
        if "test_reopen" in self.exceptions:
            return
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.put_vectors(KEY, "model", ROWS)
        again = await self.reopen(store)
        try:
            assert dict(await again.read_vectors(KEY, "model")) == ROWS
        finally:
            await again.aclose()
