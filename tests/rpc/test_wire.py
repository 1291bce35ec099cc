"""Bytes on a real socket that no client would send: a clear end, and a daemon that goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from grpc import StatusCode

from contextd.rpc.server import MAX_METADATA_BYTES, MAX_STREAMS
from tests.rpc import http2
from tests.rpc.fakes import build_message, daemon, record_message, refused
from tests.rpc.http2 import Peer, frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rpc.fakes import Daemon

HELLO = http2.PREFACE + frame(http2.SETTINGS)


def attacked(
    runner: asyncio.Runner, path: Path, attack: Callable[[], object], **rest: float
) -> None:
    """Run *attack* beside a server; see that it serves, during and after, and holds no call."""

    async def scene() -> None:
        async with daemon(path, **rest) as running:  # type: ignore[arg-type]  # seconds
            await running.context.RecordTurn(record_message())
            attacking = asyncio.create_task(asyncio.to_thread(attack))
            await running.context.RecordTurn(record_message())
            await attacking
            await running.context.BuildContext(build_message())
            await nothing_in_flight(running)

    runner.run(scene())


async def nothing_in_flight(running: Daemon) -> None:
    """Return when no call is left; the test's own time limit is the end of patience."""
    while running.admission.in_flight:  # noqa: ASYNC110  # nothing in it says so
        await asyncio.sleep(0.001)


def test_the_limits_are_told(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A client hears at once how many calls and how much metadata it may send."""

    def attack() -> None:
        with Peer(tmp_path / "s") as peer:
            told = peer.greet()
        assert told[http2.MAX_CONCURRENT_STREAMS] == MAX_STREAMS
        assert told[http2.MAX_HEADER_LIST_SIZE] == MAX_METADATA_BYTES

    attacked(runner, tmp_path / "s", attack)


@pytest.mark.parametrize("size", [8_500, 12_000, 15_500])
def test_metadata_below_the_limit(runner: asyncio.Runner, tmp_path: Path, size: int) -> None:
    """What fits is taken every time, not by chance."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            for _ in range(20):
                await running.context.RecordTurn(record_message(), metadata=(("x", "a" * size),))

    runner.run(scene())


@pytest.mark.parametrize("size", [17_000, 60_000])
def test_metadata_beyond_the_limit(runner: asyncio.Runner, tmp_path: Path, size: int) -> None:
    """A call with more is refused by name of what is too large, and the connection lives."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            call = running.context.RecordTurn(record_message(), metadata=(("x", "a" * size),))
            error = await refused(call)
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            assert "metadata size exceeds" in str(error.details())
            await running.context.RecordTurn(record_message())
            assert len(running.engine.asked) == 1

    runner.run(scene())


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 4_096,
        http2.PREFACE[:-2] + b"XX",
        http2.PREFACE + frame(http2.SETTINGS, b"\0" * 5),
        http2.PREFACE + b"\xff\xff\xff" + b"\x04\0\0\0\0\0",
        HELLO + frame(http2.CONTINUATION, b"x", stream=1, flags=http2.END_HEADERS),
    ],
    ids=["HTTP/1", "TLS", "zeros", "preface", "settings", "huge frame", "no headers"],
)
def test_what_is_no_http2(runner: asyncio.Runner, tmp_path: Path, garbage: bytes) -> None:
    """The connection is closed, with a reason where the protocol has one."""

    def attack() -> None:
        with Peer(tmp_path / "s") as peer:
            peer.send(garbage)
            assert all(each.kind != http2.HEADERS for each in peer.heard())  # and then it ends

    attacked(runner, tmp_path / "s", attack)


def test_headers_that_unfold(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Four thousand bytes that stand for four megabytes of headers are refused, and say why."""

    def attack() -> None:
        with Peer(tmp_path / "s") as peer:
            peer.greet()
            head = http2.call_headers("RecordTurn")
            bomb = http2.header("x", "a" * 2_000, remembered=True) + http2.NEWEST * 2_000
            flags = http2.END_HEADERS | http2.END_STREAM
            peer.send(frame(http2.HEADERS, head + bomb, stream=1, flags=flags))
            said = [each.payload for each in peer.until(http2.HEADERS)]
            assert b"metadata size exceeds" in said[-1]

    attacked(runner, tmp_path / "s", attack)


def test_a_flood_of_pings(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The peer is told that it pings too often, and is cut off; the others go on."""

    def attack() -> None:
        with Peer(tmp_path / "s") as peer:
            peer.greet()
            peer.send(frame(http2.PING, b"12345678") * 2_000)
            said = [each.payload for each in peer.until(http2.GOAWAY)]
            assert b"too_many_pings" in said[-1]

    attacked(runner, tmp_path / "s", attack)


def test_calls_begun_and_dropped(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Thousands of calls that are reset at once leave nothing behind."""

    def attack() -> None:
        head = http2.call_headers("RecordTurn")
        with Peer(tmp_path / "s") as peer:
            peer.greet()
            for number in range(1, 6_001, 2):
                begun = frame(http2.HEADERS, head, stream=number, flags=http2.END_HEADERS)
                dropped = frame(http2.RST_STREAM, b"\0\0\0\x08", stream=number)
                peer.send(begun + dropped)

    attacked(runner, tmp_path / "s", attack)


def test_connections_that_say_nothing(runner: asyncio.Runner, tmp_path: Path) -> None:
    """They are closed after the time for a handshake, and their descriptors are free again."""

    def attack() -> None:
        before = descriptors()
        silent = [Peer(tmp_path / "s") for _ in range(100)]
        for peer in silent:
            with peer:
                assert all(each.kind != http2.HEADERS for each in peer.heard())  # and then it ends
        while descriptors() > before + 10:
            pass

    attacked(runner, tmp_path / "s", attack, handshake_seconds=0.5)


def descriptors() -> int:
    """Count the open files of this process, which is client and server here."""
    return len(list(Path("/proc/self/fd").iterdir()))
