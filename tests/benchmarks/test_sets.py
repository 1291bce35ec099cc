from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.quality.gathering import NotFound, evenly, gather
from benchmarks.quality.quick import SAMPLES
from benchmarks.quality.sets import available, load

if TYPE_CHECKING:
    from pathlib import Path

SESSION = {
    "dataset": "own",
    "session_id": 7,
    "turns": [{"turn_id": 0, "role": "user", "text": "Grüezi"}],
    "truth": {"questions": [{"question": "What?", "evidence": [0]}]},
}


def test_plain_and_packed_files_are_read(tmp_path: Path) -> None:
    """A set may be gzipped or not; ids become text."""
    (tmp_path / "plain.jsonl").write_text(json.dumps(SESSION) + "\n\n", encoding="utf-8")
    with gzip.open(tmp_path / "packed.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write(json.dumps(SESSION, ensure_ascii=False))
    found = available(tmp_path)
    assert list(found) == ["packed", "plain"]
    assert load(found["packed"]) == load(found["plain"])
    assert load(found["plain"])[0].turns[0]["turn_id"] == "0"


def test_measures_go_by_what_is_known() -> None:
    """Each sample set is measured for what its truth has, and no more."""
    tasks = {(task.dataset, task.measure) for task in gather(SAMPLES, [], [])}
    assert tasks == {
        ("chat", "recall"),
        ("chat", "prefix"),
        ("support", "recall"),
        ("support", "values"),
        ("support", "handoff"),
        ("support", "prefix"),
        ("slots", "values"),
        ("hostile", "hostile"),
    }


def test_short_dialogues_are_stitched_for_values() -> None:
    """The slot dialogues are measured as one session."""
    (task,) = gather(SAMPLES, ["slots"], ["values"])
    assert task.session.session_id == "stitched-0"


def test_a_prefix_chooses_sessions() -> None:
    """NAME/PREFIX takes the sessions of that set whose id begins so."""
    (task,) = gather(SAMPLES, ["support/parcel"], ["recall"])
    assert task.session.session_id == "parcel-refund"


def test_a_limit_chooses_evenly() -> None:
    """Sessions of a file often lie in groups, so the first ones would be no fair choice."""
    sessions = load(SAMPLES / "slots.jsonl")
    assert [*evenly(sessions, 3)] == sessions[::2]
    assert evenly(sessions, 0) == evenly(sessions, 99) == sessions


def test_what_is_cheap_is_never_limited() -> None:
    """A limit of sessions leaves the hostile ones and single messages alone."""
    limited = gather(SAMPLES, ["hostile", "support"], ["hostile", "recall"], limit=1)
    assert len(limited) == 1 + len(load(SAMPLES / "hostile.jsonl"))


@pytest.mark.parametrize(("sets", "measures"), [(["nothing"], []), (["chat"], ["nothing"])])
def test_an_unknown_name_is_told(sets: list[str], measures: list[str]) -> None:
    """A misspelt set or measure is an error that lists those that exist."""
    with pytest.raises(NotFound, match="there are: "):
        gather(SAMPLES, sets, measures)
