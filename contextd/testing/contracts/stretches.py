"""What every store must do with the indexes of stretches; part of its suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import RECORDS

if TYPE_CHECKING:
    from contextd.ports import Store

KEY = SessionKey("tenant", "conversation")
OTHER = SessionKey("tenant", "another conversation")
BODY = bytes(range(256)) * 100


class StretchStoreContract(StoreHarness):
    """The cases."""

    @on_store
    async def test_stretches_come_back_in_order(self, store: Store) -> None:
        """What was put is read byte for byte, by the first turn; the last put counts."""
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.put_stretch(KEY, "method", 65, BODY)
        await store.put_stretch(KEY, "method", 1, b"one")
        await store.put_stretch(KEY, "method", 1, b"another")
        assert list((await store.read_stretches(KEY, "method")).items()) == [
            (1, b"another"),
            (65, BODY),
        ]
        assert not await store.read_stretches(OTHER, "method")

    @on_store
    async def test_another_method_takes_over(self, store: Store) -> None:
        """A stretch is there by one method, the last; those of another are not read."""
        await store.append(KEY, Commit(RECORDS[:1], 0))
        for first in (1, 65):
            await store.put_stretch(KEY, "old", first, b"older")
        await store.put_stretch(KEY, "new", 1, b"newer")
        assert dict(await store.read_stretches(KEY, "new")) == {1: b"newer"}
        assert dict(await store.read_stretches(KEY, "old")) == {65: b"older"}

    @on_store
    async def test_stretches_are_neither_records_nor_vectors(self, store: Store) -> None:
        """The log, its revision and the vectors of the same turn are as they were."""
        await store.append(KEY, Commit(RECORDS[:2], 0))
        await store.put_vectors(KEY, "method", {1: b"vector"})
        await store.put_stretch(KEY, "method", 1, BODY)
        assert tuple(await store.read(KEY)) == RECORDS[:2]
        assert dict(await store.read_vectors(KEY, "method")) == {1: b"vector"}
        assert (await store.append(KEY, Commit(RECORDS[2:], 2))).revision == len(RECORDS)

    @on_store
    async def test_stretches_go_with_their_session(self, store: Store) -> None:
        """A deletion removes and counts them, late ones are not kept, others stay."""
        for key in (KEY, OTHER):
            await store.append(key, Commit(RECORDS[:1], 0))
            await store.put_stretch(key, "method", 1, BODY)
            await store.put_stretch(key, "method", 65, BODY)
        assert (await store.delete(KEY))["stretches"] == 2
        await store.put_stretch(KEY, "method", 1, BODY)
        await store.append(KEY, Commit(RECORDS[:1], 0))
        assert not await store.read_stretches(KEY, "method")
        assert dict(await store.read_stretches(OTHER, "method")) == {1: BODY, 65: BODY}

    @on_store
    async def test_stretches_survive_a_reopening(self, store: Store) -> None:
        """A new store on the same data has them, if it has the sessions."""
        if "test_reopen" in self.exceptions:
            return
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.put_stretch(KEY, "method", 1, BODY)
        again = await self.reopen(store)
        try:
            assert dict(await again.read_stretches(KEY, "method")) == {1: BODY}
        finally:
            await again.aclose()
