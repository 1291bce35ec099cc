from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.quality.baselines import Baselines, first_recent, packed, recent
from benchmarks.quality.bm25 import Bm25
from benchmarks.quality.counting import cost
from benchmarks.quality.trimming import trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TURNS = [
    {"turn_id": str(number), "role": role, "speaker": role, "text": text}
    for number, (role, text) in enumerate(
        [
            ("user", "My dentist is Doctor Halloran on Weaver Street"),
            ("assistant", "A long answer about teeth " * 20),
            ("user", "The tent is in the attic"),
            ("assistant", "Then I will fetch it on Sunday"),
            ("user", "Good"),
        ]
    )
]


def ids(turns: Iterable[Mapping[str, str]]) -> list[str]:
    """The ids of *turns*."""
    return [turn["turn_id"] for turn in turns]


def test_recent_is_the_longest_end_that_fits() -> None:
    """It stops before the first turn, from the end, that does not fit."""
    budget = sum(map(cost, TURNS[2:])) + 5
    assert ids(recent(TURNS, budget)) == ["2", "3", "4"]


def test_first_recent_keeps_the_beginning() -> None:
    """A quarter of the budget goes to the beginning, what is left of it to the end."""
    budget = 4 * cost(TURNS[0]) + 1
    kept = ids(first_recent(TURNS, budget))
    assert kept[0] == "0"
    assert kept[-1] == "4"
    assert "1" not in kept


def test_packing_passes_over_what_does_not_fit() -> None:
    """A good turn too long for the room left does not end the packing."""
    assert packed(TURNS, [1, 0, 2], cost(TURNS[0]) + cost(TURNS[2])) == [0, 2]


def test_bm25_finds_the_rare_word() -> None:
    """The turn that shares the telling word comes first."""
    index = Bm25([turn["text"] for turn in TURNS])
    assert index.ranked("Where is the tent?", len(TURNS))[0] == 2


def test_bm25_knows_nothing_of_later_turns() -> None:
    """Asked of the first turns, it ranks those alone, as if the others were never said."""
    said = ["tent tent pole peg rope hole patch rain wind mud", "tent pole"]
    later = ["weather report " * 200, "tent"]
    assert Bm25(said).ranked("tent", 2) == [1, 0]
    assert Bm25(said + later).ranked("tent", 2) == [1, 0]


def test_trim_messages_begins_with_a_human() -> None:
    """LangChain's trimming keeps the end, from a user's turn on."""
    budget = sum(map(cost, TURNS[3:]))
    assert ids(trimmed(TURNS, budget)) == ["4"]


def test_no_baseline_exceeds_its_budget() -> None:
    """Every context of every method costs at most the budget."""
    for method, budget, context in Baselines(TURNS).contexts("tent dentist", 5, (20, 60, 400)):
        assert context.tokens <= budget, method


def test_baselines_see_only_what_was_said() -> None:
    """Asked after two turns, no method holds the third."""
    for method, _, context in Baselines(TURNS).contexts("tent", 2, (4096,)):
        assert context.turn_ids <= {"0", "1"}, method
