from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.events import TurnsRecorded
from contextd.model import Role, SessionKey, Slice, Tier, Turn
from contextd.policy.retrieval.index import PassageIndex
from contextd.policy.retrieval.likeness import QueryVectors
from contextd.policy.retrieval.passages import cut
from contextd.policy.retrieval.search import query_text, retrieve
from contextd.policy.rules import RetrievalRules
from contextd.policy.state import SessionState

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = RetrievalRules(passage_words=20)
USER, BOT, TOOL = Role.USER, Role.ASSISTANT, Role.TOOL
PLENTY = 1_000_000

SUPPORT = [
    (USER, "Hello, I bought a kettle from you last month."),
    (BOT, "Thanks for writing. May I have your order number?"),
    (USER, "It is W2378156, sent to my flat in Kyiv."),
    (TOOL, '{"order_id": "W2378156", "status": "delivered", "carrier": "PostPlus"}'),
    (BOT, "I see it was delivered by PostPlus on the second of May."),
    (USER, "The lid is cracked and it leaks."),
    (BOT, "I am sorry. I promise a replacement free of charge within five days."),
    (USER, "By the way, my sister Olena is allergic to nickel."),
    (BOT, "Good to know, I will look for a model without it."),
    (USER, "Please only ring me after six in the evening."),
    (BOT, "Noted: we call after six."),
    (USER, "How is the weather over there?"),
    (BOT, "Sunny, thank you for asking."),
]


def embed(text: str) -> NDArray[np.float32]:
    """Embed as a bag of words: enough of a model to tell alike from unlike."""
    vector = np.zeros(32, np.float32)
    for word in re.findall(r"\w+", text.lower()):
        generator = np.random.default_rng(crc32(word.encode("utf-8", "replace")))
        vector += generator.normal(size=32).astype(np.float32)
    vector /= np.linalg.norm(vector) or 1
    return vector


def index_of(turns: list[tuple[Role, str]], *, vectors: bool = True) -> PassageIndex:
    """Index *turns* with a meter that counts characters."""
    index = PassageIndex()
    for n, (role, text) in enumerate(turns, 1):
        passages = cut(Turn(str(n), role, text, sequence=n), rules=RULES, count=len)
        rows = np.array([embed(passage.text) for passage in passages]).reshape(-1, 32)
        index.extend(passages, rows if vectors else None)
    return index


def found(
    index: PassageIndex,
    query: str,
    *,
    before: int = PLENTY,
    tokens: int = PLENTY,
    rules: RetrievalRules = RULES,
) -> tuple[Slice, ...]:
    """Retrieve for *query* and its vector."""
    return retrieve(
        index, query, QueryVectors(embed(query)), before=before, tokens=tokens, rules=rules
    )


def best(slices: tuple[Slice, ...]) -> int:
    """Return the turn of the slice with the highest score."""
    return max(slices, key=lambda piece: piece.score).sequence


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize(
    ("query", "sequence"),
    [
        ("which order number was it, W2378156?", 3),
        ("what is wrong with the lid", 6),
        ("you promised a replacement", 7),
        ("what is Olena allergic to?", 8),
        ("when should we ring you, in the evening?", 10),
        ("is the status delivered by the carrier", 4),
    ],
)
def test_finds_the_turn_that_answers(query: str, sequence: int, *, vectors: bool) -> None:
    """The turn that answers is found, whoever said it, with vectors and without."""
    assert best(found(index_of(SUPPORT, vectors=vectors), query)) == sequence


def test_likeness_alone_finds_it_too() -> None:
    """Without a shared word the vectors decide."""
    index = index_of(SUPPORT)
    vector = embed(SUPPORT[7][1])
    slices = retrieve(index, "?", QueryVectors(vector), before=PLENTY, tokens=PLENTY, rules=RULES)
    assert best(slices) == 8


def test_neighbours_of_a_match_come_before_strangers() -> None:
    """The answer to a matching question is worth more than an unrelated turn."""
    turns = [(BOT, f"Of no importance {n}") for n in range(9)]
    turns[4] = (USER, "Where was the passport left?")
    turns[5] = (BOT, "Behind the mirror.")
    slices = found(index_of(turns, vectors=False), "passport", tokens=120)
    assert [piece.sequence for piece in slices] == [4, 5, 6]


