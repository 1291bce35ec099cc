"""The index of a stretch of turns, given, kept as bytes, and taken over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.model import Role, ToolCall, Turn
from contextd.policy.retrieval.index import PassageIndex
from contextd.policy.retrieval.lexical import LexicalIndex, query_terms
from contextd.policy.retrieval.likeness import QueryVectors
from contextd.policy.retrieval.packed_stretch import method, read, write
from contextd.policy.retrieval.passages import cut
from contextd.policy.retrieval.search import retrieve
from contextd.policy.retrieval.stretch import Stretch, joined
from contextd.policy.rules import RetrievalRules
from contextd.testing.fakes import HashEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = RetrievalRules(passage_words=8)
EMBEDDER = HashEmbedder()
DAY = 86_400_000_000
TURNS = tuple(
    Turn(
        str(number),
        (Role.USER, Role.ASSISTANT, Role.HUMAN_AGENT)[number % 3],
        "" if number == 5 else f"Order W{number % 7}12 is late, word{number}.  " * (number % 4 + 1),
        author=("", "Ana", "Bo Li")[number % 3],
        tool_calls=(ToolCall("c", "find", '{"order": "W312"}'),) if number % 10 == 1 else (),
        occurred_at=number * DAY // 3,
        sequence=number,
    )
    for number in range(1, 41)
)
QUESTIONS = ("Where is my order W312?", "What did Bo Li say of word17?", "On 1970-01-05?")


def extended(index: PassageIndex, turns: Sequence[Turn]) -> PassageIndex:
    """Index *turns*, too."""
    passages = [passage for turn in turns for passage in cut(turn, rules=RULES, count=len)]
    index.extend(passages, EMBEDDER.embed([passage.text for passage in passages]))
    return index


def adopted(stretches: Sequence[Stretch]) -> PassageIndex:
    """Make an index of what was kept."""
    index = PassageIndex()
    whole = joined(stretches)
    index.adopt(whole, [TURNS[sequence - 1] for sequence in whole.passages["sequence"].tolist()])
    return index


def answers(index: PassageIndex) -> list[object]:
    """Return all that can be asked of an index."""
    found: list[object] = [list(index.lines), index.rows.tolist(), index.through]
    found += [index.starts(len(index)).tolist(), len(index.fine), index.vectors.dimensions]
    for question in QUESTIONS:
        terms = query_terms(question)
        vector = EMBEDDER.embed([question])[0]
        found.append(index.named_authors(terms))
        for before in (9, 30, 41):
            passages = index.before(before)
            found.append(index.lexical.scores(terms, passages).tolist())
            found.append(np.nan_to_num(index.vectors.similarities(vector, passages)).tolist())
            vectors = QueryVectors(static=vector)
            asked = {"before": before, "tokens": 400, "rules": RULES, "day_tokens": 9}
            found.append(retrieve(index, question, vectors, **asked))  # type: ignore[arg-type]
    return found


WHOLE = extended(PassageIndex(), TURNS)
STRETCHES = [WHOLE.stretch(first, first + 9) for first in (1, 11, 21, 31)]
FIRST = write(STRETCHES[0], TURNS[:10])


def test_what_was_kept_answers_as_what_was_indexed() -> None:
    """Every search finds the same, with the same scores to the last bit."""
    assert answers(adopted(STRETCHES)) == answers(WHOLE)


@pytest.mark.parametrize("count", [1, 3])
def test_newer_turns_are_added_to_what_was_kept(count: int) -> None:
    """An index grows on from what was taken over as from what it was given."""
    index = extended(adopted(STRETCHES[:count]), TURNS[count * 10 :])
    assert answers(index) == answers(WHOLE)
    index = extended(adopted(STRETCHES[:count]), TURNS[count * 10 : 35])
    index = extended(index, TURNS[35:])
    assert answers(index) == answers(WHOLE)


def test_turns_without_passages_may_be_a_stretch() -> None:
    """Nothing is kept of them, and nothing is lost by it."""
    nothing = PassageIndex().stretch(1, 10)
    assert len(joined([nothing]).passages) == 0
    assert answers(adopted([nothing, *STRETCHES])) == answers(WHOLE)


def test_bytes_are_the_stretch() -> None:
    """What was written is read, column for column."""
    found = read(FIRST, TURNS[:10])
    assert found is not None
    for name in ("passages", "codes", "postings"):
        assert getattr(found, name).tolist() == getattr(STRETCHES[0], name).tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Order W012 is on time."},
        {"role": Role.TOOL},
        {"author": "Bo"},
        {"occurred_at": DAY},
        {"sequence": 11},
        {"tool_calls": (ToolCall("c", "find", "{}"),)},
    ],
)
def test_a_stretch_of_other_turns_is_not_taken(change: dict[str, object]) -> None:
    """Whatever an index takes from a turn: if it differs, the stretch is not of these turns."""
    for at in (0, 9):
        turns = list(TURNS[:10])
        turns[at] = replace(turns[at], **change)  # type: ignore[arg-type]
        assert read(FIRST, turns) is None
    assert read(FIRST, TURNS[:9]) is None


def test_a_wrong_bit_anywhere_is_noticed() -> None:
    """Damaged bytes, and bytes that end too soon, are no stretch."""
    for at in range(0, 8 * len(FIRST), 7):
        damaged = bytearray(FIRST)
        damaged[at // 8] ^= 1 << at % 8
        assert read(bytes(damaged), TURNS[:10]) is None
    for length in (0, 29, 30, len(FIRST) - 1):
        assert read(FIRST[:length], TURNS[:10]) is None


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_stretch(content: bytes) -> None:
    """Whatever lies in the store, reading it does not raise."""
    assert read(content, TURNS[:10]) is None


def test_the_method_follows_from_how_turns_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other rules, counts, vectors or words have another name; the same ones the same."""
    plain = method(RULES, len, EMBEDDER.embed)
    assert plain == method(RULES, len, HashEmbedder().embed)
    others = [
        method(RetrievalRules(passage_words=9), len, EMBEDDER.embed),
        method(RULES, lambda text: len(text) + 1, EMBEDDER.embed),
        method(RULES, len, HashEmbedder(32).embed),
    ]
    monkeypatch.setattr("contextd.policy.retrieval.index._REPEATABLE_WORDS", 60)
    others.append(method(RULES, len, EMBEDDER.embed))
    monkeypatch.setattr("contextd.policy.retrieval.lexical.terms", lambda text: [len(text)])
    others.append(method(RULES, len, EMBEDDER.embed))
    assert len({plain, *others}) == 6


def test_words_are_taken_over_behind_the_first_65_536_passages() -> None:
    """Two bytes no longer number the passages then."""
    index = LexicalIndex()
    index.add(["filler"] * 65_530)
    given = LexicalIndex()
    given.add(["a needle", *["straw"] * 20, "another needle"])
    index.adopt(*given.between(0, len(given)))
    scores = index.scores(query_terms("needle"), len(index))
    assert scores.nonzero()[0].tolist() == [65_530, 65_551]
