from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality.quick import floors, misses
from benchmarks.quality.results import at

ROOT = Path(__file__).parents[2]


def quick(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the quick measure in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.quality", "--quick", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of a whole quick run, whose exit code says what its floors say."""
    folder = tmp_path_factory.mktemp("quality")
    outcome = quick("--json", str(folder / "q.json"), "--plots", str(folder / "plots"))
    assert (folder / "q.json").exists(), outcome.stderr
    assert (folder / "plots" / "chat-recall.svg").stat().st_size
    loaded: dict[str, Any] = json.loads((folder / "q.json").read_text(encoding="utf-8"))
    assert outcome.returncode == bool(misses(loaded, floors()))
    return loaded


def test_every_floor_is_kept(tree: dict[str, Any]) -> None:
    """The samples are measured whole, and no figure is below its floor or missing."""
    assert misses(tree, floors()) == []


@pytest.mark.parametrize("method", ["recent", "first_recent", "langchain_trim"])
def test_a_trivial_method_misses_the_floors_of_recall(tree: dict[str, Any], method: str) -> None:
    """A floor that the newest turns alone reach would say nothing of retrieval."""
    recall = {key: bound for key, bound in floors().items() if ".recall." in key}
    own = {
        name: {"recall": figures["baselines"][method]["recall"]}
        for name, figures in tree["sets"].items()
        if "recall" in figures
    }
    assert len(misses({"sets": own}, recall)) == len(recall)


@pytest.mark.parametrize("key", sorted(floors()))
def test_a_raised_floor_is_missed(tree: dict[str, Any], key: str) -> None:
    """Each floor is looked at: moved beyond what was measured, it is missed."""
    ((name, _),) = floors()[key].items()
    found = at(tree, key.split("."))
    raised = floors() | {key: {name: found + (0.001 if name == "least" else -0.001)}}
    assert any(each.startswith(f"{key} is ") for each in misses(tree, raised))


def test_a_missing_figure_is_a_miss() -> None:
    """A measure that vanished is told, unless only some were asked for."""
    wanted = {"sets.chat.recall.512.mean": {"least": 0.5}}
    assert misses({"sets": {}}, wanted)
    assert not misses({"sets": {}}, wanted, partial=True)


def test_it_goes_red_without_retrieval() -> None:
    """With nothing retrieved the floors of recall are missed, and the exit code is 1."""
    outcome = quick(
        *("--sets", "chat", "--measures", "recall", "--no-baselines"),
        *("--set", "policy.retrieval.max_slices=0"),
    )
    assert outcome.returncode == 1
    assert "sets.chat.recall.512.mean" in outcome.stderr
