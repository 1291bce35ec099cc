"""The model of many sessions keeps the laws that every such system keeps."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.scale.figures import Figures, overridden, told
from benchmarks.scale.limits import CLUSTER, ONE_POD, ONE_REDIS, STAGES, most, verdict, worst
from benchmarks.scale.model import (
    Chat,
    Needs,
    folds_an_exchange,
    hit_share,
    needs,
    stays_within,
    used_within,
)
from benchmarks.scale.plots import draw
from benchmarks.scale.simulate import Memory, Seen, exchanges, folds, simulate
from benchmarks.scale.tables import figures_table, sized, tables
from benchmarks.scale.validate import Trial, validate

ROOT = Path(__file__).parents[2]
HOUR = 3_600.0
SIZES = (1e3, 1e4, 1e5, 1e6)
BRISK = replace(Figures(), pause_share=0.02, pause_s=600, hot_mib=4, hot_kib=2, hot_kib_turn=1)
"""Sessions that do not stay for long, so that a few hours show many."""


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Four hours of some 300 sessions, after one to warm up."""
    return simulate(BRISK, 300, seconds=5 * HOUR, warm_up=HOUR, seed=7)


def test_what_comes_goes_or_is_there(seen: Seen) -> None:
    """Conservation: arrivals less departures are what present sessions grew by."""
    assert seen.arrived > 1_000
    assert seen.arrived - seen.departed == seen.present_after - seen.present_before


def test_littles_law(seen: Seen) -> None:
    """Those present are the arrivals a second times how long they stay."""
    rate, stay = seen.arrived / seen.seconds, seen.stays_s / seen.departed
    assert rate * stay == pytest.approx(seen.present, rel=0.05)
    assert seen.present == pytest.approx(300, rel=0.08)
    assert stay == pytest.approx(Chat.of(BRISK).stays_s, rel=0.08)


def test_the_simulation_does_what_the_model_says(seen: Seen) -> None:
    """Exchanges, hits and folds of the one are those of the other."""
    assert seen.exchanges / seen.seconds == pytest.approx(needs(BRISK, 300).exchanges_s, rel=0.06)
    assert seen.hit_share == pytest.approx(hit_share(BRISK, seen.present, 4 * 2**20), abs=0.02)
    assert 0.2 < seen.hit_share < 0.95, "neither all nor nothing, or it would show nothing"
    assert seen.folds / seen.exchanges == pytest.approx(folds_an_exchange(BRISK), rel=0.15)


def test_every_session_speaks_in_order() -> None:
    """Its exchanges are numbered from one, and its last is the last."""
    over: set[int] = set()
    numbers: dict[int, int] = {}
    before = 0.0
    for event in exchanges(BRISK, 50, HOUR, seed=3):
        assert event.at >= before
        assert event.session not in over
        assert event.number == numbers.get(event.session, 0) + 1
        before, numbers[event.session] = event.at, event.number
        if event.last:
            over.add(event.session)
    assert over


