"""Two daemons, a Redis and a Postgres, one conversation between them: the demo is the test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLAIMS = 7


def test_demo_cluster_holds_what_it_claims() -> None:
    """One daemon is killed in the middle, Redis at the end; every claim is held."""
    ran = subprocess.run(
        [sys.executable, "-m", "scripts.demo_cluster"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("✓") == CLAIMS
    assert "✗" not in ran.stdout
