from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mutants.safeguards import MUTANTS, Edit, Mutant
from tests.mutants.trying import Stale, attempt, mutated

if TYPE_CHECKING:
    from pathlib import Path

QUICK = {each.name: each for each in MUTANTS if each.quick}
A_TEST = "tests/stores/test_codec.py::test_every_cut_is_found"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_list_follows_the_code(mutant: Mutant) -> None:
    """What each mutant changes is still there, once, so that it takes a safeguard away."""
    for edit in mutant.edits:
        assert mutated(edit)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", QUICK)
def test_a_safeguard_taken_away_is_noticed(name: str) -> None:
    """The tests named beside it go red; `make test-mutants` tries the others."""
    tried = attempt(QUICK[name])
    assert tried.outcome == "killed", tried.said


def test_a_change_that_changes_nothing_survives() -> None:
    """A mutant that no test notices is told, and so is one that breaks the tests themselves."""
    file, old = "contextd/stores/codec.py", "_CHECKSUM = Struct"
    harmless = Mutant("harmless", (Edit(file, old, f"# nothing\n{old}"),), (A_TEST,))
    broken = Mutant("broken", (Edit(file, old, f"nothing is here\n{old}"),), (A_TEST,))
    assert attempt(harmless).outcome == "SURVIVED"
    assert attempt(broken).outcome == "broken"


@pytest.mark.parametrize("text", ["a = 1", "a = 1\nb = 2\nb = 2"])
def test_what_is_not_there_once_is_stale(tmp_path: Path, text: str) -> None:
    """A text that is gone, or that stands twice, is an error and not a mutant."""
    (tmp_path / "file.py").write_text(text)
    with pytest.raises(Stale, match=r"file\.py"):
        mutated(Edit("file.py", "b = 2", "b = 3"), tmp_path)
