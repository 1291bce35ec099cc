"""A real daemon for one run, whose log and metrics can be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.auth.tokens import line_for
from contextd.couriers.targets import LEAST_BYTES, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.isolation.canaries import Tenant

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 60
SECRET = PREFIX + b64encode(b"k" * LEAST_BYTES).decode()


@dataclass(frozen=True)
class Daemon:
    """A daemon that serves at `target`, with metrics at `ops` and its log in a file."""

    target: str
    ops: str
    log: Path

    def metrics(self) -> bytes:
        """Return its metrics as they are now."""
        with urllib.request.urlopen(f"http://{self.ops}/metrics", timeout=30) as reply:
            body: bytes = reply.read()
        return body

    def logged(self) -> bytes:
        """Return everything it has logged."""
        return self.log.read_bytes()


def pair_token(first: Tenant, second: Tenant) -> str:
    """Return the token that is for both tenants."""
    return f"{first.token}-{second.token}"


@contextmanager
def serving(
    folder: Path, tenants: Sequence[Tenant], *, mutant: str = "", embedder: str = "minilm"
) -> Iterator[Daemon]:
    """Serve *tenants*, each with a token, and each neighbouring pair with a common one."""
    pairs = zip(tenants, (*tenants[1:], tenants[0]), strict=True)
    lines = [line_for(each.token, f"t{number}", [each.name]) for number, each in enumerate(tenants)]
    lines += [line_for(pair_token(a, b), "pair", [a.name, b.name]) for a, b in pairs if a != b]
    (folder / "tokens").write_text("\n".join(lines), encoding="utf-8")
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    environ = {
        "CONTEXTD__AUTH__TOKENS": f"{folder}/tokens",
        "CONTEXTD__EMBEDDER__MODEL": embedder,
        "CONTEXTD__SESSIONS__CAPACITY_MIB": "8",  # sessions go and come back from the disk
        "CONTEXTD__WEBHOOKS__URL": "http://127.0.0.1:1/",  # nobody is there: notices are given up
        "CONTEXTD__WEBHOOKS__SECRET_FILE": f"{folder}/secret",
        "CONTEXTD__POLICY__RETRIES__WEBHOOKS__MAX_ATTEMPTS": "1",
        "CONTEXTD__STORE__URL": f"sqlite:///{folder}/state.db",
        "PYTHONPATH": str(ROOT),
    }
    program = ["-m", "benchmarks.isolation.mutants", mutant] if mutant else ["-m", "contextd"]
    flags = ["--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--json", "--log-level", "debug"]
    log = folder / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *program, "serve", *flags],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **environ},
            cwd=folder,
            start_new_session=True,  # an interrupt is for us alone
        )
    with process:
        try:
            said = json.loads(process.stdout.readline() if process.stdout else b"")
            yield Daemon(said["addresses"][0], said["ops"], log)
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
