"""HTTP/2 by hand: frames that no client library would send."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 1, 3, 4, 6, 7, 9
ACK, END_STREAM, END_HEADERS = 1, 1, 4
MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE = 3, 6
NEWEST = b"\xbe"
"""The header that was put into HPACK's dynamic table last (RFC 7541, 6.1)."""


@dataclass(frozen=True)
class Frame:
    """A frame as it was read."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, payload: bytes = b"", *, stream: int = 0, flags: int = 0) -> bytes:
    """Return a frame (RFC 9113, 4.1)."""
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


def header(name: str, value: str, *, remembered: bool = False) -> bytes:
    """Return a header that is spelt out (RFC 7541, 6.2), put into the table if *remembered*."""
    start = b"\x40" if remembered else b"\x00"
    return start + b"".join(_length(len(part)) + part.encode() for part in (name, value))


def call_headers(method: str) -> bytes:
    """Return the headers of a gRPC call of *method*."""
    return b"".join(
        header(name, value)
        for name, value in (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", f"/contextd.v1.ContextService/{method}"),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        )
    )


class Peer:
    """A connection to a Unix socket, and what was heard on it."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def greet(self) -> dict[int, int]:
        """Begin to speak HTTP/2; return the other side's settings, which hold once confirmed."""
        self.send(PREFACE + frame(SETTINGS))
        told = settings(self.until(SETTINGS)[-1])
        self.send(frame(SETTINGS, flags=ACK))
        return told

    def send(self, data: bytes) -> None:
        """Send what the other side still takes."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(data)

    def heard(self) -> Iterator[Frame]:
        """Yield what the other side sends, until it hangs up."""
        while True:
            size = 9 + int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) >= max(9, size):
                head, payload = self._buffer[:9], self._buffer[9:size]
                self._buffer = self._buffer[size:]
                yield Frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
                continue
            try:
                more = self._socket.recv(65_536)
            except ConnectionResetError:
                return
            if not more:
                return
            self._buffer += more

    def until(self, kind: int) -> list[Frame]:
        """Return what is heard up to the first frame of *kind*, or all of it."""
        said: list[Frame] = []
        for each in self.heard():
            said.append(each)
            if each.kind == kind:
                break
        return said


def settings(found: Frame) -> dict[int, int]:
    """Return the settings in a SETTINGS frame."""
    parts = [found.payload[at : at + 6] for at in range(0, len(found.payload), 6)]
    return {int.from_bytes(part[:2], "big"): int.from_bytes(part[2:], "big") for part in parts}


def _length(size: int) -> bytes:
    """Return a length in HPACK's way, with a prefix of seven bits."""
    if size < 127:
        return bytes([size])
    rest, found = size - 127, [127]
    while rest >= 128:
        found.append(rest % 128 + 128)
        rest //= 128
    return bytes([*found, rest])