def test_long_answers_do_not_crowd_out() -> None:
    """A turn that says it shortly is packed before the pieces of one that goes on and on."""
    speech = " ".join(f"Plan {n} for the budget of a trip has {n} parts." for n in range(30))
    turns = [*SUPPORT, (BOT, speech), (USER, "My budget for the trip is 400."), *SUPPORT]
    assert best(found(index_of(turns), "what is the budget for my trip?")) == len(SUPPORT) + 2


def test_pieces_of_a_long_turn_share_what_neighbours_lend() -> None:
    """Beside a match, a piece of a long turn gains less than a short turn does."""
    turns = [(BOT, f"nothing of interest {n}") for n in range(11)]
    turns[4] = (BOT, " ".join(f"nothing of interest here, part {n}." for n in range(20)))
    turns[5] = (BOT, "the passport")
    rules = RetrievalRules(passage_words=20, length_penalty=0.0)
    slices = retrieve(
        index_of(turns, vectors=False),
        "passport",
        QueryVectors(),
        before=99,
        tokens=PLENTY,
        rules=rules,
    )
    scores = {
        sequence: max(s.score for s in slices if s.sequence == sequence) for sequence in (5, 7)
    }
    assert scores[7] > scores[5] + 0.5


def test_a_budget_is_used_to_the_last_token() -> None:
    """What fits exactly goes in; a token less, and the worst passage stays out."""
    index = index_of(SUPPORT)
    everything = found(index, "cracked lid")
    total = sum(piece.tokens for piece in everything)
    assert len(everything) == len(SUPPORT)
    assert found(index, "cracked lid", tokens=total) == everything
    without_worst = sorted(everything, key=lambda piece: piece.score)[1:]
    assert set(found(index, "cracked lid", tokens=total - 1)) == set(without_worst)


def test_what_a_named_author_said_comes_first() -> None:
    """A question about a person finds what they said before what calls them by name."""
    index = PassageIndex()
    for n, author in enumerate(["Ann", "Bob", "Ann", "Bob", "Ann", "Bob"], 1):
        text = f"my garden has tree number {n}, {'Bob' if author == 'Ann' else 'well'}"
        turn = Turn(str(n), USER, text, author, sequence=n)
        index.extend(cut(turn, rules=RULES, count=len))
    slices = retrieve(
        index, "Bob's garden tree", QueryVectors(), before=99, tokens=PLENTY, rules=RULES
    )
    ranked = sorted(slices, key=lambda piece: -piece.score)
    assert {piece.sequence for piece in ranked[:3]} == {2, 4, 6}


@pytest.mark.parametrize(
    "query", ["my call on May 22", "my call two weeks ago", "where I called yesterday"]
)
def test_what_was_said_on_a_named_date_comes_first(query: str) -> None:
    """Of equal statements the one of the day that the question speaks of is better."""
    index = PassageIndex()
    may_22 = 19_865
    today = may_22 + (1 if "yesterday" in query else 14)
    for n in range(1, 6):
        noon = (may_22 - 21 + 7 * n) * 86_400_000_000
        turn = Turn(str(n), USER, f"I called the shop again, try {n}", occurred_at=noon, sequence=n)
        index.extend(cut(turn, rules=RULES, count=len))
    slices = retrieve(
        index, query, QueryVectors(), before=99, tokens=PLENTY, rules=RULES, today=today
    )
    assert best(slices) == 3
    assert len(slices) == 5, "a time adds to a score and filters nothing"


def test_what_was_said_twice_comes_once() -> None:
    """A repeat is packed once, whatever its case and marks."""
    turns = [*SUPPORT, (USER, "the lid is CRACKED, and it leaks!")]
    slices = found(index_of(turns), "cracked lid leaks")
    assert sum("lid is" in piece.line.lower() for piece in slices) == 1


def test_floor_leaves_out_what_stands_below_it() -> None:
    """With a floor, passages that score less are not packed, even if there is room."""
    index = index_of(SUPPORT)
    floor = RetrievalRules(passage_words=20, min_score=1.5)
    slices = found(index, "what is Olena allergic to?", rules=floor)
    assert 0 < len(slices) < len(SUPPORT) / 2
    assert min(piece.score for piece in slices) >= 1.5


def test_nothing_to_search() -> None:
    """An empty index, no room or no earlier turn gives nothing."""
    index = index_of(SUPPORT)
    assert found(PassageIndex(), "lid") == ()
    assert found(index, "lid", tokens=0) == found(index, "lid", tokens=-5) == ()
    assert found(index, "lid", before=1) == ()


