"""Handoffs, closing and watching: the daemon and the fake keep the same promises."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contextd_client import (
    Budget,
    ContextdClient,
    Deadlines,
    DeskFormat,
    EventKind,
    HandoffEnded,
    HandoffNotFound,
    HandoffOutcome,
    HandoffState,
    HandoffStatus,
    HandoffTaken,
    HandoffUnclaimed,
    HumanInControl,
    Reason,
    RequestIdReused,
    Role,
    SessionNotFound,
    SessionOutcome,
    SessionOver,
    Turn,
)
from contextd_client.sync import ContextdClient as SyncClient
from contextd_client.testing import FakeContextd

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

ROOT = Path(__file__).parents[3]
EXAMPLE = Path(__file__).parents[1] / "examples" / "agent_desk.py"
PATIENT = Deadlines(build=20, record=20, escalate=20, desk=20)
ROOM = Budget("gpt-4o", 4_096, 256)


@pytest.fixture(scope="module")
def daemon() -> Iterator[str]:
    """The address of a daemon that keeps nothing."""
    where = ["--listen", "127.0.0.1:0", "--ops", "", "--store", "memory:", "--json"]
    command = [sys.executable, "-m", "contextd", "serve", *where]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["addresses"][0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture(params=["daemon", "fake"])
def connect(request: pytest.FixtureRequest) -> Callable[[], ContextdClient]:
    """A client of the daemon and one of the fake, for a tenant of the test's own."""
    tenant = request.node.name
    if request.param == "fake":
        return lambda: FakeContextd(tenant=tenant)
    target = request.getfixturevalue("daemon")
    return lambda: ContextdClient(target, tenant=tenant, deadlines=PATIENT)


async def take(stream: AsyncGenerator[Any, None], many: int) -> list[Any]:
    """Return the next *many* of a stream, and close it."""
    async with aclosing(stream):
        return [await asyncio.wait_for(anext(stream), 20) for _ in range(many)]


def test_a_handoff_goes_to_a_human_and_back(
    runner: asyncio.Runner, connect: Callable[[], ContextdClient]
) -> None:
    """Listed, claimed, resolved; the assistant is silent meanwhile."""

    async def scenario() -> None:
        async with connect() as client:
            session, desk = client.session("talk", budget=ROOM), client.handoffs()
            await session.record(user="I want a human.")
            raised = await session.escalate(Reason.USER_REQUEST)
            handoff = raised.handoff.handoff_id
            (waiting,) = await desk.list()
            assert (waiting.handoff_id, waiting.status) == (handoff, HandoffStatus.WAITING)
            with pytest.raises(HandoffUnclaimed):
                await desk.resolve(handoff, HandoffOutcome.SOLVED)

            first = await desk.claim(handoff, "ana", request_id="c1")
            again = await desk.claim(handoff, "ana", request_id="c1")
            assert (first.entry.agent, first.replayed, again.replayed) == ("ana", False, True)
            with pytest.raises(HandoffTaken) as taken:
                await desk.claim(handoff, "bo")
            assert taken.value.claimed_by == "ana"
            with pytest.raises(HumanInControl):
                await session.record(assistant="Hi!")
            await session.record(Turn(Role.HUMAN_AGENT, "Hello, I am Ana.", author="Ana"))
            assert (await session.build("Hello?")).handoff_state is HandoffState.HUMAN

            done = await desk.resolve(
                handoff, HandoffOutcome.SOLVED, note="All good.", request_id="r1"
            )
            assert done.handoff_state is HandoffState.BOT
            with pytest.raises(HandoffEnded):
                await desk.claim(handoff, "bo")
            with pytest.raises(RequestIdReused):
                await desk.resolve(handoff, HandoffOutcome.UNSOLVED, request_id="r1")
            assert await desk.list() == []
            (ended,) = await desk.list(HandoffStatus.RESOLVED)
            assert (ended.outcome, ended.agent) == (HandoffOutcome.SOLVED, "ana")
            opened = await desk.get(handoff, form=DeskFormat.MARKDOWN)
            assert opened.rendered.startswith("#")
            with pytest.raises(HandoffNotFound):
                await desk.get("nothing")
            await session.record(assistant="I am back.")

    runner.run(scenario())


