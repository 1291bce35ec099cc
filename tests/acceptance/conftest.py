"""One real daemon for all acceptance tests, spoken to as any caller would."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.acceptance.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon on a Unix socket with a store of its own."""
    folder: Path = tmp_path_factory.mktemp("daemon")
    running = Daemon(folder)
    asyncio.run(running.start())
    yield running
    running.kill()


@pytest.fixture(scope="session")
def channel(daemon: Daemon) -> Iterator[grpc.Channel]:
    """A connection to it."""
    with grpc.insecure_channel(daemon.target) as channel:
        yield channel
