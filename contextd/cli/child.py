"""A daemon of one's own: a child process, stopped when it is no longer needed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from contextd.errors import ContextdError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

START_SECONDS = 30.0
STOP_SECONDS = 30.0

PRIVATE = MappingProxyType(
    {f"CONTEXTD__{name}": "" for name in ("TLS__CERT", "TLS__KEY", "TLS__CLIENT_CA")}
    | {"CONTEXTD__AUTH__TOKENS": "", "CONTEXTD__AUTH__JWKS": "", "CONTEXTD__AUTH__IDENTITIES": "{}"}
    | {f"CONTEXTD__LIMITS__{name}": "0" for name in ("CALLS_PER_SECOND", "BURST", "CONCURRENT")}
    | {"CONTEXTD__LIMITS__TURNS_PER_DAY": "0", "CONTEXTD__LIMITS__TENANTS": "{}"}
)
"""What a daemon of one's own on the loopback interface does not need, whatever is configured."""


class DaemonFailed(ContextdError):
    """The daemon started for this command did not serve, or did not stop cleanly."""


@dataclass(slots=True)
class Daemon:
    """A daemon that serves at `target`, its metrics at `ops` (host:port).

    `exit_code` is set once it has stopped.
    """

    target: str
    pid: int
    store: str
    ops: str
    exit_code: int | None = field(default=None)


@asynccontextmanager
async def own_daemon(
    store: str, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Daemon]:
    """Start `contextd serve` on any free port of this machine; drain it at the end.

    The daemon logs to the file *log*; *environment* joins this process' own.  Raises
    DaemonFailed when it does not come up.
    """
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "contextd", "serve", "--json"),
            *("--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--store", store),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **PRIVATE, **(environment or {})},
        )
    daemon = None
    try:
        daemon = await _announced(process, store, log)
        yield daemon
    finally:
        code = await _stop(process)
        if daemon is not None:
            daemon.exit_code = code


async def _announced(process: asyncio.subprocess.Process, store: str, log: Path) -> Daemon:
    """Wait for the line that says it serves."""
    if process.stdout is None:
        raise DaemonFailed
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
    except TimeoutError as error:
        raise DaemonFailed(f"the daemon did not serve within {START_SECONDS:.0f} s") from error
    if not line:
        raise DaemonFailed(f"the daemon did not start:\n{_tail(log)}")
    serving = json.loads(line)
    return Daemon(serving["addresses"][0], serving["pid"], store, serving["ops"])


async def _stop(process: asyncio.subprocess.Process) -> int:
    """Ask it to stop, wait for the drain, and end it if that takes too long."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        return await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        return await process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])


def memory_mib(pid: int) -> tuple[float, float] | None:
    """Return a process's resident memory (now, at its peak) in MiB; None where not known."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = dict(line.split(":", 1) for line in lines.splitlines() if ":" in line)
    now, peak = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak
