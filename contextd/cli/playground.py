"""Where replays are played: a running daemon, or one started for the occasion."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.cli.child import memory_mib, own_daemon
from contextd.cli.keys import Keys
from contextd.cli.output import note
from contextd.cli.remote import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc


@dataclass(frozen=True, slots=True)
class Playground:
    """An open channel and the tenant to record under; `pid` is 0 for somebody's daemon."""

    channel: grpc.aio.Channel
    tenant: str
    pid: int = 0

    def memory_mib(self) -> tuple[float, float]:
        """Return the daemon's resident memory now and at its peak, zeros when not known."""
        return (memory_mib(self.pid) if self.pid else None) or (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to play: a daemon, or "" to start one on `store`; `keys` and `tenant` are for it."""

    target: str = ""
    store: str = ""
    tenant: str = ""
    keys: Keys = field(default_factory=Keys)


@asynccontextmanager
async def open_playground(place: Place) -> AsyncIterator[Playground]:
    """Connect to the daemon of *place*; without one, start a daemon on its store.

    At somebody's daemon every replay has a tenant of its own, so that two never mix, unless
    one is named.  An empty store stands for a SQLite file that is removed afterwards.
    """
    if place.target:
        tenant = place.tenant or f"replay-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        note(f"recording under tenant {tenant} at {place.target}")
        async with connect(place.target, place.keys) as channel:
            yield Playground(channel, tenant)
        return
    with tempfile.TemporaryDirectory(prefix="contextd-replay-") as folder:
        url = place.store or f"sqlite:///{folder}/replay.db"
        log = Path(folder) / "daemon.log"
        async with own_daemon(url, log) as daemon, connect(daemon.target) as channel:
            yield Playground(channel, "replay", daemon.pid)
