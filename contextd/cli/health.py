"""`contextd health`: the probe of images that have no shell.

It runs every few seconds, so it imports nothing but the standard library and gRPC.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_TARGET = "127.0.0.1:7070"


def probe(arguments: Sequence[str]) -> int:
    """Print the status of the daemon that *arguments* name; return 0 if it serves, else 1."""
    asked = _parser().parse_args(arguments)
    status = _status(asked)
    told = {"target": asked.target, "service": asked.service, "status": status}
    sys.stdout.write((json.dumps(told) if asked.json else status) + "\n")
    return 0 if status == "SERVING" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "contextd health",
        description="Ask a daemon whether it serves: exit 0 if it does, 1 if not.",
    )
    parser.add_argument(
        "--target",
        default=os.environ.get("CONTEXTD_TARGET") or DEFAULT_TARGET,
        help=f"HOST:PORT or unix:/PATH (default: CONTEXTD_TARGET, else {DEFAULT_TARGET})",
    )
    for flag, variable, said in (
        ("--tls-ca", "CONTEXTD_TLS_CA", "speak TLS, and trust this CA, or 'system'"),
        ("--tls-cert", "CONTEXTD_TLS_CERT", "our certificate, where one is wanted"),
        ("--tls-key", "CONTEXTD_TLS_KEY", "its key"),
    ):
        default = os.environ.get(variable) or ""
        parser.add_argument(flag, default=default, metavar="FILE", help=f"{said} ({variable})")
    parser.add_argument("--service", default="", help="one service (default: the whole daemon)")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait (default 2)")
    parser.add_argument("--json", action="store_true", help="as a JSON object")
    return parser


def _status(asked: argparse.Namespace) -> str:
    request = HealthCheckRequest(service=asked.service)
    try:
        opened = _channel(asked)
    except OSError as error:
        sys.stderr.write(f"contextd: cannot read {error.filename}: {error.strerror}\n")
        return "UNREACHABLE"
    with opened as channel:
        try:
            answer = HealthStub(channel).Check(request, timeout=asked.timeout)
        except grpc.RpcError as error:
            code = error.code()
            return "UNREACHABLE" if code is grpc.StatusCode.UNAVAILABLE else str(code.name)
    return str(HealthCheckResponse.ServingStatus.Name(answer.status))


def _channel(asked: argparse.Namespace) -> grpc.Channel:
    """Open a channel; without the command line proper, whose imports a probe does not pay."""
    if not asked.tls_ca or asked.target.startswith("unix:"):
        options = [("grpc.default_authority", "localhost")]  # over a Unix socket the path is none
        return grpc.insecure_channel(asked.target, options=options)
    names = ("" if asked.tls_ca == "system" else asked.tls_ca, asked.tls_key, asked.tls_cert)
    pem = [Path(name).read_bytes() if name else None for name in names]
    return grpc.secure_channel(asked.target, grpc.ssl_channel_credentials(*pem))
