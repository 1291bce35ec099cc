"""A daemon is replaced by the next one, on the same address and file, while clients call."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from contextd.v1 import session_service_pb2 as sessions
from contextd.v1.common_pb2 import ROLE_USER, SessionRef, Turn
from contextd.v1.context_service_pb2 import Budget as RoomMessage
from contextd.v1.context_service_pb2 import BuildContextRequest
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

from contextd_client import Budget, ContextdClient, ContextdError, Deadlines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from contextd.v1.session_service_pb2_grpc import SessionServiceAsyncStub

ROOT = Path(__file__).parents[3]
CLIENTS = 4
RESTARTS = 2
LOOK_SECONDS = 0.02
START_SECONDS = 240.0
"""What a daemon may take to start or to give way: a guard against one that hangs, no more.

On two cores that a dozen processes shared, a change of daemons took more than a minute once.
"""

PATIENT = Deadlines(build=START_SECONDS, record=START_SECONDS, escalate=START_SECONDS)
ROOM = Budget("gpt-4o", 4_096, 256)
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


@dataclass
class Place:
    """Where all the daemons of a test serve, one after the other."""

    folder: Path
    target: str
    arguments: tuple[str, ...]
    started: list[asyncio.subprocess.Process] = field(default_factory=list)

    def clear(self) -> None:
        """End what a failed test has left."""
        for process in self.started:
            if process.returncode is None:
                process.kill()

    async def start(self, number: int) -> asyncio.subprocess.Process:
        """Start a daemon that takes over from the one that has the file."""
        with (self.folder / f"{number}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "contextd", "serve", "--json", *self.arguments),
                *("--ops", "", "--store", f"sqlite:///{self.folder}/state.db"),
                *("--takeover", str(START_SECONDS)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "CONTEXTD__EMBEDDER__MODEL": "static"},
            )
        self.started.append(process)
        return process

    async def waiting(self, number: int) -> None:
        """Return when a daemon waits for the file, everything else being loaded."""
        log = self.folder / f"{number}.log"
        async with asyncio.timeout(START_SECONDS):
            while "waiting" not in log.read_text(encoding="utf-8"):  # noqa: ASYNC110 - a file
                await asyncio.sleep(LOOK_SECONDS)


@dataclass
class Calls:
    """What the callers were told."""

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    built: int = 0
    failures: list[ContextdError] = field(default_factory=list)
    codes: list[grpc.StatusCode] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many calls were answered."""
        return self.built + sum(map(len, self.acknowledged.values()))


@pytest.mark.timeout(3 * START_SECONDS)
@pytest.mark.parametrize("kind", ["socket", "port"])
def test_no_call_fails_while_daemons_change(
    runner: asyncio.Runner, tmp_path: Path, kind: str
) -> None:
    """Clients lose no call; a bare stub is told to come again; each turn is there once."""
    place = _place(tmp_path, kind)

    async def scenario() -> None:
        calls = Calls()
        daemon = await place.start(0)
        await _announced(daemon)
        async with _callers(place, calls):
            for number in range(1, RESTARTS + 1):
                await _more(calls, 40)
                following = await place.start(number)
                await place.waiting(number)
                await _more(calls, 40)
                daemon.send_signal(signal.SIGTERM)
                await _announced(following)
                assert await daemon.wait() == 0
                daemon = following
            await _more(calls, 40)
        assert calls.failures == []
        assert set(calls.codes) <= {grpc.StatusCode.UNAVAILABLE}
        async with grpc.aio.insecure_channel(place.target, OWN_CONNECTION) as channel:
            stub = SessionServiceStub(channel)
            for name, texts in calls.acknowledged.items():
                assert await _texts(stub, name) == texts
        daemon.send_signal(signal.SIGTERM)
        assert await daemon.wait() == 0

    try:
        runner.run(scenario())
    finally:
        place.clear()


def _place(folder: Path, kind: str) -> Place:
    if kind == "socket":
        arguments = ("--listen", "", "--socket", f"{folder}/contextd.sock")
        return Place(folder, f"unix:{folder}/contextd.sock", arguments)
    with socket.create_server(("127.0.0.1", 0)) as free:
        target = f"127.0.0.1:{free.getsockname()[1]}"
    return Place(folder, target, ("--listen", target))


async def _announced(daemon: asyncio.subprocess.Process) -> None:
    """Wait for the line that says it serves."""
    assert daemon.stdout is not None
    line = await asyncio.wait_for(daemon.stdout.readline(), START_SECONDS)
    assert json.loads(line)["event"] == "serving"


async def _more(calls: Calls, count: int) -> None:
    """Return when *count* more calls were answered."""
    wanted = calls.total + count
    async with asyncio.timeout(START_SECONDS):
        while calls.total < wanted:
            assert calls.failures == []
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _callers(place: Place, calls: Calls) -> AsyncIterator[None]:
    """Let clients record and build, and a bare stub build, until the end of the block."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(_client(place.target, f"talk-{number}", calls, stop))
        group.create_task(_bare(place.target, calls, stop))
        try:
            yield
        finally:
            stop.set()


async def _client(target: str, name: str, calls: Calls, stop: asyncio.Event) -> None:
    texts = calls.acknowledged.setdefault(name, [])
    async with ContextdClient(target, tenant="acme", deadlines=PATIENT) as client:
        session = client.session(name, budget=ROOM)
        while not stop.is_set():
            text = f"{name}, turn {len(texts)}"
            try:
                await session.record(user=text)
                texts.append(text)
                await session.build("And now?")
                calls.built += 1
            except ContextdError as error:
                calls.failures.append(error)
                return


async def _bare(target: str, calls: Calls, stop: asyncio.Event) -> None:
    """Call as a stub does that knows nothing of contextd, over a connection of its own."""
    async with grpc.aio.insecure_channel(target, OWN_CONNECTION) as channel:
        stub = ContextServiceStub(channel)
        request = BuildContextRequest(
            session=SessionRef(tenant_id="acme", conversation_id="talk-0"),
            message=Turn(role=ROLE_USER, text="And now?"),
            budget=RoomMessage(model="gpt-4o", context_window_tokens=4_096),
        )
        while not stop.is_set():
            try:
                await stub.BuildContext(request, timeout=START_SECONDS)
            except grpc.aio.AioRpcError as error:
                calls.codes.append(error.code())
                await asyncio.sleep(LOOK_SECONDS)


async def _texts(stub: SessionServiceAsyncStub, name: str) -> list[str]:
    found: list[str] = []
    request = sessions.ListTurnsRequest(
        session=SessionRef(tenant_id="acme", conversation_id=name), page_size=100
    )
    while True:
        page = await stub.ListTurns(request, timeout=START_SECONDS)
        found += [turn.text for turn in page.turns]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
