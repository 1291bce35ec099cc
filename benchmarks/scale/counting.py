"""A store that counts what is asked of it: `counting:URL` stands before the store of URL."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from contextd import stores
from contextd.stores import codec
from contextd.testing.faults import StoreWrapper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.ports import Appended

Passed: TypeAlias = Any
"""What a call is given, which goes on as it came."""

SCHEME = "counting"
CALLS: Counter[str] = Counter()
"""Calls by name, and the bytes of encoded records as "NAME bytes"."""


class Counting(StoreWrapper):
    """Passes every call on and counts it."""

    async def append(self, *given: Passed, **named: Passed) -> Appended:
        """Count the call, and its records' bytes."""
        CALLS["append"] += 1
        CALLS["append bytes"] += sum(len(codec.encode(each)) for each in given[1].records)
        CALLS.update(f"record {type(each).__name__}" for each in given[1].records)
        return await self.inner.append(*given, **named)

    async def read(self, *given: Passed, **named: Passed) -> Sequence[Record]:
        """Count the call, and its records' bytes."""
        records = await self.inner.read(*given, **named)
        CALLS["read"] += 1
        CALLS["read bytes"] += sum(len(codec.encode(each)) for each in records)
        return records

    async def put_vectors(self, *given: Passed, **named: Passed) -> None:
        """Count the call, and the vectors' bytes."""
        CALLS["put_vectors"] += 1
        CALLS["put_vectors bytes"] += sum(map(len, given[2].values()))
        await self.inner.put_vectors(*given, **named)

    async def read_vectors(self, *given: Passed, **named: Passed) -> Mapping[int, bytes]:
        """Count the call."""
        CALLS["read_vectors"] += 1
        return await self.inner.read_vectors(*given, **named)

    async def put_stretch(self, *given: Passed, **named: Passed) -> None:
        """Count the call, and the stretch's bytes."""
        CALLS["put_stretch"] += 1
        CALLS["put_stretch bytes"] += len(given[3])
        await self.inner.put_stretch(*given, **named)

    async def read_stretches(self, *given: Passed, **named: Passed) -> Mapping[int, bytes]:
        """Count the call."""
        CALLS["read_stretches"] += 1
        return await self.inner.read_stretches(*given, **named)


async def open_url(url: str) -> Counting:
    """Open the store behind *url* and count what is asked of it."""
    return Counting(await stores.open_store(url.removeprefix(f"{SCHEME}:")))


def allow() -> None:
    """Let store URLs begin with `counting:` in this process."""
    stores.SCHEMES = MappingProxyType({**stores.SCHEMES, SCHEME: __name__})
