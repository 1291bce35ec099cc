from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.load.checks import faults
from benchmarks.load.floor import OPTIONS
from benchmarks.load.goodput import PRECISION, Search
from benchmarks.load.targets import targets
from benchmarks.load.watching import Metrics, cpu_seconds
from contextd.rpc.server import Listen, _options

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
RATE = "25"

pytestmark = pytest.mark.timeout(400)  # the quick run is part of whichever test comes first


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The figures of a quick run of real daemons and a real floor."""
    folder = tmp_path_factory.mktemp("load")
    outcome = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.load", "--quick", "--curves"),
            *("--folder", str(folder)),
            *("--json", str(folder / "load.json"), "--plots", str(folder / "plots")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "Targets" in outcome.stdout
    assert {path.name for path in (folder / "plots").iterdir()} == {
        *("cdf.svg", "latency.svg", "sessions-on-disk.svg", "turns-a-session.svg"),
    }
    assert not list(folder.glob("contextd-load-*"))
    loaded: dict[str, Any] = json.loads((folder / "load.json").read_text(encoding="utf-8"))
    return loaded


def at(tree: Mapping[str, Any], path: str) -> Any:
    """What stands at the dotted *path*."""
    found: Any = tree
    for key in filter(None, path.split(".")):
        found = found[key]
    return found


@pytest.mark.parametrize(
    "key",
    [
        *(f"floor.{RATE}.p50_ms", f"floor.{RATE}.max_ms"),
        *(f"build_context.{rung}.{RATE}.p50_ms" for rung in ("static", "minilm")),
        *(f"record_turn.{RATE}.p50_ms", "escalate.p50_ms", "cold_load.p50_ms"),
        *(f"max_goodput.{name}" for name in ("floor", "build_context", "record_turn")),
        *(f"cpu_us_per_call.{name}" for name in ("floor", "build_context", "record_turn")),
        *("fdatasync.p50_ms", "start_to_serving_s", "rss_mb", "rss_mb_minilm"),
        *(f"mixed.{int(RATE) // 2}.build_context.p50_ms", "folding_storm.record_turn.p50_ms"),
        f"ratios.build_context.static.{RATE}.p50",
        *("curves.turns a session.40.build_context.p50_ms", "curves.sessions on disk.20.rss_mb"),
    ],
)
def test_the_figures_have_their_keys(tree: dict[str, Any], key: str) -> None:
    """What outside harnesses read is there, and is a number above zero."""
    assert at(tree, key) > 0


@pytest.mark.parametrize("key", [f"floor.{RATE}", f"build_context.static.{RATE}", "escalate"])
def test_a_99th_percentile_of_few_calls_is_left_out(tree: dict[str, Any], key: str) -> None:
    """The key is there all the same; a quick run has not enough calls for a value."""
    assert at(tree, key)["p99_ms"] is None


def test_what_was_counted_adds_up(tree: dict[str, Any]) -> None:
    """Calls are answers and errors, nothing failed, and the daemon saw what it did."""
    assert faults(tree, strict=False) == []
    assert tree["failed_calls"] == {}
    assert tree["folding_storm"]["folds"] > 0
    assert tree["answer_bytes"]["BuildContext"] > tree["answer_bytes"]["RecordTurn"] > 0
    assert tree["run"]["plan"]["turns"] == 60


def test_the_floor_is_below_the_daemon(tree: dict[str, Any]) -> None:
    """Whatever the machine does meanwhile, doing nothing costs less than building a context."""
    cpu = tree["cpu_us_per_call"]
    assert cpu["floor"] < cpu["build_context"]
    assert cpu["build_context"] < cpu["escalate"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (f"floor.{RATE}.calls", 7_000, "7000 calls, but"),
        (f"record_turn.{RATE}.p50_ms", 90_000.0, "not in order"),
        ("cold_load.p50_ms", -1.0, "before it was asked"),
        ("failed_calls", {"INTERNAL": 2}, "2 calls failed: INTERNAL"),
        ("max_goodput.record_turn", 0.0, "record_turn held no rate"),
        (f"build_context.minilm.{RATE}.rounds_valid", 0, "no round of build_context.minilm"),
    ],
)
def test_figures_that_cannot_be_are_refused(
    tree: dict[str, Any], key: str, value: object, said: str
) -> None:
    """Each check finds what it is for."""
    wrong = copy.deepcopy(tree)
    *path, last = key.split(".")
    at(wrong, ".".join(path))[last] = value
    assert any(said in fault for fault in faults(wrong, strict=True))


def test_shed_load_is_no_fault_of_the_figures(tree: dict[str, Any]) -> None:
    """A daemon may refuse what it cannot do; that shows as goodput."""
    assert faults(tree | {"failed_calls": {"OVERLOADED": 9}}, strict=False) == []


def test_targets_are_met_or_not(tree: dict[str, Any]) -> None:
    """Twelve lines; a bound moved beyond what was measured changes the verdict."""
    lines = list(targets(tree))
    assert len(lines) == 12
    (memory,) = [line for line in lines if line.what == "memory, static"]
    assert memory.measured == tree["rss_mb"]
    assert [next(targets(_with(tree, each))).met for each in (1e9, 0.0)] == [False, True]


def _with(tree: dict[str, Any], p50: float) -> dict[str, Any]:
    changed = copy.deepcopy(tree)
    changed["build_context"]["static"][RATE]["p50_ms"] = p50
    return changed


def test_the_floor_has_the_daemons_options() -> None:
    """Nothing but contextd's own work may lie between the two."""
    assert sorted(OPTIONS) == sorted(_options(Listen()))


