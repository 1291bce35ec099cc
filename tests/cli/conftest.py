from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Run = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "contextd")


@dataclass(frozen=True, slots=True)
class Served:
    """A daemon that serves."""

    process: subprocess.Popen[str]
    target: str
    ops: str

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def served(*arguments: str, log: Path | None = None) -> Iterator[Served]:
    """Run `contextd serve` on free ports until the end of the block; *log* gets its stderr."""
    listen = ("--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--json")
    with Path(log or os.devnull).open("wb") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "serve", *listen, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=ROOT,
        )
    with process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            yield Served(process, said["addresses"][0], said["ops"])
        finally:
            process.kill()


@pytest.fixture(scope="session")
def run() -> Run:
    """Run the command line as a user does: in a process of its own."""

    def run(
        *arguments: object, typed: str = "", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            capture_output=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            input=typed,
            text=True,
            timeout=90,
        )

    return run


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A daemon on a store of its own, for all tests of a file."""
    store = tmp_path_factory.mktemp("served") / "state.db"
    with served("--store", f"sqlite:///{store}") as running:
        yield running
