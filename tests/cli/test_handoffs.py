"""The inbox from a terminal, against a daemon in memory."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from tests.cli.conftest import COMMAND, ROOT, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Run, Served


@pytest.fixture(scope="module")
def daemon() -> Iterator[Served]:
    """A daemon that keeps nothing."""
    with served("--store", "memory:") as running:
        yield running


def raised(target: str, tenant: str) -> str:
    """Let a conversation wait for a human; return the id of the handoff."""

    async def main() -> str:
        async with grpc.aio.insecure_channel(target) as channel:
            stub = ContextServiceStub(channel)
            ref = common.SessionRef(tenant_id=tenant, conversation_id="chat-1")
            text = "My lamp [bold]W-7[/] broke. \x1b[31mA human, please."
            turn = common.Turn(role="ROLE_USER", text=text)
            await stub.RecordTurn(service.RecordTurnRequest(session=ref, turns=[turn]))
            answer = await stub.Escalate(
                service.EscalateRequest(session=ref, reason="ESCALATION_REASON_USER_REQUEST")
            )
            return answer.handoff.handoff_id

    return asyncio.run(main())


def test_a_handoff_is_taken_and_given_back(run: Run, daemon: Served) -> None:
    """Listed, shown, claimed, resolved; each refusal says what to do about it."""
    handoff = raised(daemon.target, "desk")
    there = ("--tenant", "desk", "--target", daemon.target)
    listed = run("handoffs", "list", *there)
    assert handoff[:8] in listed.stdout
    (entry,) = map(json.loads, run("handoffs", "list", "--json", *there).stdout.splitlines())
    assert entry["status"] == "HANDOFF_STATUS_WAITING"

    assert "W-7" in run("handoffs", "show", handoff, *there).stdout
    flat = json.loads(run("handoffs", "show", handoff, "--format", "amazon-connect", *there).stdout)
    assert flat["handoff_id"] == handoff
    early = run("handoffs", "resolve", handoff, "--outcome", "solved", *there)
    assert (early.returncode, "HANDOFF_UNCLAIMED" in early.stderr) == (1, True)

    assert "ana has it now" in run("handoffs", "claim", handoff, "--agent", "ana", *there).stdout
    taken = run("handoffs", "claim", handoff, "--agent", "bo", *there)
    assert (taken.returncode, "HANDOFF_CLAIMED" in taken.stderr) == (1, True)
    assert run("session", "close", "chat-1", "--outcome", "resolved", *there).returncode == 1
    done = run(
        "handoffs", "resolve", handoff, "--outcome", "solved", "--note", "Sent anew.", *there
    )
    assert "bot's again" in done.stdout
    assert "Sent anew." in run("handoffs", "show", handoff, *there).stdout

    assert run("handoffs", "list", *there).stdout == ""
    (ended,) = map(
        json.loads, run("handoffs", "list", "--all", "--json", *there).stdout.splitlines()
    )
    assert (ended["outcome"], ended["agent"]) == ("HANDOFF_OUTCOME_SOLVED", "ana")
    closed = run("session", "close", "chat-1", "--outcome", "resolved", "--rating", "5", *there)
    assert "closed as resolved" in closed.stdout
    again = run("session", "close", "chat-1", "--outcome", "resolved", *there)
    assert (again.returncode, "SESSION_CLOSED" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (("handoffs", "watch"), "position"),
        (("session", "watch", "chat-1"), "revision"),
    ],
)
def test_a_watch_tells_what_was_and_ends_with_ctrl_c(
    daemon: Served, arguments: tuple[str, ...], first: str
) -> None:
    """As lines of JSON, each with the place to go on from."""
    tenant = f"watch-{arguments[0]}"
    raised(daemon.target, tenant)
    command = [*COMMAND, *arguments, "--json", "--tenant", tenant, "--target", daemon.target]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(json.loads(process.stdout.readline())[first]) >= 1
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_a_watch_of_a_session_reads_well(daemon: Served) -> None:
    """One line an event, and what was said below it."""
    raised(daemon.target, "read")
    command = [
        *COMMAND,
        "session",
        "watch",
        "chat-1",
        "--tenant",
        "read",
        "--target",
        daemon.target,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert [line.split("  ")[-1].split(": ")[0].strip() for line in lines[:3]] == [
        "opened",
        "turns recorded",
        "user",
    ]
    assert "handoff raised" in lines[3]
    assert "\x1b" not in "".join(lines)
