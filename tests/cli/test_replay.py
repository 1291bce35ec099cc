from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SAMPLE = Path(__file__).parents[1] / "data/two_sessions.jsonl"


def test_a_replay_reports_what_every_context_took(run: Run, tmp_path: Path) -> None:
    """A line for each message, the tables, and the figures in a file."""
    answer = run("replay", SAMPLE, "--json", tmp_path / "figures.json")
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert sum("VERBATIM" in line for line in lines) == 6
    assert any(line.startswith("tram-card: 7 turns (1 left out)") for line in lines)
    told = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert told["input_budget_tokens"] == 32_768 - 4_096
    tram, allotment = told["sessions"]
    assert (tram["turns"], tram["builds"], tram["violations"]) == (7, 3, 0)
    assert (allotment["turns"], allotment["builds"], allotment["refused"]) == (5, 3, {})
    assert told["total"]["turns"] == 12
    assert set(told["total"]["build_ms"]) == {"all", "first_tenth", "last_tenth"}


def test_a_replay_under_pressure_stays_within_its_budget(run: Run) -> None:
    """A narrow window folds; figures alone go to standard output, for one session."""
    answer = run(
        "replay", SAMPLE, "--session", "tram-card", "--budget", 140, "--reserve", 10, "--json", "-"
    )
    assert answer.returncode == 0, answer.stderr
    (tram,) = json.loads(answer.stdout)["sessions"]
    assert tram["violations"] == 0
    assert tram["peak_pressure"] > 0.6
    assert tram["against_truncation"]["lost_turns"] > 0


def test_a_refused_call_fails_the_replay(run: Run) -> None:
    """A budget that nothing fits is reported, and is exit 1."""
    answer = run("replay", SAMPLE, "--limit", 1, "--budget", 20, "--reserve", 10, "--quiet")
    assert answer.returncode == 1
    assert "BUDGET_TOO_SMALL" in answer.stdout


def test_a_missing_file_is_exit_2(run: Run) -> None:
    """There is nothing to replay."""
    answer = run("replay", "/nowhere.jsonl")
    assert (answer.returncode, "no file" in answer.stderr) == (2, True)


def test_a_broken_file_is_named(run: Run, tmp_path: Path) -> None:
    """The line that is no conversation is said, without a traceback."""
    path = tmp_path / "broken.jsonl"
    path.write_text('{"session_id": "x"}\n', encoding="utf-8")
    answer = run("replay", path)
    assert answer.returncode == 1
    assert "broken.jsonl:1" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_demo_shows_what_it_claims(run: Run) -> None:
    """Without a terminal it is readable; every claim holds, and only then it is exit 0."""
    answer = run("demo", "--fast")
    for part in ("Biscuit. He considers the box his", "plain truncation", "Open question"):
        assert part in answer.stdout
    assert [line for line in answer.stdout.splitlines() if "✗" in line] == []
    assert answer.returncode == 0
