"""Calls of scripts on shards, for all the ports of a store."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

from contextd.errors import StoreClosed
from contextd.stores.redis.breaker import Breaker
from contextd.stores.redis.failures import RedisClusterException, RedisError
from contextd.stores.redis.line import Line
from contextd.stores.redis.scripts import SCRIPTS

if TYPE_CHECKING:
    from contextd.stores.redis.keys import Layout
    from contextd.stores.redis.line import Answer, Argument
    from contextd.stores.redis.servers import Servers

REST_SECONDS = 1.0
"""How long a server that did not answer is left alone."""

READY_SECONDS = 0.7


class Shards:
    """Lines to the shards of a store.

    One for reads and one for writes to each server, so that one that is down holds up only its own.
    """

    def __init__(self, servers: Servers, layout: Layout, name: str) -> None:
        """Call scripts on *servers*; *name* is that of this opening of the store, and no other."""
        self._servers = servers
        self._name = name
        self._numbers = count(1)
        self.layout = layout
        self._lines: dict[tuple[str, bool], Line] = {}
        self._breakers: dict[str, Breaker] = {}
        self._closed = False

    def token(self) -> str:
        """Return what tells one call from all others, of any daemon and at any time."""
        return f"{self._name}.{next(self._numbers)}"

    def must_be_open(self) -> None:
        """Raise StoreClosed after `aclose`."""
        if self._closed:
            raise StoreClosed

    async def read(self, script: str, shard: int, *args: Argument) -> Any:  # noqa: ANN401 - whatever the script says
        """Return what a script says that changes nothing."""
        return (await self._call(script, shard, args, writes=False, again=True)).value

    async def write(self, script: str, shard: int, *args: Argument, again: bool = True) -> Answer:
        """Return what a script says that changes something; it may be made *again* if need be."""
        return await self._call(script, shard, args, writes=True, again=again)

    async def _call(
        self, script: str, shard: int, args: tuple[Argument, ...], *, writes: bool, again: bool
    ) -> Answer:
        self.must_be_open()
        root = self.layout.root(shard)
        line = self._line(self._servers.place(root), writes=writes)
        return await line.call(script, root, *args, again=again)

    def _line(self, place: str, *, writes: bool) -> Line:
        if (place, writes) not in self._lines:
            breaker = self._breakers.setdefault(place, Breaker(REST_SECONDS))
            waits = writes and self._servers.replicas > 0
            self._lines[place, writes] = Line(self._servers, breaker, place, waits=waits)
        return self._lines[place, writes]

    async def ready(self) -> bool:
        """Say whether every server would take a write now; asks past any breaker."""
        if self._closed:
            return False
        of_each = {self._servers.place(root): root for root in self.layout.roots}
        script = SCRIPTS["writable"].source
        try:
            async with asyncio.timeout(READY_SECONDS):
                said = await self._servers.run(
                    [("EVAL", script, 1, root) for root in of_each.values()]
                )
        except (RedisError, RedisClusterException, OSError):
            return False
        if any(isinstance(each, BaseException) for each in said):
            return False
        for breaker in self._breakers.values():
            breaker.succeeded()
        return True

    async def aclose(self) -> None:
        """Answer every call that was made, and let go of the servers."""
        self._closed = True
        for line in self._lines.values():
            await line.finish()
        await self._servers.aclose()
