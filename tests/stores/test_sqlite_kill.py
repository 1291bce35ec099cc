"""Killed at any moment, the store has what it acknowledged, once and in order.

A kill does not lose what the system has in its cache: `test_sqlite_faults.py` takes care
of syncs, this of everything else that a process leaves behind.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from contextd.events import SessionOpened
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.stores.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
KILLS = 20
SESSIONS = 4


async def write_for_ever(path: str) -> None:
    """Append to each session, printing "session revision" after each acknowledgement."""
    store = await SqliteStore.open(path)

    async def talk(session: int) -> None:
        key = SessionKey("tenant", str(session))
        revision = len(await store.read(key))
        while True:
            pair = tuple(SessionOpened(revision + each, str(session)) for each in (1, 2))
            commit = Commit(pair, revision, f"request-{revision}", "digest")
            revision = (await store.append(key, commit)).revision
            os.write(1, f"{session} {revision}\n".encode())

    await asyncio.gather(*(talk(session) for session in range(SESSIONS)))


async def acknowledged_before_a_kill(path: Path, lines: int) -> dict[int, int]:
    """Run the writer, kill it after some acknowledgements, return the newest of each session."""
    module = "tests.stores.test_sqlite_kill"
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, path, stdout=PIPE, cwd=ROOT
    )
    assert writer.stdout is not None
    newest: dict[int, int] = {}
    read = 0
    async for line in writer.stdout:
        read += 1
        if read == lines:
            os.kill(writer.pid, signal.SIGKILL)
        if line.endswith(b"\n"):
            session, revision = map(int, line.split())
            newest[session] = revision
    assert await writer.wait() == -signal.SIGKILL
    return newest


def test_kill_9(tmp_path: Path) -> None:
    """After twenty kills in a row nothing acknowledged is lost, doubled or out of order."""
    path = tmp_path / "sessions.db"
    rng = random.Random(7)

    async def kill_and_look() -> None:
        for _ in range(KILLS):
            newest = await acknowledged_before_a_kill(path, rng.randrange(1, 400))
            store = await SqliteStore.open(path)
            for session, revision in newest.items():
                log = await store.read(SessionKey("tenant", str(session)))
                assert len(log) >= revision
                expected = [SessionOpened(each + 1, str(session)) for each in range(len(log))]
                assert list(log) == expected
                assert len(log) % 2 == 0
            await store.aclose()

    asyncio.run(kill_and_look())


if __name__ == "__main__":
    asyncio.run(write_for_ever(sys.argv[1]))
