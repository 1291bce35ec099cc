"""How a suite gets at the store it tests: what a subclass of a contract has to give."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from contextd.model import Durability

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Store


def on_store(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async *test* on a store of its own and see that it leaves no task behind."""

    def run(self: StoreHarness, **cases: object) -> None:
        asyncio.run(self.run_on_store(test, cases))

    signature = inspect.signature(test)
    own = [each for name, each in signature.parameters.items() if name != "store"]
    run.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]  # for pytest
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


class StoreHarness:
    """Opens a store for each test; `exceptions` maps a test to why this store is excused."""

    exceptions: ClassVar[Mapping[str, str]] = {}

    async def open(self) -> Store:
        """Return an empty store."""
        raise NotImplementedError

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Return what is stored of *key* without asking the store's `read`.

        So a wrong `read` cannot hide a wrong `append`.
        """
        raise NotImplementedError(store, key)

    async def reopen(self, store: Store) -> Store:
        """Close *store* and return a new one on the same data."""
        raise NotImplementedError(store)

    def hung(self, store: Store) -> AbstractAsyncContextManager[None]:
        """Let the backend hang in the middle of the next write, until the end."""
        raise NotImplementedError(store)

    def broken(self, store: Store) -> AbstractAsyncContextManager[None]:
        """Let the backend fail every write, until the end."""
        raise NotImplementedError(store)

    async def run_on_store(
        self, test: Callable[..., Coroutine[Any, Any, None]], cases: Mapping[str, object]
    ) -> None:
        """Open, run *test*, close."""
        store = await self.open()
        try:
            await test(self, store, **cases)
        finally:
            await store.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    @pytest.fixture(autouse=True)
    def _declared(self, request: pytest.FixtureRequest) -> None:
        reason = self.exceptions.get(request.function.__name__)
        if reason is not None:
            pytest.skip(reason)

    def test_exceptions_are_declared_rightly(self) -> None:
        """Every exception names a test of the suite and gives a reason."""
        for name, reason in self.exceptions.items():
            assert callable(getattr(self, name, None)), name
            assert reason

    @on_store
    async def test_durability_is_not_faked(self, store: Store) -> None:
        """A store that is excused from surviving a restart does not claim the disk."""
        claims_disk = store.durability >= Durability.DISK
        assert claims_disk == ("test_reopen" not in self.exceptions)
