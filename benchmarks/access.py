"""What asking who asks costs a call: the same calls with no credential and with each kind.

    python -m benchmarks.access [--calls N] [--json FILE]

A daemon a kind, all on this machine; their turns are interleaved, so that what else runs
here disturbs all alike.  CPU is that of the daemon's process, time that of the caller.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import grpc

from contextd.auth.tokens import line_for
from contextd.testing.issuing import AUDIENCE, ISSUER, Authority, Signer, jwks
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
TOKEN = "ctxd_for-the-benchmark"  # noqa: S105 - of a daemon that lives for a minute
REF = common.SessionRef(tenant_id="acme", conversation_id="short")
GROWING = common.SessionRef(tenant_id="acme", conversation_id="growing")
TURN = common.Turn(role="ROLE_USER", text="Where is my order 4417? It should have been here.")


@dataclass
class Kind:
    """A daemon, a channel to it, and what its calls took."""

    name: str
    process: subprocess.Popen[str]
    channel: grpc.Channel
    metadata: tuple[tuple[str, str], ...]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def calls(self) -> Mapping[str, Callable[[], object]]:
        """Return the calls that are measured."""
        context, session = ContextServiceStub(self.channel), SessionServiceStub(self.channel)
        budget = pb.Budget(context_window_tokens=4_096, reserved_output_tokens=256)
        build = pb.BuildContextRequest(session=REF, message=TURN, budget=budget)
        record = pb.RecordTurnRequest(session=GROWING, turns=[TURN])
        get = sessions.GetSessionRequest(session=REF)
        return {
            "GetSession": lambda: session.GetSession(get, metadata=self.metadata),
            "RecordTurn": lambda: context.RecordTurn(record, metadata=self.metadata),
            "BuildContext": lambda: context.BuildContext(build, metadata=self.metadata),
        }

    def begin(self) -> None:
        """Record the one turn of the short session."""
        record = pb.RecordTurnRequest(session=REF, turns=[TURN])
        ContextServiceStub(self.channel).RecordTurn(record, metadata=self.metadata)

    def measure(self, name: str, call: Callable[[], object], times: int) -> None:
        """Make *call* several times."""
        before = self._cpu()
        for _ in range(times):
            began = time.perf_counter()
            call()
            self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        self.cpu.setdefault(name, []).append((self._cpu() - before) / times)

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").split()
        return (int(fields[13]) + int(fields[14])) / TICKS


def kinds(folder: Path, stack: ExitStack) -> list[Kind]:
    """Start a daemon of every kind."""
    authority, signer = Authority(), Signer.new("k", "RS256")
    cert, key = authority.server().write(folder, "server")
    caller = authority.client("spiffe://bench.example/ns/acme/sa/chat")
    (folder / "ca.pem").write_bytes(authority.cert)
    (folder / "tokens").write_text(line_for(TOKEN, "bench", ["acme"]), encoding="utf-8")
    (folder / "jwks").write_text(jwks(signer), encoding="utf-8")
    tokens = {"AUTH__TOKENS": f"{folder}/tokens"}
    signed = {"AUTH__JWKS": f"{folder}/jwks", "AUTH__ISSUER": ISSUER, "AUTH__AUDIENCE": AUDIENCE}
    tls = {"TLS__CERT": f"{cert}", "TLS__KEY": f"{key}"}
    names = json.dumps({"spiffe://bench.example/ns/{tenant}/sa/*": ["{tenant}"]})
    mutual = {**tls, "TLS__CLIENT_CA": f"{folder}/ca.pem", "AUTH__IDENTITIES": names}
    limits = {"LIMITS__CALLS_PER_SECOND": "1000000", "LIMITS__TURNS_PER_DAY": "1000000000"}
    plain = grpc.ssl_channel_credentials(authority.cert)
    own = grpc.ssl_channel_credentials(authority.cert, caller.key, caller.cert)
    table: tuple[tuple[str, dict[str, str], grpc.ChannelCredentials | None, str], ...] = (
        ("open", {}, None, ""),
        ("token", tokens, None, TOKEN),
        ("token, limits", tokens | limits, None, TOKEN),
        ("JWT", signed, None, signer.token("acme")),
        ("TLS, token", tls | tokens, plain, TOKEN),
        ("mutual TLS, SPIFFE id", mutual, own, ""),
    )
    return [started(name, settings, keys, token, stack) for name, settings, keys, token in table]


def started(
    name: str,
    settings: Mapping[str, str],
    keys: grpc.ChannelCredentials | None,
    token: str,
    stack: ExitStack,
) -> Kind:
    """Start a daemon with *settings* and connect to it."""
    flags = ["--listen", "127.0.0.1:0", "--ops", "", "--store", "memory:", "--json"]
    environ = {f"CONTEXTD__{key}": value for key, value in settings.items()}
    environ |= {"CONTEXTD__EMBEDDER__MODEL": "static"}
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "contextd", "serve", *flags],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )
    )
    stack.callback(process.kill)
    target = json.loads(process.stdout.readline() if process.stdout else "")["addresses"][0]
    opened = grpc.secure_channel(target, keys) if keys else grpc.insecure_channel(target)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    return Kind(name, process, stack.enter_context(opened), metadata)


def measured(calls: int) -> dict[str, Any]:
    """Return, by kind and call, the median time and the daemon's CPU in microseconds."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        every = kinds(Path(folder), stack)
        for kind in every:
            kind.begin()
        for number in range(ROUNDS):
            sys.stderr.write(f"\rround {number + 1} of {ROUNDS}")
            for kind in every:
                for name, call in kind.calls().items():
                    kind.measure(name, call, max(1, calls // ROUNDS))
        sys.stderr.write("\n")
        return {
            kind.name: {
                name: {
                    "p50_us": round(median(kind.seconds[name]) * 1e6),
                    "cpu_us": round(sum(kind.cpu[name]) / len(kind.cpu[name]) * 1e6),
                }
                for name in kind.seconds
            }
            for kind in every
        }


def main() -> None:
    """Print a table, and write the figures where they were asked for."""
    parser = argparse.ArgumentParser("python -m benchmarks.access", description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="of each kind (default 2000)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    asked = parser.parse_args()
    figures = measured(asked.calls)
    for kind, calls in figures.items():
        cells = (
            f"{name} {f['p50_us']:>5} us, CPU {f['cpu_us']:>4} us" for name, f in calls.items()
        )
        print(f"{kind:<22} {'   '.join(cells)}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
