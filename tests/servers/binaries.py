"""Where the programs of servers are, and what to install where they are not."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

PACKAGES = {
    "initdb": "postgresql",
    "postgres": "postgresql",
    "pg_basebackup": "postgresql",
    "pgbouncer": "pgbouncer",
}


def needed(program: str) -> str:
    """Return the path of *program*; without it the tests fail, they are not skipped."""
    places = [str(each) for each in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which(program, path=os.pathsep.join([*places, os.environ["PATH"], "/usr/sbin"]))
    assert found, f"no {program}: run scripts/install_servers.sh (Debian: {PACKAGES[program]})"
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
