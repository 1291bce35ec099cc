"""Servers with settings of a test's choice: started on free ports, gone when the block ends."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.servers.binaries import free_ports, needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 40.0
SLOTS = 16_384


@contextmanager
def running(command: list[str], folder: Path, user: str | None = None) -> Iterator[None]:
    """Run *command* until the end of the block; its output is in FOLDER/log."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, user=user
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(holds: Callable[[], bool], what: str, log: Path = Path(os.devnull)) -> None:
    """Wait until *holds*, or fail with the end of what the server said."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > ends:
            raise TimeoutError(f"{what}: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def told(port: int, *words: str, password: str = "") -> str:
    """Return what the Redis server at *port* answers."""
    login = ["-a", password, "--no-auth-warning"] if password else []
    command = [needed("redis-cli"), "-p", str(port), *login, *words]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return answer.stdout.strip()


@contextmanager
def redis_server(
    *settings: str, port: int = 0, password: str = "", sentinel: bool = False
) -> Iterator[int]:
    """Run a Redis server, or a Sentinel, with *settings* ("name value"); yield its port."""
    port = port or free_ports(1)[0]
    with TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "server.conf"
        lines = [f"port {port}", f"dir {folder}", "bind 127.0.0.1", *settings]
        if password:
            lines.append(f"requirepass {password}")
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        mode = ["--sentinel"] if sentinel else []
        command = [needed("redis-server"), str(file), *mode]
        with running(command, folder):
            until(
                lambda: told(port, "PING", password=password) == "PONG",
                "redis-server",
                folder / "log",
            )
            yield port


@contextmanager
def redis_cluster(*settings: str, covered: int = SLOTS) -> Iterator[list[int]]:
    """Run three masters that serve the first *covered* slots between them; yield their ports."""
    ports = free_ports(3)
    with ExitStack() as held:
        for port in ports:
            held.enter_context(redis_server("cluster-enabled yes", "save ''", *settings, port=port))
        edges = [covered * number // 3 for number in range(4)]
        for number, port in enumerate(ports):
            first, last = str(edges[number]), str(edges[number + 1] - 1)
            told(port, "CLUSTER", "ADDSLOTSRANGE", first, last)
            told(port, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for port in ports[1:]:
            told(port, "CLUSTER", "MEET", "127.0.0.1", str(ports[0]))
        state = "ok" if covered == SLOTS else "fail"

        def agreed() -> bool:
            said = [told(port, "CLUSTER", "INFO") for port in ports]
            size, slots = "cluster_known_nodes:3", f"cluster_slots_assigned:{covered}"
            return all(f"cluster_state:{state}" in s and size in s and slots in s for s in said)

        until(agreed, "the cluster does not form")
        yield ports


def _server_user() -> str | None:
    """Return whom a PostgreSQL server runs as: it refuses root."""
    if os.getuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def postgres_server(**settings: str) -> Iterator[int]:
    """Run a PostgreSQL server with *settings*; yield its port.

    Role "contextd" with password "secret" is its superuser, on TCP alone.
    """
    user, port = _server_user(), free_ports(1)[0]
    with TemporaryDirectory() as name:
        folder = Path(name)
        word = folder / "password"
        word.write_text("secret\n", encoding="utf-8")
        if user:
            shutil.chown(folder, user)
            shutil.chown(word, user)
        data = folder / "data"
        initdb = [needed("initdb"), "-D", str(data), "--username=contextd"]
        initdb += [f"--pwfile={word}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
        initdb += ["--locale=C"]
        made = subprocess.run(
            initdb, capture_output=True, text=True, check=False, user=user, cwd="/"
        )
        if made.returncode:
            raise RuntimeError(made.stderr)
        options = {"unix_socket_directories": "", "port": str(port), **settings}
        flags = [word for each in options.items() for word in ("-c", "=".join(each))]
        (folder / "log").touch()
        with running([needed("postgres"), "-D", str(data), *flags], folder, user):
            until(lambda: _takes_in(port), "postgres", folder / "log")
            yield port


def _takes_in(port: int) -> bool:
    """Say whether the server is past its start; it listens before that."""
    command = [needed("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(command, check=False, timeout=10).returncode == 0


@contextmanager
def pgbouncer(port: int, mode: str) -> Iterator[int]:
    """Run a pooler before the PostgreSQL server at *port*; yield its own."""
    own, user = free_ports(1)[0], _server_user()
    with TemporaryDirectory() as name:
        folder = Path(name)
        users = folder / "users"
        users.write_text('"contextd" "secret"\n', encoding="utf-8")
        file = folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {own}\nunix_socket_dir =\nauth_type = plain\nauth_file = {users}\n"
            f"pool_mode = {mode}\n",
            encoding="utf-8",
        )
        if user:
            for each in (folder, users, file):
                shutil.chown(each, user)
        with running([needed("pgbouncer"), str(file)], folder, user):
            until(lambda: _listens(own), "pgbouncer", folder / "log")
            yield own


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
