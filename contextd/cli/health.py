"""`contextd health`: the probe of images that have no shell.

It runs every few seconds, so it imports nothing but the standard library and gRPC.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
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
    status = _status(asked.target, asked.service, asked.timeout)
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
    parser.add_argument("--service", default="", help="one service (default: the whole daemon)")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait (default 2)")
    parser.add_argument("--json", action="store_true", help="as a JSON object")
    return parser


def _status(target: str, service: str, timeout: float) -> str:
    options = [("grpc.default_authority", "localhost")]  # over a Unix socket the path is none
    with grpc.insecure_channel(target, options=options) as channel:
        try:
            answer = HealthStub(channel).Check(HealthCheckRequest(service=service), timeout=timeout)
        except grpc.RpcError as error:
            code = error.code()
            return "UNREACHABLE" if code is grpc.StatusCode.UNAVAILABLE else str(code.name)
    return str(HealthCheckResponse.ServingStatus.Name(answer.status))
