"""A real daemon in a process of its own, with its default configuration or another."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

START_SECONDS = 60.0


class Daemon:
    """`contextd serve` over a Unix socket, and a SQLite file in *folder* or another *store*.

    *arguments* join its command line.
    """

    def __init__(self, folder: Path, store: str = "", *arguments: str) -> None:
        self.folder = folder
        self.arguments = arguments
        self.store = store or f"sqlite:///{folder}/contextd.db"
        self.target = f"unix:{folder}/contextd.sock"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and return once it serves."""
        self._spawn()
        await asyncio.wait_for(self._serving(), START_SECONDS)

    def _spawn(self) -> None:
        log = (self.folder / "daemon.log").open("ab")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "contextd", "serve"),
                *("--socket", f"{self.folder}/contextd.sock"),
                *("--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"),
                *("--store", self.store),
                *self.arguments,
            ],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        log.close()

    def kill(self) -> None:
        """End the process as a power cut would: no handler runs, nothing is flushed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    async def _serving(self) -> None:
        request = health_pb2.HealthCheckRequest()
        while True:
            if self._process is None or self._process.poll() is not None:
                raise AssertionError((self.folder / "daemon.log").read_text()[-4000:])
            async with grpc.aio.insecure_channel(self.target) as channel:
                try:
                    answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.02)
                    continue
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
