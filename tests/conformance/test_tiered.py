"""A hot store before an archive is a store as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from hypothesis import settings

from contextd.stores.memory import MemoryStore
from contextd.stores.tiered import Terms, TieredStore
from contextd.testing.contracts import HotStoreContract, StoreContract
from contextd.testing.stateful import StoreMachine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Store

TERMS = Terms(look=0.01)
"""The archive follows at once, so that every test meets it at another moment."""


def tiered() -> TieredStore:
    """Return an empty one."""
    return TieredStore(MemoryStore(projects=False), MemoryStore(), TERMS, lambda: 0)


class TestTieredStore(StoreContract):
    exceptions: ClassVar[Mapping[str, str]] = {
        "test_reopen": "memory ends with the process, and the store claims no more",
        "test_ready_while_hung": "there is no backend that could hang",
        "test_broken_backend": "there is no backend that could fail",
    }

    async def open(self) -> Store:
        """Open an empty one."""
        return tiered()

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Look into the dicts, the hot ones first."""
        both = cast("TieredStore", store)
        for each in (both._hot, both._cold):
            logs = cast("MemoryStore", each)._logs
            if key in logs:
                return logs[key].records
        return ()


class TieredMachine(StoreMachine):
    in_order = False

    async def open(self) -> Store:
        """Open an empty one."""
        return tiered()


TestTieredMachine = TieredMachine.TestCase
TestTieredMachine.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


class TestMemoryBeforeAnArchive(HotStoreContract):
    exceptions: ClassVar[Mapping[str, str]] = {
        "test_reopen": "memory ends with the process, and the store claims no more",
    }

    async def open(self) -> Store:
        """Open an empty one that projects nothing."""
        return MemoryStore(projects=False)