@pytest.mark.parametrize("limit", [3.0, 60.0, 99.0, 2_500.0])
def test_the_search_finds_the_highest_rate(limit: float) -> None:
    """It ends within its precision below the limit, and never above it."""
    search = Search(100)
    tried = 0
    while (rate := search.rate) is not None:
        search.told(held=rate <= limit)
        tried += 1
    assert limit / PRECISION / PRECISION <= search.held <= limit
    assert tried < 40


def test_one_failure_does_not_end_the_search() -> None:
    """The machine may have had a bad moment: a rate has to fail twice."""
    search = Search(100)
    search.told(held=False)
    assert search.rate == 100
    search.told(held=True)
    assert search.rate == 200
    search.told(held=False)
    search.told(held=False)
    assert search.held == 100
    assert 100 < (search.rate or 0) < 200


def test_a_rate_that_nothing_holds_is_none() -> None:
    """The search gives up below one call a second."""
    search = Search(100)
    while search.rate is not None:
        search.told(held=False)
    assert search.held == 0


def test_histograms_are_read_between_two_scrapes() -> None:
    """Only what was counted in between matters; a share is reached in some bucket."""

    def scraped(*counts: float) -> Metrics:
        bounds = ("0.001", "0.01", "+Inf")
        pairs = zip(bounds, counts, strict=True)
        return Metrics({("lag_bucket", (("le", bound),)): count for bound, count in pairs})

    between = scraped(100, 108, 110).since(scraped(95, 99, 100))
    assert between.at_most("lag", 0.5) == 0.001
    assert between.at_most("lag", 0.9) == 0.01
    assert between.at_most("lag", 0.99) == float("inf")
    assert between.plus(between).total("lag_bucket", le="+Inf") == 20
    assert Metrics({}).at_most("lag", 0.5) is None


def test_the_processor_time_of_a_process_grows_with_its_work() -> None:
    """Half a second of work shows as such, in seconds."""
    before = cpu_seconds(os.getpid())
    own = os.times().user
    while os.times().user < own + 0.5:
        sum(range(10_000))
    assert 0.3 < cpu_seconds(os.getpid()) - before < 3.0
