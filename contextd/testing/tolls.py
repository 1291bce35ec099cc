"""Counts what a server is asked: how often a client has to wait for it.

    async with TollGate("127.0.0.1", 6379) as gate:
        ...                          # clients connect to gate.port
        gate.trips                   # round trips so far

What is sent before an answer has come, in one piece or in many, is one round trip.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

PIECE = 65_536
"""Bytes read at a time."""


@dataclass(slots=True)
class TollGate:
    """Stands between clients and one server, and passes everything on."""

    host: str
    target: int
    port: int = 0
    trips: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _asking: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        """Listen on a free port of 127.0.0.1, which is `port` from now on."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.CancelledError):
            answers, server = await asyncio.open_connection(self.host, self.target)
            try:
                await asyncio.gather(
                    self._carry(reader, server, client, asks=True),
                    self._carry(answers, client, client, asks=False),
                )
            finally:
                self._asking.discard(client)
                server.close()
                client.close()

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        *,
        asks: bool,
    ) -> None:
        """Carry one direction to its end, and count where the direction of a connection turns."""
        while piece := await source.read(PIECE):
            if not asks:
                self._asking.discard(client)
            elif client not in self._asking:
                self._asking.add(client)
                self.trips += 1
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
