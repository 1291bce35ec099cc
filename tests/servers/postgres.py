"""A PostgreSQL of the tests' own: started when the first test asks for it, gone with the tests."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from tests.servers.binaries import free_port, needed

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = '16MB'
deadlock_timeout = '200ms'
log_min_messages = 'panic'
"""

TABLES = (
    *("sessions", "records", "vectors", "stretches"),
    *("handoffs", "account_conversations", "accounts", "jobs"),
)

START_SECONDS = 60.0
PR_SET_PDEATHSIG = 1

USER, PASSWORD = "contextd", "s3cret-7fk2"


class PostgresServer:
    """One server on a free port; databases and schemas keep tests apart."""

    def __init__(self) -> None:
        """Make a cluster and start it."""
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="contextd-postgres-"))
        atexit.register(self.close)
        os.chmod(self.folder, 0o755)  # noqa: PTH101 - beside the chown
        self.data = self.folder / "data"
        self.port = free_port()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._make()
        self.start()

    def _make(self) -> None:
        words = self.folder / "password"
        words.write_text(PASSWORD)
        if os.geteuid() == 0:
            for each in (self.folder, words):
                shutil.chown(each, self._user)
        made = self.popen(
            *("initdb", "-D", str(self.data), "-U", USER, "--pwfile", str(words), "-N"),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
        )
        assert made.wait(START_SECONDS) == 0, "initdb failed"
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}port = {self.port}\n")

    def popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Run *program* as the user who runs the server, with nothing to say."""
        return subprocess.Popen(
            [needed(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            user=self._user if os.geteuid() == 0 else None,
            preexec_fn=_die_with_us,  # noqa: PLW1509 - before other threads matter: it only calls prctl
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = self.popen("postgres", "-D", str(self.data))
        ends = time.monotonic() + START_SECONDS
        while True:
            try:
                self.sql("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                assert time.monotonic() < ends, "PostgreSQL does not start"
                assert self._process.poll() is None, "PostgreSQL has ended"
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: SIGQUIT at once, as a crash does; SIGINT in order."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def close(self) -> None:
        """Stop it for good and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it be down, as after a crash, until the end."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Let it be down until the end, every process of it killed with SIGKILL."""
        with self.frozen():  # so that none makes another
            pids = [self._process.pid, *self._children()] if self._process else []
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        ends = time.monotonic() + START_SECONDS
        if self._process is not None:
            self._process.wait(START_SECONDS)
            self._process = None
        while any(Path(f"/proc/{pid}").exists() for pid in pids[1:]):
            assert time.monotonic() < ends, "a process of PostgreSQL does not end"
            time.sleep(0.01)
        try:
            yield
        finally:
            self.start()

    def _children(self) -> list[int]:
        assert self._process is not None
        main = self._process.pid
        return [*map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let every process of it stand still, until the end."""
        assert self._process is not None
        main = self._process.pid
        os.kill(main, signal.SIGSTOP)
        pids = [main, *self._children()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(pids):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def url(self, schema: str = "contextd", database: str = "postgres", **options: object) -> str:
        """Return the URL of a store in *schema*."""
        said = "".join(f"&{name}={value}" for name, value in options.items())
        where = f"127.0.0.1:{self.port}/{database}"
        return f"postgresql://{USER}:{PASSWORD}@{where}?schema={schema}{said}"

    async def wipe(self, schema: str) -> None:
        """Remove all rows of the sessions and accounts in *schema*, where there are any."""
        connection = await self.connect()
        try:
            if await connection.fetchval("SELECT to_regclass($1)", f"{schema}.jobs"):
                for table in TABLES:
                    await connection.execute(f"DELETE FROM {schema}.{table}")
        finally:
            await connection.close()

    def new_name(self) -> str:
        """Return a name for a schema, database or role that no other test has."""
        return f"test_{next(self._numbers)}"

    async def connect(self, database: str = "postgres") -> Any:
        """Return a connection of an administrator."""
        return await asyncpg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database=database
        )

    def sql(self, statement: str, *values: object, database: str = "postgres") -> list[Any]:
        """Run a statement as an administrator; on a thread, for a loop may run on this one."""

        async def run() -> list[Any]:
            connection = await self.connect(database)
            try:
                found: list[Any] = await connection.fetch(statement, *values)
                return found
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, run()).result()

    def script(self, statements: str) -> None:
        """Run many statements as an administrator, as one transaction."""

        async def run() -> None:
            connection = await self.connect()
            try:
                await connection.execute(statements)
            finally:
                await connection.close()

        asyncio.run(run())


def _die_with_us() -> None:
    """Let the server end when the tests do, however they end."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


@functools.cache
def postgres_server() -> PostgresServer:
    """Return the one server of this run."""
    return PostgresServer()