ROLES = st.sampled_from([USER, BOT, TOOL])
WORDS = st.sampled_from(
    "order refund parcel late the 42 Kyiv yes W2378156 漢字 \ud800 \x00".split(" ")
)
TEXTS = st.one_of(st.lists(WORDS, max_size=90).map(" ".join), st.text(max_size=60))
TURNS = st.lists(st.tuples(ROLES, TEXTS), max_size=12)


@given(TURNS, TEXTS, st.integers(-1, 14), st.integers(0, 900), st.integers(0, 900))
def test_larger_budget_only_adds(
    turns: list[tuple[Role, str]], query: str, before: int, tokens: int, more: int
) -> None:
    """Slices fit the budget, are older than `before`, in order, and stay when it grows."""
    index = index_of(turns)
    slices = found(index, query, before=before, tokens=tokens)
    assert sum(piece.tokens for piece in slices) <= tokens
    assert all(piece.tokens == len(piece.line) for piece in slices)
    assert all(piece.sequence < before and np.isfinite(piece.score) for piece in slices)
    assert [piece.sequence for piece in slices] == sorted(piece.sequence for piece in slices)
    assert set(slices) <= set(found(index, query, before=before, tokens=tokens + more))
    assert slices == found(index_of(turns), query, before=before, tokens=tokens)


@given(TURNS, TURNS, TEXTS, st.integers(0, 900))
def test_later_turns_change_nothing(
    turns: list[tuple[Role, str]], later: list[tuple[Role, str]], query: str, tokens: int
) -> None:
    """A search before a turn gives what it gave when that turn was not there yet."""
    before = len(turns) + 1
    assert found(index_of(turns + later), query, before=before, tokens=tokens) == found(
        index_of(turns), query, before=before, tokens=tokens
    )


@settings(max_examples=50)
@given(TURNS, TEXTS, st.data())
def test_vectors_may_be_missing(
    turns: list[tuple[Role, str]], query: str, data: st.DataObject
) -> None:
    """With some vectors, spoiled ones or none at all a search still answers, finitely."""
    index = index_of(turns, vectors=False)
    if len(index):
        first = data.draw(st.integers(0, len(index) - 1))
        rows = np.array([embed(line) for line in index.lines[first:]])
        rows[:: data.draw(st.integers(1, 3))] = data.draw(st.sampled_from([np.nan, 0.0, 0.5]))
        index.set_vectors(first, rows)
    spoiled = np.full(32, np.nan, np.float32)
    for vector in (None, embed(query), spoiled, np.ones(7, np.float32)):
        slices = retrieve(
            index, query, QueryVectors(vector), before=PLENTY, tokens=PLENTY, rules=RULES
        )
        assert all(np.isfinite(piece.score) for piece in slices)
        assert {piece.line for piece in slices} <= set(index.lines)
        assert len(slices) == len(set(index.rows["print"].tolist()))


def state_of(turns: list[tuple[Role, str]]) -> SessionState:
    """Record *turns*."""
    drafts = tuple(Turn(str(n), role, text, sequence=n) for n, (role, text) in enumerate(turns, 1))
    state = SessionState(SessionKey("t", "c"))
    state.apply(TurnsRecorded(1, "", "", drafts, "o200k_base", Tier.VERBATIM, 0.1))
    return state


ASKED = state_of([(USER, "The blue kettle leaks."), (BOT, "Sorry! Which retailer sold it?")])


@pytest.mark.parametrize(
    "message", ["and the second one?", "why?", "ok", "", "is that the same there?"]
)
def test_short_message_leans_on_what_came_before(message: str) -> None:
    """A message that says little is searched with the user's last turn and the last question."""
    assert (
        query_text(message, ASKED) == f"{message}\nWhich retailer sold it?\nThe blue kettle leaks."
    )


def test_message_that_says_enough_stands_alone() -> None:
    """A full question is searched as it is."""
    message = "What did I tell you about the delivery address of my kettle?"
    assert query_text(message, ASKED) == message


@given(st.text(max_size=80), TURNS)
def test_any_message_gives_a_bounded_query(message: str, turns: list[tuple[Role, str]]) -> None:
    """The query holds the message and a bounded rest, also when nothing came before."""
    query = query_text(message, state_of(turns))
    assert query.startswith(message)
    assert len(query) <= len(message) + 700
