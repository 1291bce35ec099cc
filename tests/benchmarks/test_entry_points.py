"""Every benchmark starts: what it imports is there, and its options can be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = sorted(each.parent.name for each in (ROOT / "benchmarks").glob("*/__main__.py"))


@pytest.mark.parametrize("name", NAMES)
def test_it_tells_its_options(name: str) -> None:
    """`--help` says what can be chosen."""
    told = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    assert "--json" in told.stdout
