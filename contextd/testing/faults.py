"""Stores that misbehave on purpose, around one that does not."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.model import Degradation, Durability, SessionKey
    from contextd.ports import (
        AccountStore,
        Appended,
        Commit,
        HandoffInbox,
        IdleSessions,
        Store,
        WorkQueue,
    )


class StoreWrapper:
    """Passes every call on; the base of the others, and of a test's own."""

    def __init__(self, inner: Store) -> None:
        """Stand before *inner*."""
        self.inner = inner

    @property
    def durability(self) -> Durability:
        """That of the inner store."""
        return self.inner.durability

    @property
    def impairment(self) -> Degradation | None:
        """That of the inner store."""
        return self.inner.impairment

    @property
    def inbox(self) -> HandoffInbox:
        """That of the inner store."""
        return self.inner.inbox

    @property
    def accounts(self) -> AccountStore:
        """Those of the inner store."""
        return self.inner.accounts

    @property
    def idle(self) -> IdleSessions:
        """Those of the inner store."""
        return self.inner.idle

    @property
    def work(self) -> WorkQueue:
        """That of the inner store."""
        return self.inner.work

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Pass on."""
        return await self.inner.append(key, commit)

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Pass on."""
        return await self.inner.read(key, after, limit, incarnation)

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Pass on."""
        return await self.inner.delete(key, at_revision, incarnation)

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Pass on."""
        await self.inner.put_vectors(key, space, rows, incarnation)

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Pass on."""
        return await self.inner.read_vectors(key, space, after)

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Pass on."""
        await self.inner.put_stretch(key, method, first, body, incarnation)

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Pass on."""
        return await self.inner.read_stretches(key, method)

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Pass on."""
        return await self.inner.sessions(tenant_id, after, limit)

    async def ready(self) -> bool:
        """Pass on."""
        return await self.inner.ready()

    async def aclose(self) -> None:
        """Pass on."""
        await self.inner.aclose()


class FlakyStore(StoreWrapper):
    """Fails the next calls as planned.

    `refuse` counts appends to fail before anything is written, `lose_acks` appends to
    fail after they were written (the case that only request ids can heal), `refuse_reads`
    reads to fail.
    """

    def __init__(self, inner: Store) -> None:
        """Fail nothing until a count is set."""
        super().__init__(inner)
        self.refuse = 0
        self.lose_acks = 0
        self.refuse_reads = 0

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append, unless it is this call's turn to fail."""
        if self.refuse:
            self.refuse -= 1
            raise StoreUnavailable
        appended = await self.inner.append(key, commit)
        if self.lose_acks:
            self.lose_acks -= 1
            raise StoreUnavailable
        return appended

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read, unless it is this call's turn to fail."""
        if self.refuse_reads:
            self.refuse_reads -= 1
            raise StoreUnavailable
        return await self.inner.read(key, after, limit, incarnation)


class SlowStore(StoreWrapper):
    """Yields to the event loop *turns* times before each append and read.

    Other tasks run in between, so races show without any real waiting.
    """

    def __init__(self, inner: Store, turns: int = 3) -> None:
        """Yield *turns* times."""
        super().__init__(inner)
        self._turns = turns

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append after letting others go first."""
        await self._yield()
        appended = await self.inner.append(key, commit)
        await self._yield()
        return appended

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read after letting others go first."""
        await self._yield()
        records = await self.inner.read(key, after, limit, incarnation)
        await self._yield()
        return records

    async def _yield(self) -> None:
        for _ in range(self._turns):
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often in a hundred a call is refused, its answer lost, or it pauses; and for how long.

    Every call is delayed by up to `turns` turns of the event loop before and after it.
    """

    refused: int = 3
    lost: int = 3
    paused: int = 3
    pause_seconds: float = 0.005
    turns: int = 4


class UnrulyStore(StoreWrapper):
    """Delays, pauses and fails appends and reads by chance, before and after they are done."""

    def __init__(self, inner: Store, seed: object, trouble: Trouble | None = None) -> None:
        """Let all that chance decides follow from *seed*; `calm` ends it."""
        super().__init__(inner)
        self._chance = random.Random(str(seed))  # noqa: S311 - to be repeated, not secret
        self._trouble = trouble or Trouble()
        self.calm = False

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append, perhaps late, not at all, or without saying so."""
        await self._before()
        appended = await self.inner.append(key, commit)
        await self._after()
        return appended

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read, perhaps late or not at all."""
        await self._before()
        records = await self.inner.read(key, after, limit, incarnation)
        await self._after()
        return records

    async def _before(self) -> None:
        await self._wait()
        if not self.calm and self._chance.randrange(100) < self._trouble.refused:
            raise StoreUnavailable

    async def _after(self) -> None:
        await self._wait()
        if not self.calm and self._chance.randrange(100) < self._trouble.lost:
            raise StoreUnavailable

    async def _wait(self) -> None:
        if self.calm:
            return
        for _ in range(self._chance.randrange(self._trouble.turns + 1)):
            await asyncio.sleep(0)
        if self._chance.randrange(100) < self._trouble.paused:
            await asyncio.sleep(self._trouble.pause_seconds)


class HangingStore(StoreWrapper):
    """Stops answering between `hang()` and `release()`; `ready` then says no."""

    def __init__(self, inner: Store) -> None:
        """Answer until told to hang."""
        super().__init__(inner)
        self._going = asyncio.Event()
        self._going.set()

    def hang(self) -> None:
        """Let every later call wait."""
        self._going.clear()

    def release(self) -> None:
        """Let the waiting calls go on."""
        self._going.set()

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Wait while hanging, then append."""
        await self._going.wait()
        return await self.inner.append(key, commit)

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Wait while hanging, then read."""
        await self._going.wait()
        return await self.inner.read(key, after, limit, incarnation)

    async def ready(self) -> bool:
        """Answer at once."""
        return self._going.is_set() and await self.inner.ready()
