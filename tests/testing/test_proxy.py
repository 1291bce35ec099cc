"""The proxy that is as bad as networks are, before a server that echoes."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from contextd.testing.proxy import CALM, FaultProxy, Weather

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

SECONDS = 20.0
"""How long a test may take on a busy machine."""

SHORT = 0.15
"""How long it is waited for what must not come."""


class Echo:
    """A server that sends back what it gets, and keeps it."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Echo until the client ends, or is gone."""
        try:
            while piece := await reader.read(65_536):
                self.got.append(piece)
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class Line:
    """A connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, text: bytes) -> bytes:
        """Send and read back as much."""
        self.writer.write(text)
        return await self.reader.readexactly(len(text))


@asynccontextmanager
async def lines(count: int = 1) -> AsyncIterator[tuple[FaultProxy, Echo, list[Line]]]:
    """Give a proxy before an echo, and some connections through it."""
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        opened = [await connect(proxy) for _ in range(count)]
        try:
            yield proxy, echo, opened
        finally:
            for each in opened:
                each.writer.close()
            server.close()


async def connect(proxy: FaultProxy) -> Line:
    """Open a connection through *proxy*."""
    return Line(*await asyncio.open_connection("127.0.0.1", proxy.port))


def run(case: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run a case, within bounds."""
    asyncio.run(asyncio.wait_for(case(), SECONDS))


async def comes_not(call: Coroutine[object, object, bytes]) -> asyncio.Future[bytes]:
    """See that nothing comes of *call* for a while; return it."""
    task = asyncio.ensure_future(call)
    done, _ = await asyncio.wait({task}, timeout=SHORT)
    assert not done
    return task


def test_in_calm_weather_all_goes_through() -> None:
    """Both ways, many bytes, several at once, and the end of it."""

    async def case() -> None:
        async with lines(3) as (proxy, _, opened):
            texts = [bytes([at]) * 300_000 for at in range(3)]
            asked = (line.ask(text) for line, text in zip(opened, texts, strict=True))
            assert await asyncio.gather(*asked) == texts
            assert (proxy.open, proxy.taken) == (3, 3)
            opened[0].writer.write_eof()
            assert await opened[0].reader.read() == b""

    run(case)


@pytest.mark.parametrize("way", ["up", "down"])
def test_latency_is_waited_for_and_changes(way: str) -> None:
    """In either direction; pieces do not overtake one another."""

    async def case() -> None:
        async with lines() as (proxy, _, (line,)):
            setattr(proxy, way, Weather(latency=0.2, jitter=0.1))
            began = time.monotonic()
            assert await line.ask(b"slow") == b"slow"
            assert time.monotonic() - began >= 0.1
            text = bytes(range(200))
            for each in text:
                line.writer.write(bytes([each]))
                await asyncio.sleep(0)
            assert await line.reader.readexactly(len(text)) == text
            setattr(proxy, way, CALM)
            began = time.monotonic()
            for _ in range(5):
                await line.ask(b"fast")
            assert time.monotonic() - began < SECONDS / 2

    run(case)


def test_a_narrow_line_takes_its_time() -> None:
    """So many bytes a second."""

    async def case() -> None:
        async with lines() as (proxy, _, (line,)):
            proxy.up = Weather(bandwidth=100_000, slices=1_000)
            began = time.monotonic()
            await line.ask(bytes(20_000))
            assert time.monotonic() - began >= 0.19

    run(case)


def test_slices_come_one_by_one() -> None:
    """A message arrives in pieces, whole all the same."""

    async def case() -> None:
        async with lines() as (proxy, echo, (line,)):
            proxy.up = Weather(slices=1, bandwidth=500)
            text = b"a message in many pieces"
            assert await line.ask(text) == text
            assert len(echo.got) > 5
            assert b"".join(echo.got) == text

    run(case)


def test_a_hole_swallows_one_way() -> None:
    """What was asked was done, and nobody hears of it until the hole closes."""

    async def case() -> None:
        async with lines() as (proxy, echo, (line,)):
            proxy.down = Weather(hole=True)
            waiting = await comes_not(line.ask(b"answered"))
            assert echo.got == [b"answered"]
            proxy.down = CALM
            assert await waiting == b"answered"
            proxy.up = Weather(hole=True)
            waiting = await comes_not(line.ask(b"held up"))
            assert echo.got == [b"answered"]
            proxy.up = CALM
            assert await waiting == b"held up"

    run(case)


def test_a_hole_both_ways_may_be_left() -> None:
    """A proxy that is closed with holes in it leaves no connection and no task."""

    async def case() -> None:
        async with lines() as (proxy, echo, (line,)):
            proxy.up = proxy.down = Weather(hole=True)
            (await comes_not(line.ask(b"never"))).cancel()
            assert not echo.got
            assert proxy.open == 1
        assert proxy.open == 0
        assert not [each for each in asyncio.all_tasks() if "FaultProxy" in repr(each)]
        with pytest.raises(ConnectionRefusedError):
            await connect(proxy)

    run(case)


def test_a_reset_ends_what_is_open() -> None:
    """Each connection is broken, not ended; the next one is as ever, unless it is refused."""

    async def case() -> None:
        async with lines(2) as (proxy, _, opened):
            for line in opened:
                await line.ask(b"hi")
            proxy.reset()
            for line in opened:
                with pytest.raises(ConnectionResetError):
                    await line.reader.readexactly(1)
            line = await connect(proxy)
            assert await line.ask(b"again") == b"again"
            proxy.refuse = True
            assert await line.ask(b"and again") == b"and again"
            refused = await connect(proxy)
            with pytest.raises(ConnectionResetError):
                await refused.reader.readexactly(1)
            refused.writer.close()
            line.writer.close()

    run(case)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_connection_ends_after_so_many_bytes(way: str) -> None:
    """In the middle of a message, whichever way; another one begins to count anew."""

    async def case() -> None:
        async with lines(2) as (proxy, echo, opened):
            setattr(proxy, way, Weather(closes_after=10))
            for line in opened:
                assert await line.ask(b"12345") == b"12345"
                with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                    await line.ask(b"67890, and more")
            if way == "up":
                assert sum(map(len, echo.got)) <= 2 * 10

    run(case)


def test_a_server_that_is_not_there() -> None:
    """Who connects is sent away, and the proxy serves on."""

    async def case() -> None:
        async with lines() as (proxy, _, (line,)):
            target, proxy.target = proxy.target, 1
            refused = await connect(proxy)
            with pytest.raises(ConnectionResetError):
                await refused.reader.readexactly(1)
            proxy.target = target
            assert await line.ask(b"hi") == b"hi"
            another = await connect(proxy)
            assert await another.ask(b"hi") == b"hi"
            another.writer.close()
            refused.writer.close()

    run(case)
