from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.crash.lanes import Lanes, Plan
from benchmarks.crash.record import Record, faults, totals

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 100


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_when_killed(tmp_path: Path) -> None:
    """After kills −9 every acknowledged write is there once, and a retry gets the first answer.

    Daemons are killed under load, while they stand still, and while they start.
    """
    record = Record(None)
    heard: list[int] = []
    asyncio.run(Lanes(Plan(KILLS, seed=7, folder=tmp_path), record, heard.append).run())
    found = totals(record.lines)
    assert faults(record.lines) == 0, found["examples"]
    assert found["kills"] == sum(heard) >= KILLS
    assert found["acknowledged"] > KILLS
    assert found["replays_checked"] > KILLS
    for happened in ("heard_at_a_retry", "folded_sessions_seen", "pauses", "killed_starting"):
        assert found[happened] > 0, happened
    for kind in ("RecordTurn", "BuildContext", "Escalate", "DeleteSession"):
        assert found[f"{kind}Request"] > 0, kind
    assert not list(tmp_path.iterdir()), "a clean part leaves nothing behind"