def test_a_seed_is_a_course() -> None:
    """The same seed gives the same, another one another."""
    first, again, other = (list(exchanges(BRISK, 20, HOUR, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_memory_drops_what_was_used_longest_ago() -> None:
    """Within its bound, but for the session in use; growth counts once."""
    memory = Memory(100)
    assert [memory.use(each, 40) for each in (1, 2, 1, 3)] == [False, False, True, False]
    assert (memory.evicted, memory.bytes, len(memory)) == (1, 80, 2)
    assert memory.use(1, 60)
    assert not memory.use(2, 10), "it had been dropped"
    assert memory.use(3, 500) is False
    assert (len(memory), memory.bytes) == (1, 500)


def test_folds_come_at_their_marks() -> None:
    """The first when the first mark is crossed, then one for each further stretch."""
    fed = replace(Figures(), turns=2, first_fold=10, next_fold=4)
    assert [number for number in range(1, 12) if folds(fed, number)] == [5, 7, 9, 11]


def test_shares_are_distributions() -> None:
    """From nothing at once to everything at last, and never back."""
    for share in (stays_within, used_within):
        values = [share(Figures(), seconds) for seconds in (0, 1, 60, 600, 6e3, 6e5)]
        assert values[0] == pytest.approx(0)
        assert values[-1] == pytest.approx(1)
        assert all(low < high for low, high in pairwise(values))


def test_more_memory_never_hits_less() -> None:
    """Nor do fewer sessions, nor callers that stay."""
    rooms = [hit_share(Figures(), 5_000, mib * 2**20) for mib in (1, 16, 64, 256, 4_096)]
    assert all(low <= high for low, high in pairwise(rooms))
    assert rooms[0] < rooms[-1]
    crowds = [hit_share(Figures(), held, 64 * 2**20) for held in (10, 1e3, 1e4, 1e5)]
    assert all(high >= low for high, low in pairwise(crowds))
    astray = replace(Figures(), astray=0.5)
    assert hit_share(astray, 1e3, 2**26) == pytest.approx(hit_share(Figures(), 1e3, 2**26) / 2)


@pytest.mark.parametrize("name", [each.name for each in fields(Needs) if each.name != "hits"])
def test_more_sessions_never_ask_for_less(name: str) -> None:
    """Of anything that is counted for all of them; each sidecar's own share stays bounded."""
    values = [getattr(needs(Figures(), size), name) for size in SIZES]
    if name in {"sessions_each", "cpu_ms", "sidecar_memory"}:
        assert max(values[1:]) < 3 * min(values[1:])
        return
    assert all(low <= high for low, high in pairwise(values))


def test_sidecars_are_as_few_as_bear_it() -> None:
    """One fewer would compute for more than they may."""
    fed = Figures()
    for size in SIZES[1:]:
        asked = needs(fed, size)
        assert asked.cores <= asked.sidecars * fed.computing
        fewer = asked.sidecars - 1
        hits = hit_share(fed, size / fewer, fed.hot_mib * 2**20)
        assert asked.exchanges_s * asked.cpu_ms / 1e3 > fewer * fed.computing or hits < asked.hits


def test_costs_move_what_they_cost() -> None:
    """Twice the bytes, twice the memory; twice the processor time, twice the sidecars."""
    fed = Figures()
    base = needs(fed, 1e5)
    twice = replace(fed, redis_kib=2 * fed.redis_kib, redis_kib_turn=2 * fed.redis_kib_turn)
    assert needs(twice, 1e5).redis_memory == pytest.approx(2 * base.redis_memory)
    slow = replace(fed, cpu_ms=2 * fed.cpu_ms)
    assert needs(slow, 1e5).sidecars == pytest.approx(2 * base.sidecars, rel=0.15)
    longer = replace(fed, keep_days=2 * fed.keep_days)
    assert needs(longer, 1e5).postgres_size == pytest.approx(2 * base.postgres_size)


def test_each_stage_bears_more_than_the_one_before() -> None:
    """What it bears is just what breaks none of its parts."""
    fed = Figures()
    bears = [most(fed, limits) for limits in (ONE_POD, ONE_REDIS, CLUSTER)]
    assert bears[0] < bears[1] < bears[2]
    for (stage, limits), size in zip(STAGES.items(), bears, strict=True):
        assert max(each.used(fed, needs(fed, size)) for each in limits) <= 1
        assert max(each.used(fed, needs(fed, size * 1.05)) for each in limits) > 1, stage
        assert verdict(fed, size * 0.99).stage == stage


def test_beyond_the_last_stage_there_are_cells() -> None:
    """As many as it takes, so that no part of any of them is used up."""
    found = verdict(Figures(), 1e7)
    assert found.cells > 1
    assert found.used > 1
    assert (
        worst(Figures(), 1e7 / found.cells)[1] <= 1 < worst(Figures(), 1e7 / (found.cells - 1))[1]
    )


def test_the_daemons_own_memory_does_as_predicted() -> None:
    """Its hits and evictions, from the size of one session alone."""
    trial = Trial(sessions=60, seconds=2 * HOUR, warm_up=HOUR, room_bytes=700 << 10)
    found = asyncio.run(validate(BRISK, trial))
    hits, evicted = found["hit_share"], found["evicted"]
    assert 0.2 < hits["daemon"] < 0.95
    assert hits["simulation"] == pytest.approx(hits["daemon"], abs=0.03)
    assert hits["model"] == pytest.approx(hits["daemon"], abs=0.06)
    assert evicted["simulation"] == pytest.approx(evicted["daemon"], rel=0.1)


def test_figures_can_be_given() -> None:
    """By name; what is none is refused with what to do; every figure tells its source."""
    fed = overridden(Figures(), ["cpu_ms=7.5", "keep_days=90"])
    assert (fed.cpu_ms, fed.keep_days) == (7.5, 90)
    sources = {name: source for name, _, _, source in told(fed)}
    assert sources["cpu_ms"] == "given: --set"
    assert all(
        each.startswith(("measured: ", "set: ", "assumed", "given: ")) for each in sources.values()
    )
    for wrong in ("cpu=1", "cpu_ms=fast", "cpu_ms=-1", "cpu_ms=nan", "cpu_ms"):
        with pytest.raises(ValueError, match="cpu"):
            overridden(Figures(), [wrong])


def test_it_is_told_and_drawn(tmp_path: Path) -> None:
    """Tables of every size, and the picture."""
    asked = [needs(Figures(), size) for size in SIZES]
    first, second, third = tables(Figures(), asked)
    assert (len(first.columns), second.row_count, third.row_count) == (5, 4, 3)
    assert figures_table(Figures()).row_count == len(fields(Figures()))
    assert (sized(512), sized(3 << 30)) == ("512 B", "3 GiB")
    (path,) = draw(Figures(), tmp_path)
    assert "<svg" in path.read_text()


def test_an_exchange_is_measured(tmp_path: Path) -> None:
    """Two writes, some reads, and bytes of both; in a process of its own, as a daemon is."""
    path = tmp_path / "figures.json"
    measure = ("--measure", "--sessions", "1", "--lengths", "4", "--folder", str(tmp_path))
    command = [sys.executable, "-m", "benchmarks.scale", *measure, "--json", str(path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(path.read_text())["measured"]["4"]
    assert found["store"]["append"] == 2
    assert 0 < found["store"]["read"] < 2
    assert found["store"]["append bytes"] > 100
    assert found["hot_bytes"] > 1_000
    assert found["response_bytes"] > found["request_bytes"] > 100
    assert found["cold"]["sqlite"] > found["cold"]["encoded"] > 1_000
