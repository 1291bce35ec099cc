"""A daemon that sessions come to and go from holds no more at the end than before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.load.__main__ import texts_from
from benchmarks.soak.__main__ import faults
from benchmarks.soak.plots import draw
from benchmarks.soak.run import Found, Plan, soak
from benchmarks.soak.samples import WATCHED, Sample
from benchmarks.soak.slopes import leaks, trends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHORT = Plan(seconds=8.0, round_seconds=0.8, sessions=2, kept=1, turns=6, rate=20.0)


def samples(*held: float, name: str = "memory") -> Sequence[Sample]:
    """Return samples a minute apart in which *name* was *held*, and nothing of all else."""
    nothing = dict.fromkeys(WATCHED, 0.0)
    return [Sample(60.0 * at, nothing | {name: each}) for at, each in enumerate(held)]


@pytest.mark.timeout(180)
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors, threads, tasks and queues of a real daemon are back at their former level."""
    monkeypatch.chdir(tmp_path)
    found = asyncio.run(soak(SHORT, texts_from(None), tmp_path))
    first, last = found.samples[0].held, found.samples[-1].held
    assert found.calls > 0
    assert found.errors == {}
    assert len(found.samples) > 1
    for name in ("calls", "background", "refining", "sessions"):
        assert last[name] == 0, name
    for name in ("descriptors", "threads", "tasks"):
        assert last[name] <= first[name] + WATCHED[name].least, name
        assert last[name] > 0
    assert last["memory"] > 10


@pytest.mark.parametrize("name", WATCHED)
def test_steady_growth_is_a_leak(name: str) -> None:
    """A thing that grows by some of itself each round is named."""
    each = WATCHED[name].least
    grown = samples(*(100.0 + each * at for at in range(30)), name=name)
    assert [line.split()[0] for line in leaks(trends(grown))] == [name]


@pytest.mark.parametrize(
    "held",
    [
        [100.0] * 30,
        [100.0 + 10.0 * at for at in range(10)] + [200.0] * 20,
        [150.0 + (40.0 if at % 3 else -40.0) for at in range(30)],
        [200.0 - at for at in range(30)],
        [100.0 + 0.3 * at for at in range(30)],
    ],
    ids=["level", "only while warming up", "up and down", "falling", "a little"],
)
def test_what_is_no_leak(held: list[float]) -> None:
    """Warming up, wavering, falling and a few megabytes are not."""
    assert leaks(trends(samples(*held))) == []


def test_a_short_run_tells_nothing() -> None:
    """Too few rounds are said to be too few, and calls that failed are told."""
    found = Found(samples=list(samples(1.0, 2.0)), errors={"INTERNAL": 2})
    assert trends(found.samples) == {}
    told = faults(found, {})
    assert "too few to tell" in told[0]
    assert "2 calls failed: INTERNAL" in told[1]


def test_the_levels_are_drawn(tmp_path: Path) -> None:
    """The picture is written."""
    draw(samples(*([1.0] * 9)), tmp_path / "soak.svg")
    assert "<svg" in (tmp_path / "soak.svg").read_text()
