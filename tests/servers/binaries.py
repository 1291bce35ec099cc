"""Where the programs of servers are, what to install where they are not, and free ports."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path

PACKAGES = {
    "initdb": "postgresql",
    "openssl": "openssl",
    "pg_basebackup": "postgresql",
    "pg_isready": "postgresql",
    "pgbouncer": "pgbouncer",
    "postgres": "postgresql",
    "redis-cli": "redis-server",
    "redis-sentinel": "redis-sentinel",
    "redis-server": "redis-server",
}

HIGHEST_PORT = 55_000
"""A cluster's servers have a second port, 10,000 above the first."""


def needed(program: str) -> str:
    """Return the path of *program*; without it the tests fail, they are not skipped."""
    places = [str(each) for each in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which(program, path=os.pathsep.join([*places, os.environ["PATH"], "/usr/sbin"]))
    assert found, f"no {program}: run scripts/install_servers.sh (Debian: {PACKAGES[program]})"
    return found


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < number:
            found = held.enter_context(socket.socket())
            found.bind(("127.0.0.1", 0))
            port = int(found.getsockname()[1])
            if port < HIGHEST_PORT:
                ports.append(port)
        return ports


def free_port() -> int:
    """Return one."""
    return free_ports(1)[0]
