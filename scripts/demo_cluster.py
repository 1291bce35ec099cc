"""`make demo-cluster`: two daemons, a Redis and a Postgres, one conversation between them.

Every message is answered by the other daemon than the one before; one daemon is killed with
SIGKILL in the middle, and Redis at the end.  Everything runs on this machine, in temporary
folders.  Exit 0 only when everything that is claimed at the end held.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from rich.console import Console
from rich.table import Table

from contextd.cli.child import Daemon, own_daemon
from contextd.cli.demo.script import load_script
from contextd.cli.figures import tier_name
from contextd.stores import open_store
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub
from tests.servers.postgres import postgres_server
from tests.servers.redis import redis_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from contextd.cli.conversations import Conversation

BUDGET = pb.Budget(context_window_tokens=4_600, reserved_output_tokens=1_000)
SESSION = common.SessionRef(tenant_id="halden-moss", conversation_id="maya")
SHOWN_EVERY = 6
ALONE = 10
"""Turns for which one daemon is left."""
CALL_SECONDS = 30.0


@dataclass(slots=True)
class Site:
    """The daemons by their names, with a channel to each; `claims` say what held."""

    store: str
    archive: str
    folder: Path
    stack: AsyncExitStack
    daemons: dict[str, tuple[Daemon, grpc.aio.Channel]] = field(default_factory=dict)
    claims: list[tuple[str, bool]] = field(default_factory=list)

    async def start(self, name: str) -> None:
        """Start a daemon of this name."""
        settings = {"CONTEXTD__STORE__ARCHIVE": self.archive}
        log = self.folder / f"{name}.log"
        daemon = await self.stack.enter_async_context(own_daemon(self.store, log, settings))
        channel = await self.stack.enter_async_context(grpc.aio.insecure_channel(daemon.target))
        self.daemons[name] = daemon, channel

    def kill(self, name: str) -> None:
        """End a daemon as a crash would."""
        daemon, _ = self.daemons.pop(name)
        os.kill(daemon.pid, signal.SIGKILL)

    def context(self, name: str) -> ContextServiceStub:
        """Return the calls to a daemon."""
        return ContextServiceStub(self.daemons[name][1])

    def claim(self, what: str, held: bool) -> None:  # noqa: FBT001 - reads well
        """Write down whether something held."""
        self.claims.append((what, held))


async def main() -> int:
    """Play the conversation; return the exit status."""
    console, talk = Console(highlight=False), load_script().conversation
    with tempfile.TemporaryDirectory() as folder:
        with redis_server(Path(folder) / "redis") as redis:
            postgres = postgres_server()
            console.print(f"Redis on port {redis.port}, PostgreSQL on port {postgres.port}")
            async with AsyncExitStack() as stack:
                site = Site(redis.url, postgres.url("demo"), Path(folder), stack)
                for name in ("A", "B"):
                    await site.start(name)
                await _converse(site, talk, console)
                await _compare(site, talk)
                redis.kill()
                console.print("\nRedis is killed; A asks for one more context")
                await _without_redis(site, console)
        await _archived(site, talk)
    for what, held in site.claims:
        console.print(f"  {'[green]✓[/]' if held else '[red]✗[/]'} {what}")
    return 0 if all(held for _, held in site.claims) else 1


async def _converse(site: Site, talk: Conversation, console: Console) -> None:
    table = Table("turn", "asked", "recorded by", "tier", "tokens sent", "revision", box=None)
    middle, told, missing, exchange = len(talk.turns) // 2, 0, 0, 0
    for number, turn in enumerate(talk.turns, 1):
        names = sorted(site.daemons)
        asked, recorder = names[exchange % len(names)], names[(exchange + 1) % len(names)]
        if turn.role == common.ROLE_USER:
            exchange += 1
            built = await site.context(asked).BuildContext(
                _asking(talk, turn), timeout=CALL_SECONDS
            )
            missing += built.revision < told
            if exchange % SHOWN_EVERY in {0, 1}:
                shown = f"{built.token_count:,} of {built.input_budget_tokens:,}"
                row = (str(number), asked, recorder, tier_name(built.tier), shown, str(told))
                table.add_row(*row)
        record = pb.RecordTurnRequest(session=SESSION, turns=[turn], request_id=f"turn-{number}")
        recorded = await site.context(recorder).RecordTurn(record, timeout=CALL_SECONDS)
        told = recorded.revision
        if number == middle:
            site.kill("B")
            table.add_row(str(number), "[red]B is killed[/]", "[red]kill −9[/]", "", "", str(told))
            again = await site.context("A").RecordTurn(record, timeout=CALL_SECONDS)
            site.claim("the newest turn, sent again to A, is known and taken once", again.replayed)
        if number == middle + ALONE:
            await site.start("C")
            table.add_row(str(number), "[green]C starts[/]", "", "", "", str(told))
    console.print(table)
    site.claim("every context knew every turn acknowledged before it, by whichever", not missing)


def _asking(talk: Conversation, turn: common.Turn) -> pb.BuildContextRequest:
    return pb.BuildContextRequest(
        session=SESSION, message=turn, system_prompt=talk.system_prompt, budget=BUDGET
    )


async def _compare(site: Site, talk: Conversation) -> None:
    wanted = [turn.turn_id for turn in talk.turns]
    for name, (_, channel) in sorted(site.daemons.items()):
        found = [turn.turn_id async for turn in _turns(SessionServiceStub(channel))]
        site.claim(f"{name} has all {len(wanted)} turns, each once, in order", found == wanted)


async def _turns(stub: SessionServiceStub) -> AsyncIterator[common.Turn]:
    token = ""
    while True:
        request = sessions.ListTurnsRequest(session=SESSION, page_token=token)
        page = await stub.ListTurns(request, timeout=CALL_SECONDS)
        for turn in page.turns:
            yield turn
        token = page.next_page_token
        if not token:
            return


async def _without_redis(site: Site, console: Console) -> None:
    turn = common.Turn(role=common.ROLE_USER, text="What was my order number again?")
    request = pb.BuildContextRequest(session=SESSION, message=turn, budget=BUDGET)
    built = await site.context("A").BuildContext(request, timeout=CALL_SECONDS)
    codes = [each.code for each in built.degradations]
    console.print(f"  it is built, and says {', '.join(codes)}")
    site.claim("without Redis contexts are built, and say so", "STORE_ARCHIVE_ONLY" in codes)
    record = pb.RecordTurnRequest(session=SESSION, turns=[turn], request_id="without")
    try:
        await site.context("A").RecordTurn(record, timeout=CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        site.claim(
            "without Redis no turn is acknowledged", error.code() is grpc.StatusCode.UNAVAILABLE
        )
    else:
        site.claim("without Redis no turn is acknowledged", held=False)


async def _archived(site: Site, talk: Conversation) -> None:
    store = await open_store(site.archive)
    key_records = await store.sessions(SESSION.tenant_id)
    await store.aclose()
    found = dict(key_records).get(SESSION.conversation_id, 0)
    site.claim(f"the archive has the session, {found} records", found >= len(talk.turns))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
