"""The time to live in a daemon as it runs."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING

import grpc

from contextd import archive
from contextd.events import SessionOpened
from contextd.v1 import session_service_pb2 as pb
from contextd.v1.session_service_pb2_grpc import SessionServiceStub
from tests.cli.conftest import Served, served

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000_000


def take(running: Served, name: str, at: int) -> None:
    """Import a session that was last used at that time."""
    lines = b"".join([archive.header(name), archive.line(SessionOpened(at, "")), archive.end(1)])
    with grpc.insecure_channel(running.target) as channel:
        message = pb.ImportSessionRequest(tenant_id="t", lines=lines)
        SessionServiceStub(channel).ImportSession(iter([message]), timeout=30)


def names(running: Served) -> list[str]:
    """Return the sessions that are there."""
    with grpc.insecure_channel(running.target) as channel:
        found = SessionServiceStub(channel).ListSessions(
            pb.ListSessionsRequest(tenant_id="t"), timeout=30
        )
        return [each.conversation_id for each in found.sessions]


def metrics(running: Served) -> str:
    """Return what the daemon counts."""
    with urllib.request.urlopen(f"http://{running.ops}/metrics") as answer:
        return str(answer.read().decode())


def test_a_daemon_erases_what_is_due_and_its_successor_goes_on(tmp_path: Path) -> None:
    """By the policy's file, in the background; what a restart leaves the next one finds."""
    policy = tmp_path / "policy.toml"
    policy.write_text("[sessions]\nkeep_days = 30\n", encoding="utf-8")
    config = tmp_path / "contextd.toml"
    config.write_text("[sessions]\nsweep_seconds = 0.2\n", encoding="utf-8")
    store = ("--store", f"sqlite:///{tmp_path}/state.db")
    now = time.time_ns() // 1_000
    with served(*store) as running:
        take(running, "old", now - 40 * DAY)
        take(running, "young", now - 10 * DAY)
        assert names(running) == ["old", "young"]
        assert running.stop() == 0
    with served(*store, "--policy", str(policy), "--config", str(config)) as running:
        for _ in range(200):
            if names(running) == ["young"]:
                break
            time.sleep(0.1)
        assert names(running) == ["young"]
        assert 'contextd_expired_sessions_total{outcome="erased"} 1.0' in metrics(running)
        assert running.stop() == 0
