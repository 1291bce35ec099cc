"""What of a configuration strangers could reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.config import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.config import Config


def exposed(config: Config) -> Iterator[str]:
    """Yield what others than the pod could do, and who runs the daemon should know."""
    server = config.server
    if server.listen and not is_loopback(server.listen):
        yield from _open_address(config)
    if server.ops and not is_loopback(server.ops):
        yield f"server.ops {server.ops} is open to the network: health and metrics, unencrypted"
    if server.socket and server.socket_mode & 0o007 and not config.auth.wanted:
        yield "server.socket_mode lets every user of the machine connect"


def _open_address(config: Config) -> Iterator[str]:
    listen = config.server.listen
    if not config.auth.wanted:
        yield f"server.listen {listen} is open to the network, without credentials"
    if not config.tls.cert:
        yield f"server.listen {listen} is open to the network, unencrypted"
