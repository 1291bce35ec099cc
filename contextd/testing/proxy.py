"""A TCP proxy that is as bad as networks are, and changes while it runs.

    async with FaultProxy("127.0.0.1", 6379) as proxy:
        ...                                   # clients connect to proxy.port
        proxy.up = Weather(latency=0.05, jitter=0.02)
        proxy.down = Weather(hole=True)       # answers are swallowed
        proxy.reset()                         # every connection ends with RST
        proxy.refuse = True                   # and no other one is taken

`up` is what goes to the server, `down` what comes from it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

PIECE = 65_536
"""Bytes read at a time."""

LOOK_SECONDS = 0.01
"""How often it is looked whether a hole has closed."""

_RST = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Weather:
    """How one direction fares.

    Each piece comes `latency` seconds late, give or take `jitter`; order is kept.  `bandwidth`
    is in bytes a second, 0 for no bound.  With `slices` bytes go out at most so many at once, each
    lot in a segment of its own.  In a `hole` nothing goes on, and nobody is told: what came in
    goes out when it closes.  After `closes_after` bytes of a connection in this direction it is
    reset, 0 for never.
    """

    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: float = 0.0
    slices: int = 0
    hole: bool = False
    closes_after: int = 0


CALM = Weather()


@dataclass(eq=False, slots=True)
class _Pair:
    """One connection of a client, and that to the server for it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None

    def reset(self) -> None:
        """End both with RST, at once."""
        for writer in (self.client, self.server):
            if writer is not None and not writer.transport.is_closing():
                known: socket.socket | None = writer.get_extra_info("socket")
                if known is not None and known.fileno() >= 0:
                    known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
                writer.transport.abort()


@dataclass(slots=True)
class FaultProxy:
    """Stands between clients and one server.

    `up`, `down` and `refuse` may be changed at any time and hold for the next piece, or the next
    connection.  What chance decides follows from `seed`.
    """

    host: str
    target: int
    seed: int = 0
    up: Weather = CALM
    down: Weather = CALM
    refuse: bool = False
    port: int = 0
    taken: int = 0
    _chance: random.Random = field(init=False)
    _pairs: set[_Pair] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    def __post_init__(self) -> None:
        """Let chance begin anew."""
        self._chance = random.Random(self.seed)  # noqa: S311 - to be repeated, not secret

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
        """End every connection, and listen no more."""
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """End every connection with RST."""
        for pair in tuple(self._pairs):
            pair.reset()

    @property
    def open(self) -> int:
        """The connections there are."""
        return len(self._pairs)

    async def _take(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Carry a connection until either side ends it."""
        pair = _Pair(client)
        if self.refuse:
            pair.reset()
            return
        self.taken += 1
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._pairs.add(pair)
        try:
            answers, pair.server = await asyncio.open_connection(self.host, self.target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(pair, reader, pair.server, up=True))
                both.create_task(self._carry(pair, answers, client, up=False))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # one side is gone, or the proxy: so is the other side, below
        finally:
            self._pairs.discard(pair)
            pair.reset()

    async def _carry(
        self, pair: _Pair, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool
    ) -> None:
        """Carry one direction; reading goes on while what was read is on its way."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._read(source, under_way, up=up))
            both.create_task(self._write(pair, under_way, sink, up=up))

    async def _read(
        self,
        source: asyncio.StreamReader,
        under_way: asyncio.Queue[tuple[float, bytes]],
        *,
        up: bool,
    ) -> None:
        """Put what comes on its way, with the time at which it is due; nothing is the end."""
        loop, due = asyncio.get_running_loop(), 0.0
        while True:
            piece = await source.read(PIECE)
            weather = self.up if up else self.down
            late = weather.latency + self._chance.uniform(-weather.jitter, weather.jitter)
            due = max(due, loop.time() + max(0.0, late))
            await under_way.put((due, piece))
            if not piece:
                return

    async def _write(
        self,
        pair: _Pair,
        under_way: asyncio.Queue[tuple[float, bytes]],
        sink: asyncio.StreamWriter,
        *,
        up: bool,
    ) -> None:
        """Hand on what is due, as the weather is then."""
        loop, sent = asyncio.get_running_loop(), 0
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            while (self.up if up else self.down).hole:  # noqa: ASYNC110 - see below
                await asyncio.sleep(LOOK_SECONDS)  # the weather is a value that anybody replaces
            if not piece:
                sink.write_eof()
                return
            while piece:
                weather = self.up if up else self.down
                size = min(weather.slices or len(piece), len(piece))
                if weather.closes_after:
                    size = min(size, max(0, weather.closes_after - sent))
                sink.write(piece[:size])
                await sink.drain()
                sent, piece = sent + size, piece[size:]
                if weather.closes_after and sent >= weather.closes_after:
                    await asyncio.sleep(0)
                    pair.reset()
                    return
                await asyncio.sleep(size / weather.bandwidth if weather.bandwidth else 0)
