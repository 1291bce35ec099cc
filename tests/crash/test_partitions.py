"""Rounds in which daemons and the servers of stores are broken; and that they would notice."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.partitions.clients import Client
from benchmarks.partitions.findings import FAULTS, totals, wrong
from benchmarks.partitions.rounds import Size, rounds_on
from contextd.testing.histories import Placed

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Size(sessions=2, clients=3, steps=6, pause=0.06, seconds=(0.1, 0.4))
PLAYED = {
    "redis": ("daemon killed", "server killed", "answers swallowed", "resets"),
    "postgres": ("server killed", "daemon paused", "answers swallowed"),
    "hot+cold": ("server killed", "resets", "black hole"),
}


async def played(store: str, folder: Path, faults: tuple[str, ...]) -> dict[str, Any]:
    """Play a round with each of *faults*; return the totals."""
    lines: list[dict[str, Any]] = []
    async with rounds_on(store, folder, seed=7, size=SMALL) as rounds:
        for number, fault in enumerate(faults):
            lines.append(await rounds.play(number, fault))
        lines.append(await rounds.again())
    return totals([{"seed": 7, "commit": "", **each} for each in lines])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", PLAYED)
def test_nothing_acknowledged_is_lost(store: str, tmp_path: Path) -> None:
    """Whatever is killed, paused or cut off: what was acknowledged is there, once, in order."""
    found = asyncio.run(played(store, tmp_path, PLAYED[store]))
    assert not wrong(found), found["examples"]
    assert found["rounds"] == len(PLAYED[store])
    assert found["acknowledged"] > 10 * found["rounds"]
    assert found["looks"] > found["rounds"]


@pytest.fixture
def untrue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every tenth request be acknowledged without being made."""
    made, asked = Client.record, Counter[str]()

    async def record(self: Client, request_id: str, texts: tuple[str, ...]) -> Placed:
        asked["requests"] += 1
        if asked["requests"] % 10 == 0:
            return Placed(1, 1)
        return await made(self, request_id, texts)

    monkeypatch.setattr(Client, "record", record)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("untrue")
def test_it_would_be_noticed(tmp_path: Path) -> None:
    """Acknowledged and not there is found, and counted as what it is."""
    found = asyncio.run(played("redis", tmp_path, ("slices",)))
    assert found["lost"] > 0
    assert found["reordered"] > 0
    assert set(found) >= set(FAULTS)
