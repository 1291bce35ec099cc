from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import COMMAND, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run, Served

SMALL = ("--sessions", 3, "--turns", 12, "--rate", 20, "--seconds", 1.5, "--warmup", 0.5)


@pytest.mark.parametrize(
    ("workload", "methods"),
    [
        ("build", {"BuildContext"}),
        ("record", {"RecordTurn"}),
        ("mixed", {"BuildContext", "RecordTurn"}),
        ("escalate", {"Escalate"}),
    ],
)
def test_a_load_is_put_on_a_daemon_and_cleared_away(
    run: Run, daemon: Served, tmp_path: Path, workload: str, methods: set[str]
) -> None:
    """Every call is answered and counted, and no session of the test is left."""
    file = tmp_path / "figures.json"
    answer = run(
        *("loadtest", "--target", daemon.target, "--tenant", "mine", "--workload", workload),
        *(*SMALL, "--json", file),
    )
    told = json.loads(file.read_text(encoding="utf-8"))
    # A busy machine may make the generator late; that must then be said, and is exit 1.
    assert answer.returncode == (not told["valid"]), answer.stderr
    assert ("INVALID" in answer.stdout) == (not told["valid"])
    assert set(told["methods"]) == methods
    for method, own in told["methods"].items():
        assert own["errors"] == {}
        assert own["calls"] == own["ok"] > 10
        assert 0 < own["p50_ms"] <= own["max_ms"]
        assert method in answer.stdout
    left = run("session", "list", "--tenant", "mine", "--target", daemon.target)
    assert left.stdout == ""


def test_refused_calls_are_exit_1_and_cleared_away(run: Run, daemon: Served) -> None:
    """A deadline that nothing can keep is told by its code, as JSON on standard output."""
    answer = run(
        *("loadtest", "--target", daemon.target, "--tenant", "late", *SMALL),
        *("--deadline", 0.001, "--workload", "escalate", "--json", "-"),
    )
    assert answer.returncode == 1
    errors = json.loads(answer.stdout)["methods"]["Escalate"]["errors"]
    assert errors["DEADLINE_EXCEEDED"] > 0
    left = run("session", "list", "--tenant", "late", "--target", daemon.target)
    assert left.stdout == ""


def test_without_a_daemon_it_says_what_to_do(run: Run) -> None:
    """Nobody listens there."""
    answer = run("loadtest", "--target", "127.0.0.1:1", *SMALL)
    assert answer.returncode == 1
    assert "contextd serve" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_missing_texts_are_exit_2(run: Run) -> None:
    """There is nothing to say."""
    answer = run("loadtest", "--texts", "/nowhere.jsonl")
    assert (answer.returncode, "no file" in answer.stderr) == (2, True)


def test_ctrl_c_clears_away_too(daemon: Served) -> None:
    """An interrupted load leaves no session, and does not wait for its end."""
    command = (
        *COMMAND,
        "loadtest",
        "--target",
        daemon.target,
        "--tenant",
        "cut",
        "--seconds",
        "60",
    )
    process = subprocess.Popen(
        [*command, "--sessions", "2", "--turns", "10", "--rate", "20"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if "arrivals a second" in line:
                break
        assert sessions_of(daemon, "cut") == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
    assert sessions_of(daemon, "cut") == 0


def sessions_of(daemon: Served, tenant: str) -> int:
    """Count the sessions of a tenant."""
    listing = subprocess.run(
        [*COMMAND, "session", "list", "--tenant", tenant, "--target", daemon.target],
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
    )
    return len(listing.stdout.splitlines())
