"""Redis servers for tests: started on free ports, in folders of their own, and always stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers.binaries import free_ports, needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PATIENCE = 30.0
SAFE = ("--appendonly", "yes", "--appendfsync", "always")
"""What makes Redis sync each write before it answers."""


@dataclass(slots=True)
class RedisServer:
    """One redis-server; `options` are those of its command line."""

    folder: Path
    port: int
    options: Sequence[str] = SAFE
    program: str = "redis-server"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.folder.mkdir(exist_ok=True)
        command = [needed(self.program)]
        command += [self.options[0]] if self.program == "redis-sentinel" else []
        command += ["--port", str(self.port), "--dir", str(self.folder)]
        command += ["--bind", "127.0.0.1", "--logfile", str(self.folder / "log")]
        command += ["--save", ""] if self.program == "redis-server" else []
        options = self.options[1:] if self.program == "redis-sentinel" else self.options
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        ends = time.monotonic() + PATIENCE
        while b"PONG" not in self.say("PING") and b"NOAUTH" not in self.say("PING"):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < ends, "redis-server does not answer"
            time.sleep(0.01)

    def say(self, *command: str) -> bytes:
        """Return what it answers to a command, as redis-cli shows it; nothing while it is down."""
        called = [needed("redis-cli"), "-p", str(self.port), *command]
        return subprocess.run(called, capture_output=True, check=False, timeout=PATIENCE).stdout

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it hang, with its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Let it be gone; afterwards it has again what it had synced."""
        self.kill()
        try:
            yield
        finally:
            self.start()


def whole(servers: Sequence[RedisServer]) -> None:
    """Return when *servers* are a cluster that answers."""
    ends = time.monotonic() + PATIENCE
    while not all(b"cluster_state:ok" in each.say("CLUSTER", "INFO") for each in servers):
        assert time.monotonic() < ends, "the cluster does not come up"
        time.sleep(0.05)


@contextmanager
def redis_cluster(folder: Path, *options: str, masters: int = 3) -> Iterator[list[RedisServer]]:
    """Start a cluster of masters that have a third of the slots each."""
    clustered = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
    servers = [
        RedisServer(folder / str(port), port, (*(options or SAFE), *clustered))
        for port in free_ports(masters)
    ]
    try:
        for server in servers:
            server.start()
        places = [f"127.0.0.1:{server.port}" for server in servers]
        servers[0].say("--cluster", "create", *places, "--cluster-yes")
        whole(servers)
        yield servers
    finally:
        for server in servers:
            server.kill()


@contextmanager
def redis_sentinel(
    folder: Path, *options: str, patience_ms: int = 60_000
) -> Iterator[tuple[list[RedisServer], RedisServer]]:
    """Start a master, a replica of it, and one Sentinel that watches them as "main".

    A master that does not answer for *patience_ms* is replaced.
    """
    master_port, replica_port, port = free_ports(3)
    replicates = ("--replicaof", "127.0.0.1", str(master_port), "--repl-diskless-sync-delay", "0")
    servers = [
        RedisServer(folder / "master", master_port, (*(options or SAFE), *replicates[3:])),
        RedisServer(folder / "replica", replica_port, (*(options or SAFE), *replicates)),
    ]
    folder.mkdir(exist_ok=True)
    watches = folder / "sentinel.conf"
    watches.write_text(
        f"sentinel monitor main 127.0.0.1 {master_port} 1\n"
        f"sentinel down-after-milliseconds main {patience_ms}\n"
        "sentinel failover-timeout main 2000\n"
    )
    sentinel = RedisServer(folder / "sentinel", port, (str(watches),), "redis-sentinel")
    try:
        for server in (*servers, sentinel):
            server.start()
        ends = time.monotonic() + PATIENCE
        while b"master_link_status:up" not in servers[1].say("INFO", "replication"):
            assert time.monotonic() < ends, "the replica does not follow"
            time.sleep(0.05)
        yield servers, sentinel
    finally:
        for server in (*servers, sentinel):
            server.kill()


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Start one, and stop it whatever happens."""
    (port,) = free_ports(1)
    server = RedisServer(folder, port, options or SAFE)
    try:
        server.start()
        yield server
    finally:
        server.kill()
