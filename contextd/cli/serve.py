"""`contextd serve`: the daemon, from its first line to its last."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path  # noqa: TC003 - typer reads the hints
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop

from contextd import __version__
from contextd.app import open_app
from contextd.cli.exposed import exposed
from contextd.cli.logs import start_logging
from contextd.cli.output import emit, note
from contextd.config import hide_secrets, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.app import App
    from contextd.config import Config

LOG = logging.getLogger(__name__)


def serve(
    listen: Annotated[
        str | None, typer.Option(help="gRPC address; port 0 for any.", metavar="HOST:PORT")
    ] = None,
    ops: Annotated[
        str | None,
        typer.Option(help="Health and metrics over HTTP; '' for none.", metavar="HOST:PORT"),
    ] = None,
    socket: Annotated[str | None, typer.Option(help="A Unix socket.", metavar="PATH")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where sessions are kept.", metavar="URL")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The TOML file.", metavar="FILE")] = None,
    *,
    archive: Annotated[
        str | None, typer.Option(help="A store behind --store, which has those in use.")
    ] = None,
    takeover: Annotated[
        float | None,
        typer.Option(help="Seconds to wait for another daemon to let go of the store.", min=0.0),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy file, read again when it changes.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning, error.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Say it and log it as JSON lines.")] = False,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Let --listen be open without TLS and credentials."),
    ] = False,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; both let running calls finish.

    A second signal stops it at once; what was acknowledged is kept either way.  SIGHUP has
    it look at once for changes of the policy, of certificates and of keys.
    """
    flags = {
        "server.listen": listen,
        "server.ops": ops,
        "server.socket": socket,
        "store.url": store,
        "store.archive": archive,
        "server.takeover_seconds": takeover,
        "policy.file": None if policy is None else str(policy),
        "log.level": log_level,
        "log.json": True if json else None,
        "server.insecure": True if insecure else None,
    }
    loaded = load(flags, os.environ, config)
    start_logging(loaded.log)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(loaded))


async def _run(config: Config) -> None:
    for warning in exposed(config):
        LOG.warning("%s", warning)
    stop = asyncio.Event()
    _stop_on_signals(stop, say=LOG.info if config.log.json else note)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # all is read while it starts
    async with open_app(config) as app:
        loop.add_signal_handler(signal.SIGHUP, app.reload)
        _announce(app, config)
        await app.serve(stop)


def _stop_on_signals(stop: asyncio.Event, say: Callable[[str], None]) -> None:
    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        say("contextd: finishing the running calls; again to stop at once")
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


def _announce(app: App, config: Config) -> None:
    """Say once that it serves, and where: scripts wait for this line."""
    behind = f" before {config.store.archive}" if config.store.archive else ""
    store = hide_secrets(f"{config.store.url}{behind}")
    if config.log.json:
        emit(
            {
                "event": "serving",
                "version": __version__,
                "addresses": app.addresses,
                "ops": app.ops_address,
                "store": store,
                "pid": os.getpid(),
            }
        )
        return
    ops = f", ops on {app.ops_address}" if app.ops_address else ""
    where = " and ".join(app.addresses)
    typer.echo(f"contextd {__version__} serving on {where}{ops}, store {store}")
