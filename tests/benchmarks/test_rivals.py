"""Rivals are measured alike: the lines of a worker, and what is counted of its contexts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.quality.counting import MESSAGE_OVERHEAD, tokens
from benchmarks.quality.sets import Session
from benchmarks.rivals.environments import Rival, made, rivals
from benchmarks.rivals.measuring import Plan, figures, measure
from benchmarks.rivals.memory import WorkerFailed, as_entry, worker
from benchmarks.rivals.tables import tables
from benchmarks.rivals.turns import typed
from contextd.cli.conversations import turn_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake_rival.py")

CALL = '{"call": "find", "arguments": "{\\"id\\": 1}"}'


def said(turn_id: str, text: str, role: str = "user") -> dict[str, Any]:
    """Return a turn as sets have it."""
    return {"turn_id": turn_id, "role": role, "text": text, "speaker": role}


def with_evidence() -> Session:
    """Six turns, and a question that needs the second and the last."""
    words = ["alpha one", "beta two", "gamma three", "delta four", "epsilon five", "zeta six"]
    turns = tuple(said(str(at), f"{text} word{at}") for at, text in enumerate(words))
    question = {"question": "which?", "evidence": ["1", "5"]}
    return Session("chat", "s1", turns, {"questions": [question]})


def with_tools() -> Session:
    """A call, its result, and then another message of the user."""
    turns = (
        said("0", "policy", "system"),
        said("1", "Find it."),
        said("2", CALL, "assistant"),
        said("3", "", "tool"),
        said("4", "Here.", "assistant"),
        said("5", "Thanks."),
    )
    return Session("service", "s2", turns, {})


def found(session: Session, kept: int, folder: Path, budget: int = 50) -> dict[str, Any]:
    """Return the figures of the fake that keeps *kept* turns."""
    command = [sys.executable, str(FAKE), str(kept)]
    with worker(command, folder / "log", os.environ) as memory:
        return figures(measure(memory, [session], Plan(budget), lambda: None))


@pytest.mark.parametrize(("kept", "share"), [(6, 1.0), (4, 0.5), (1, 0.5)])
def test_the_share_of_the_evidence_is_counted(tmp_path: Path, kept: int, share: float) -> None:
    """A turn counts when it is sent; what is not sent is not there."""
    measured = found(with_evidence(), kept, tmp_path)
    assert measured["recall"] == {"chat": {"mean": share, "questions": 1}}
    assert measured["add_ms"]["p50"] == 2.0
    assert measured["get_ms"]["p50"] == 4.0
    assert measured["get_ms"]["p99"] is None


def test_tokens_are_counted_here(tmp_path: Path) -> None:
    """By the texts that are sent, and against the budget, whatever the library thinks."""
    measured = found(with_evidence(), 6, tmp_path, budget=20)
    texts = [turn["text"] for turn in with_evidence().turns]
    assert measured["tokens"]["max"] == sum(tokens(text) + MESSAGE_OVERHEAD for text in texts)
    assert measured["over_budget"] == 1.0


@pytest.mark.parametrize(("kept", "orphaned", "held"), [(9, 0, 1), (2, 1, 1), (1, 0, 0)])
def test_parted_calls_are_counted(tmp_path: Path, kept: int, orphaned: int, held: int) -> None:
    """A result without its call is an orphan; of two contexts one comes after the call."""
    measured = found(with_tools(), kept, tmp_path)
    assert measured["orphaned"] == {"contexts": orphaned, "with_tools": held}


def test_turns_have_their_calls() -> None:
    """A call that is written as text becomes one, its result answers it, prompts are left out."""
    turns = typed(with_tools().turns)
    assert [turn["turn_id"] for turn in turns] == ["1", "2", "3", "4", "5"]
    assert turns[1]["calls"] == [{"id": "call-2", "name": "find", "arguments": '{"id": 1}'}]
    assert turns[2]["answers"] == "call-2"
    recorded = [turn_from_json(as_entry(turn)) for turn in turns]
    assert [len(turn.tool_calls) for turn in recorded if turn is not None] == [0, 1, 0, 0, 0]
    assert [turn.tool_call_id for turn in recorded if turn is not None][2] == "call-2"


def test_a_worker_that_ends_says_why(tmp_path: Path) -> None:
    """The end of what it wrote stands in the error."""
    broken = Session("chat", "s3", (said("0", "fail"),), with_evidence().truth)
    with pytest.raises(WorkerFailed, match="the library could not"):
        found(broken, 1, tmp_path)


def test_every_rival_has_a_worker_and_a_pin(tmp_path: Path) -> None:
    """Each is named once, its script is there, and its packages are of one version."""
    for rival in rivals(tmp_path).values():
        module = rival.command[2].rpartition(".")[2]
        assert (ROOT / "benchmarks" / "rivals" / "workers" / f"{module}.py").exists()
        assert all("==" in package or ">=" in package for package in rival.packages)
        assert any("==" in package for package in rival.packages)


def test_an_environment_that_is_there_is_kept(tmp_path: Path) -> None:
    """With the same packages nothing is installed, so no network is needed."""
    rival = Rival("x", "X", (), "there", ("a==1", "b==2"))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "packages.txt").write_text("a==1\nb==2")
    assert not made(rival, tmp_path)


def test_the_table_has_a_row_for_each(tmp_path: Path) -> None:
    """Sets with questions have a column; without figures stands a dash."""
    tree: Mapping[str, Any] = {
        "budget": 50,
        "sets": {"chat": {"with_questions": 1}, "service": {"with_questions": 0}},
        "rivals": {"fake": {"title": "Fake", **found(with_tools(), 2, tmp_path)}},
    }
    (table,) = tables(tree)
    heads = [str(column.header) for column in table.columns]
    assert "recall chat" in heads
    assert "recall service" not in heads
    assert [next(iter(column.cells)) for column in table.columns][-2:] == ["–", "1 of 1"]


@pytest.mark.timeout(180)
def test_contextd_is_a_row_through_its_daemon(tmp_path: Path) -> None:
    """The command runs on our own samples: all fits, no call is parted, evidence is found."""
    figures_at = tmp_path / "rivals.json"
    outcome = subprocess.run(
        arguments(tmp_path, figures_at), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    own = json.loads(figures_at.read_text())["rivals"]["contextd_static"]
    assert own["over_budget"] == 0
    assert own["orphaned"]["contexts"] == 0
    assert own["recall"]["chat"]["mean"] > 0
    assert "contextd, static model" in outcome.stdout


def arguments(build: Path, json_file: Path) -> Sequence[str]:
    """Return the command of a quick run of contextd alone."""
    command = [sys.executable, "-m", "benchmarks.rivals", "--build", str(build), "--quick"]
    return [*command, "--only", "contextd_static", "--budget", "512", "--json", str(json_file)]
