from __future__ import annotations

import numpy as np

from contextd.model import Role, Turn
from contextd.policy.retrieval.index import PassageIndex
from contextd.policy.retrieval.lexical import LexicalIndex, query_terms
from contextd.policy.retrieval.passages import cut
from contextd.policy.rules import RetrievalRules

RULES = RetrievalRules(passage_words=10)


def grown(*texts: str, at_once: bool = True) -> PassageIndex:
    """Index user turns with these texts, all together or a passage at a time."""
    index = PassageIndex()
    turns = [Turn(str(n), Role.USER, text, sequence=n) for n, text in enumerate(texts, 1)]
    passages = [passage for turn in turns for passage in cut(turn, rules=RULES, count=len)]
    for batch in [passages] if at_once else [[passage] for passage in passages]:
        index.extend(batch)
    return index


def test_knows_how_far_it_reaches() -> None:
    """`through` is the last turn with a passage, 0 for an empty index."""
    assert PassageIndex().through == 0
    assert grown("one", "two", " ").through == 2


def test_finds_where_a_turn_begins() -> None:
    """`before` counts the passages of earlier turns, also for a turn without passages."""
    index = grown("one", "two words. " * 20, "", "four")
    longest = len(index) - 2
    assert [index.before(sequence) for sequence in range(7)] == [
        0, 0, 1, 1 + longest, 1 + longest, len(index), len(index),
    ]  # fmt: skip
    assert index.starts(len(index)).tolist() == [0, 1, 1 + longest]
    assert index.starts(2).tolist() == [0, 1]


def test_a_turn_may_arrive_in_two_halves() -> None:
    """Passages of one turn that are added apart still belong to one turn."""
    texts = ("one", "two words. " * 20, "three")
    whole, apart = grown(*texts), grown(*texts, at_once=False)
    count = len(whole)
    assert apart.starts(count).tolist() == whole.starts(count).tolist()
    assert list(apart.lines) == list(whole.lines)


def test_prints_tell_repeats() -> None:
    """The same words make the same print whatever their marks, but a mere "yes" never repeats."""
    index = grown(
        "Please send it to my work address!", "please send it to my work address", "Yes.", "Yes."
    )
    first, second, *short = index.rows["print"].tolist()
    assert first == second
    assert len({first, *short}) == 3


def test_words_are_found_behind_the_first_65_536_passages() -> None:
    """The numbers of passages grow wider when two bytes do not hold them any more."""
    index, named = LexicalIndex(), [3, 65_535, 65_536, 69_999]
    for first in range(0, 70_000, 14_000):
        numbers = range(first, first + 14_000)
        index.add("kettle" if number in named else "tea" for number in numbers)
    scores = index.scores(query_terms("kettle"), len(index))
    assert np.flatnonzero(scores).tolist() == named


def test_reports_its_memory() -> None:
    """The size grows with what is added."""
    assert grown("some text " * 200).size_bytes > grown("some text").size_bytes > 0
