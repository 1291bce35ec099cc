"""A PgBouncer in transaction mode before the tests' PostgreSQL."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from tests.servers.binaries import free_port
from tests.servers.postgres import PASSWORD, START_SECONDS, USER, postgres_server

CONNECTIONS = 3
"""Connections to the server, fewer than one store has to the pooler: they change hands."""


class Pooler:
    """One pooler on a free port."""

    def __init__(self) -> None:
        """Start it and wait until it answers."""
        server = postgres_server()
        self._folder = Path(tempfile.mkdtemp(prefix="contextd-pgbouncer-"))
        atexit.register(self.close)
        self.port = free_port()
        (self._folder / "users").write_text(f'"{USER}" "{PASSWORD}"\n')
        settings = self._folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            f"unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {self._folder}/users\n"
            f"pool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\n"
        )
        if os.geteuid() == 0:
            for each in (self._folder, *self._folder.iterdir()):
                shutil.chown(each, "postgres")
        self._process = server.popen("pgbouncer", "-q", str(settings))
        ends = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < ends, "PgBouncer does not start"
            assert self._process.poll() is None, "PgBouncer has ended"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def url(self, schema: str) -> str:
        """Return the URL of a store in *schema*, through the pooler."""
        where = f"127.0.0.1:{self.port}/postgres"
        return f"postgresql://{USER}:{PASSWORD}@{where}?schema={schema}"

    def close(self) -> None:
        """Stop it and remove its files."""
        self._process.kill()
        self._process.wait(START_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)


@functools.cache
def pooler() -> Pooler:
    """Return the one pooler of this run."""
    return Pooler()
