"""A real daemon in a process of its own, to be killed without warning."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from contextd.v1 import session_service_pb2, session_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
POLL_SECONDS = 0.005


class Starter:
    """Forks daemons; see `benchmarks.crash.starter`."""

    def __init__(self) -> None:
        """Prepare; `open` starts it."""
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Start it, and wait until it has loaded what daemons share."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.crash.starter"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,  # an interrupt is for us alone
        )
        await self.order(ready=True)

    async def order(self, **order: object) -> int:
        """Return the process id that answers *order*."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the starter is not open")
        async with self._turn:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            answer = await process.stdout.readline()
        if not answer:
            raise RuntimeError("the starter has ended; its error is above")
        return int(answer)

    async def aclose(self) -> None:
        """End it, and every daemon it has left."""
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            await self._process.wait()


class Daemon:
    """`contextd serve` over a Unix socket and a SQLite file in *folder*, or another *store*.

    With a *starter* it is forked, else a process from scratch; *environ* are settings more.
    """

    def __init__(
        self,
        folder: Path,
        starter: Starter | None = None,
        store: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._store = store or f"sqlite:///{folder}/contextd.db"
        self._settings = {"CONTEXTD__EMBEDDER__MODEL": "static", **(environ or {})}
        self.channel = grpc.aio.insecure_channel("unix:/nowhere")
        self._socket = folder / "contextd.sock"
        self._starter = starter
        self._pid = 0
        self._own: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    async def spawn(self, *, cold: bool = False) -> None:
        """Start, and return at once; *cold*: from scratch, even with a starter."""
        self._socket.unlink(missing_ok=True)
        self._began = time.perf_counter()
        if self._starter is None or cold:
            self._own = self._from_scratch()
            self._pid = self._own.pid
        else:
            self._pid = await self._starter.order(
                start=self._arguments(), folder=str(self.folder), environ=self._environ()
            )

    async def answering(self) -> float:
        """Wait for the first answer of the store; return the seconds since it was started."""
        async with asyncio.timeout(START_SECONDS):
            while not self._listens():
                self._expect_alive()
                await asyncio.sleep(POLL_SECONDS)
            self.channel = grpc.aio.insecure_channel(f"unix:{self._socket}")
            stub = session_service_pb2_grpc.SessionServiceStub(self.channel)
            request = session_service_pb2.ListSessionsRequest(tenant_id="nobody")
            await stub.ListSessions(request, wait_for_ready=True)
        return time.perf_counter() - self._began

    def pause(self) -> None:
        """Stop the process where it is."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self._pid, signal.SIGCONT)

    async def kill(self) -> None:
        """End the process, if it runs: no handler of its own runs, nothing is flushed."""
        if not self._pid:
            return
        os.kill(self._pid, signal.SIGKILL)
        if self._own is not None:
            await asyncio.to_thread(self._own.wait)
            self._own = None
        elif self._starter is not None:
            await self._starter.order(reap=self._pid)
        self._pid = 0
        await self.channel.close()

    def _from_scratch(self) -> subprocess.Popen[bytes]:
        with (self.folder / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "contextd", *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **self._environ(), "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )

    def _arguments(self) -> list[str]:
        return [
            "serve",
            "--socket",
            str(self._socket),
            "--listen",
            "",
            "--ops",
            "",
            "--store",
            self._store,
        ]

    def _environ(self) -> Mapping[str, str]:
        return self._settings

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket))
            except OSError:
                return False
        return True

    def _expect_alive(self) -> None:
        ended: Any = self._own and self._own.poll() is not None
        if self._own is None:
            state = Path(f"/proc/{self._pid}/stat")
            ended = state.exists() and state.read_text().rpartition(") ")[2].startswith("Z")
        if ended:
            raise RuntimeError((self.folder / "daemon.log").read_text(encoding="utf-8")[-4000:])
