"""The whole daemon beside a model that misbehaves: no caller ever notices."""

from __future__ import annotations

import asyncio
import signal
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import grpc

from contextd.v1 import common_pb2, context_service_pb2, context_service_pb2_grpc
from tests.cli.conftest import served
from tests.summarizers.endpoint import HANGS, RESETS, Reply, Server, said, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.cli.conftest import Served

KEY = "sk-very-secret"
GOOD = "The user asked again and again about the garden gate and its green paint from Riga."
ASKED = "Question {0}: the garden gate needs green paint from Riga, when does coat {0} dry?"
TOLD = "Answer {0}: the green paint from Riga dries overnight, so paint the garden gate tonight."
BUDGET = context_service_pb2.Budget(context_window_tokens=1_500)


class Talk:
    """A conversation with a daemon, over gRPC like any other."""

    def __init__(self, channel: grpc.Channel, name: str) -> None:
        self.ref = common_pb2.SessionRef(tenant_id="t", conversation_id=name)
        self.stub = context_service_pb2_grpc.ContextServiceStub(channel)
        self.at = 0

    def go_on(self, exchanges: int = 1) -> None:
        """Record a few exchanges; every call is answered at once."""
        for _ in range(exchanges):
            self.at += 1
            turns = [
                common_pb2.Turn(role=common_pb2.ROLE_USER, text=ASKED.format(self.at)),
                common_pb2.Turn(role=common_pb2.ROLE_ASSISTANT, text=TOLD.format(self.at)),
            ]
            request = context_service_pb2.RecordTurnRequest(session=self.ref, turns=turns)
            self.stub.RecordTurn(request, timeout=5)

    def prompt(self) -> str:
        """Build the next context and return all of its text."""
        message = common_pb2.Turn(role=common_pb2.ROLE_USER, text="When does it dry?")
        request = context_service_pb2.BuildContextRequest(
            session=self.ref, message=message, budget=BUDGET
        )
        answer = self.stub.BuildContext(request, timeout=5)
        return "\n".join(each.text for each in answer.messages)

    def folded(self) -> None:
        """Talk until the older turns are folded."""
        self.prompt()
        while "Summary of earlier turns" not in self.prompt():
            self.go_on()


@contextmanager
def daemon(folder: Path, server: Server) -> Iterator[tuple[Served, grpc.Channel]]:
    """Run a daemon that asks *server*; its log is added to `folder/log`."""
    path = folder / "contextd.toml"
    path.write_text(
        f'[summarizer]\nkind = "openai"\nurl = "{server.url}"\nmodel = "small"\n'
        f'api_key_file = "{folder}/key"\ntimeout_seconds = 1.0\nretries = 0\n'
        "breaker_failures = 2\nbreaker_seconds = 0.05\n",
        encoding="utf-8",
    )
    (folder / "key").write_text(KEY + "\n", encoding="utf-8")
    store = f"sqlite:///{folder}/state.db"
    log = folder / f"log{len(list(folder.glob('log*')))}"
    with (
        served("--config", str(path), "--store", store, "--log-level", "debug", log=log) as process,
        grpc.insecure_channel(process.target) as channel,
    ):
        yield process, channel


@asynccontextmanager
async def beside(folder: Path, server: Server) -> AsyncIterator[tuple[Served, grpc.Channel]]:
    """Run a daemon without holding up the server that it asks."""
    running = daemon(folder, server)
    opened = await asyncio.to_thread(running.__enter__)
    try:
        yield opened
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


def metrics(process: Served) -> str:
    """Return what the daemon counts."""
    with urllib.request.urlopen(f"http://{process.ops}/metrics", timeout=5) as reply:
        return str(reply.read().decode())


def counted(text: str, name: str, label: str) -> float:
    """Return one figure of the metrics, 0 when it was never counted."""
    line = f"contextd_{name}_total{{{label}}} "
    return next(
        (float(at.removeprefix(line)) for at in text.splitlines() if at.startswith(line)), 0
    )


def discreet(folder: Path, process: Served) -> bool:
    """Say whether neither the metrics nor the logs hold the key or a word of the talk."""
    texts = [metrics(process), *(path.read_text() for path in folder.glob("log*"))]
    return not any(KEY in text or "garden" in text for text in texts)


def test_nobody_waits_for_a_model_and_a_restart_asks_again(tmp_path: Path) -> None:
    """While it hangs every call is answered; killed in between, the daemon asks anew."""

    async def main() -> None:
        async with serving(Reply(HANGS)) as server:
            async with beside(tmp_path, server) as (process, channel):
                talk = Talk(channel, "hangs")
                await asyncio.to_thread(talk.folded)
                await asyncio.wait_for(server.asked.wait(), 30)
                await asyncio.to_thread(talk.go_on, 3)
                assert "retold" not in await asyncio.to_thread(talk.prompt)
                assert await asyncio.to_thread(discreet, tmp_path, process)
                await asyncio.to_thread(process.stop, signal.SIGKILL)
            server.replies[:] = [said(GOOD)]
            async with beside(tmp_path, server) as (process, channel):
                again = Talk(channel, "hangs")
                await asyncio.to_thread(again.go_on)
                await until_shown(again)
                assert await asyncio.to_thread(discreet, tmp_path, process)
                assert await asyncio.to_thread(process.stop) == 0

    asyncio.run(main())


def test_through_every_kind_of_failure_to_a_good_answer(tmp_path: Path) -> None:
    """The breaker opens and closes, unfit answers are not shown, and at last the good one is."""
    bad: dict[str, list[Reply]] = {
        "unavailable": [Reply("x", 500), Reply(RESETS), Reply("<html></html>"), Reply(HANGS)],
        "is empty": [said("")],
        "says that there is nothing": [said("NONE")],
        "refuses": [said("I'm sorry, but I can't summarize the garden gate.")],
        "reads like an error": [said("Error: the garden gate model is not loaded")],
        "is too long": [said(" ".join(f"{GOOD[:-1]}{', paint' * at}." for at in range(15)))],
        "holds a figure that its source does not hold": [said("The green paint costs 977 euros.")],
    }

    async def main() -> None:
        async with serving() as server, beside(tmp_path, server) as (process, channel):
            for name, replies in bad.items():
                server.replies[:] = [*replies, said(GOOD)]
                talk = Talk(channel, name)
                await asyncio.to_thread(talk.folded)
                await until_shown(talk)
            text = await asyncio.to_thread(metrics, process)
            for name, replies in bad.items():
                assert counted(text, "summaries", f'outcome="{name}"') == len(replies), name
            assert counted(text, "summaries", 'outcome="shown"') == len(bad)
            assert counted(text, "own_tokens", 'kind="input"') == 120 * (2 * len(bad) - 1)
            for state in ("open", "half_open", "closed"):
                assert counted(text, "summarizer_breaker", f'state="{state}"') >= 1, state
            assert await asyncio.to_thread(discreet, tmp_path, process)

    asyncio.run(main())


async def until_shown(talk: Talk) -> None:
    """Build contexts until the model's text is in them; none of them waits."""
    async with asyncio.timeout(30):
        while f"retold: {GOOD}" not in await asyncio.to_thread(talk.prompt):
            pass
