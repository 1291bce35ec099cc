"""What a client brings to a daemon that wants to know who asks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from contextd_client.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Token = str | Callable[[], str] | Callable[[], Awaitable[str]]

SYSTEM = "system"
"""In place of a CA file: the roots that come with gRPC."""

LOOK_SECONDS = 10.0
"""How often files are looked at that may have been exchanged meanwhile."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the CA to trust ("system": what gRPC trusts), and our own certificate and key.

    They are read again when they change, as short-lived certificates do; calls under way
    are not disturbed.
    """

    ca: str | Path = SYSTEM
    cert: str | Path = ""
    key: str | Path = ""

    def read(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Return the bytes of CA, key and certificate, as gRPC takes them."""
        ca = None if self.ca == SYSTEM else Path(self.ca).read_bytes()
        own = (Path(name).read_bytes() if name else None for name in (self.key, self.cert))
        key, cert = own
        return ca, key, cert


class TokenFile:
    """A bearer token in a file, read again every ten seconds: mounted ones are exchanged."""

    def __init__(self, path: str | Path) -> None:
        """Read *path* when the token is first asked for."""
        self._path = Path(path)
        self._token = ""
        self._read_at = float("-inf")

    def __call__(self) -> str:
        """Return the token; the former one while the file cannot be read."""
        now = time.monotonic()
        if now - self._read_at >= LOOK_SECONDS:
            try:
                # An empty file is being written.
                self._token = self._path.read_text(encoding="utf-8").strip() or self._token
            except OSError:
                if not self._token:
                    raise
            self._read_at = now
        return self._token


def token_from(environ: Mapping[str, str]) -> Token:
    """Return the token of CONTEXTD_TOKEN, else that of the file CONTEXTD_TOKEN_FILE, else ""."""
    if environ.get("CONTEXTD_TOKEN"):
        return environ["CONTEXTD_TOKEN"]
    path = environ.get("CONTEXTD_TOKEN_FILE")
    return TokenFile(path) if path else ""


def tls_from(environ: Mapping[str, str]) -> Tls | None:
    """Return what CONTEXTD_TLS_CA, CONTEXTD_TLS_CERT and CONTEXTD_TLS_KEY say; None without."""
    ca = environ.get("CONTEXTD_TLS_CA")
    if not ca:
        return None
    return Tls(ca, environ.get("CONTEXTD_TLS_CERT", ""), environ.get("CONTEXTD_TLS_KEY", ""))


async def headers(token: Token, deadline: float) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call; a token that has to be fetched gets *deadline* seconds."""
    if isinstance(token, str):
        text = token
    else:
        found = token()
        try:
            async with asyncio.timeout(deadline):
                text = await found if isawaitable(found) else found
        except TimeoutError as error:
            raise DeadlineExceeded("there was no token in time") from error
    return (("authorization", f"Bearer {text}"),) if text else ()


def channel_credentials(
    read: tuple[bytes | None, bytes | None, bytes | None],
) -> grpc.ChannelCredentials:
    """Return what `Tls.read` read, as gRPC takes it."""
    return grpc.ssl_channel_credentials(*read)
