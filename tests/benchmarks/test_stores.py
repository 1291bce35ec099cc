from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.stores.results import failed
from benchmarks.stores.run import CALLS

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(240)
def test_the_same_load_on_two_stores(tmp_path: Path) -> None:
    """A quick run starts the server, calls both daemons, and writes what it found."""
    file = tmp_path / "stores.json"
    outcome = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.stores", "--quick"),
            *("--store", "sqlite", "--store", "redis"),
            *("--json", str(file), "--plots", str(tmp_path / "plots")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert (tmp_path / "plots" / "stores.svg").stat().st_size
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert list(figures["stores"]) == ["sqlite", "redis"]
    for own in figures["stores"].values():
        assert own["round_trip"]["p50_ms"] > 0
        for call in CALLS:
            line = own[call]["20"]
            assert line["calls"] == line["ok"] > 0
            assert line["p50_ms"] > own["round_trip"]["p50_ms"]
    assert figures["stores"]["sqlite"]["build_context"]["20"]["over_sqlite"]["p50"] == 1.0
    assert not failed(figures)


def test_a_store_that_is_not_known() -> None:
    """It is named, with those there are, before anything is started."""
    outcome = subprocess.run(
        [sys.executable, "-m", "benchmarks.stores", "--store", "mysql"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 2
    assert "mysql" in outcome.stderr
    assert "hot+cold" in outcome.stderr