def test_a_closed_conversation_takes_no_turns(
    runner: asyncio.Runner, connect: Callable[[], ContextdClient]
) -> None:
    """It is closed once; a handoff that waits ends with it."""

    async def scenario() -> None:
        async with connect() as client:
            session, desk = client.session("talk", budget=ROOM), client.handoffs()
            with pytest.raises(SessionNotFound):
                await session.close(SessionOutcome.RESOLVED)
            await session.record(user="hi")
            await session.escalate(Reason.OTHER)
            first = await session.close(SessionOutcome.ABANDONED, rating=3, request_id="x")
            again = await session.close(SessionOutcome.ABANDONED, rating=3, request_id="x")
            assert (first.revision, again.replayed) == (again.revision, True)
            with pytest.raises(SessionOver):
                await session.record(user="one more thing")
            with pytest.raises(SessionOver):
                await session.close(SessionOutcome.RESOLVED)
            assert await desk.list() == []

    runner.run(scenario())


def test_what_happens_is_told_from_any_point_on(
    runner: asyncio.Runner, connect: Callable[[], ContextdClient]
) -> None:
    """Events of a session, changes of handoffs; what comes while somebody watches, too."""

    async def scenario() -> None:
        async with connect() as client:
            session, desk = client.session("talk", budget=ROOM), client.handoffs()
            await session.record(user="hi")
            coming = asyncio.create_task(take(session.watch(after=2), 2))
            changing = asyncio.create_task(take(desk.watch(), 1))
            await asyncio.sleep(0.2)
            raised = await session.escalate(Reason.OTHER)
            await desk.claim(raised.handoff.handoff_id, "ana")
            told, changed = await coming, await changing
            whole = await take(session.watch(), 4)

            assert [each.kind for each in told] == [
                EventKind.HANDOFF_RAISED,
                EventKind.HANDOFF_CLAIMED,
            ]
            assert changed[0].handoff_id == raised.handoff.handoff_id
            assert [each.kind for each in whole[:2]] == [
                EventKind.OPENED,
                EventKind.TURNS_RECORDED,
            ]
            assert whole[1].turns[0].text == "hi"
            assert whole[2:] == told
            (newest,) = await take(desk.watch(changed[0].position - 1), 1)
            assert newest.status in {HandoffStatus.WAITING, HandoffStatus.CLAIMED}
            with pytest.raises(SessionNotFound):
                await take(client.session("none").watch(), 1)

    runner.run(scenario())


def test_the_same_without_a_loop() -> None:
    """The methods of the desk work as their namesakes, and a watch is an iterator."""
    with SyncClient(FakeContextd()) as client:
        session, desk = client.session("chat"), client.handoffs()
        session.record(user="Hi")
        handoff = session.escalate(Reason.OTHER).handoff.handoff_id
        assert [each.handoff_id for each in desk.list()] == [handoff]
        assert desk.claim(handoff, "ana").entry.agent == "ana"
        assert desk.get(handoff).entry.status is HandoffStatus.CLAIMED
        for change in desk.watch():
            assert change.status is HandoffStatus.CLAIMED
            break
        kinds = []
        for event in session.watch():
            kinds.append(event.kind)
            if event.kind is EventKind.HANDOFF_CLAIMED:
                break
        assert kinds[0] is EventKind.OPENED
        done = desk.resolve(handoff, HandoffOutcome.SOLVED)
        assert done.handoff_state is HandoffState.BOT
        assert not session.close(SessionOutcome.RESOLVED).replayed


def test_the_example_runs(daemon: str) -> None:
    """A desk that takes what waits and gives it back."""
    ran = subprocess.run(
        [sys.executable, str(EXAMPLE), "--once"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={
            "CONTEXTD_TARGET": daemon,
            "CONTEXTD_TENANT": "example",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'clients/python/src'}",
            "PATH": "",
        },
        text=True,
        timeout=60,
    )
    assert "took" in ran.stdout
    assert "gave back" in ran.stdout
