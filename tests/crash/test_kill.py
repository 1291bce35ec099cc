from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from tests.crash.daemon import Daemon
from tests.crash.load import Promises, Writer, recorded

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 200
CONVERSATIONS = 4
WRITERS_EACH = 2
CHECK_EVERY = 25


async def check(daemon: Daemon, promises: Promises) -> None:
    """Every promise is kept: each acknowledged turn is there once, where it was promised."""
    for conversation, promised in promises.acknowledged.items():
        turns = await recorded(daemon.target, conversation)
        ids = [turn.turn_id for turn in turns]
        there = {turn.turn_id: turn.sequence for turn in turns}

        assert len(ids) == len(set(ids)), "a turn is there twice"
        assert [turn.sequence for turn in turns] == list(range(1, len(turns) + 1))
        missing = promised.items() - there.items()
        assert not missing, f"acknowledged turns lost or moved: {sorted(missing)[:5]}"
        for writer in {turn_id.rsplit("-", 1)[0] for turn_id in ids}:
            own = [int(name.rsplit("-", 1)[1]) for name in ids if name.startswith(f"{writer}-")]
            assert own == sorted(own), "a writer's turns are out of order"


async def rounds(daemon: Daemon, kills: int, seed: int) -> Promises:
    """Kill the daemon *kills* times under load, checking along the way."""
    chance = random.Random(seed)
    promises = Promises()
    stopped = asyncio.Event()
    await daemon.start()
    writers = [
        Writer(f"w{number}.{twin}", f"c{number}", promises)
        for number in range(CONVERSATIONS)
        for twin in range(WRITERS_EACH)
    ]
    load = [asyncio.create_task(one.write(lambda: daemon.target, stopped)) for one in writers]
    for kill in range(1, kills + 1):
        await asyncio.sleep(chance.uniform(0.01, 0.2))
        daemon.kill()
        await daemon.start()
        if kill % CHECK_EVERY == 0:
            await check(daemon, promises)
    stopped.set()
    await asyncio.gather(*load)
    await check(daemon, promises)
    daemon.kill()
    return promises


@pytest.mark.timeout(1_800)
def test_nothing_acknowledged_is_lost_when_killed(tmp_path: Path) -> None:
    """After 200 kills −9 under load every acknowledged turn is there once, in order."""
    promises = asyncio.run(rounds(Daemon(tmp_path), KILLS, seed=7))
    assert promises.count > KILLS
    assert promises.retried > 0, "no kill hit a write between commit and answer"
