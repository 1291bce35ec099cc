from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.retrieval.lexical import K1, B, LexicalIndex, query_terms, terms

WORDS = st.sampled_from("order refund parcel late #W2378156 the 42 Kyiv 漢字 refunds".split())
TEXTS = st.lists(st.lists(WORDS, max_size=12).map(" ".join), min_size=1, max_size=30)


def index_of(texts: list[str]) -> LexicalIndex:
    """Index *texts* as passages."""
    index = LexicalIndex()
    for text in texts:
        index.add([text])
    return index


def plain_bm25(texts: list[str], query: str) -> list[float]:
    """Score by the formula, one passage and one word at a time."""
    bags = [Counter(terms(text)) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags)
    scores = []
    for bag in bags:
        score = 0.0
        for term in dict.fromkeys(terms(query)):
            holding = sum(term in other for other in bags)
            rarity = math.log(1 + (len(bags) - holding + 0.5) / (holding + 0.5))
            norm = K1 * (1 - B + B * bag.total() / mean) if mean else 0.0
            score += rarity * bag[term] * (K1 + 1) / (bag[term] + norm) if bag[term] else 0.0
        scores.append(score)
    return scores


@pytest.mark.parametrize(
    ("text", "same_word_as"),
    [
        ("Refunded!", "refunds"),
        ("order W2378156 is late", "W2378156"),
        ("order #w2378156 is late", "2378156"),
        ("on 2024-05-01, please", "2024-05-01"),
        ("on 2024-05-01, please", "2024"),
        ("write to ann.lee@example.com.", "ann.lee@example.com"),
        ("write to ann.lee@example.com.", "example"),
        ("the field order_id is empty", "order_id"),
        ("the field order_id is empty", "order"),
        ("Caroline\u2019s sister", "Caroline's"),
        ("Caroline's sister", "Caroline"),
        ("über Straße", "ÜBER"),
        ("在北京机场等", "北京"),
        ("\uff34\uff32\uff11\uff12", "TR12"),
    ],
)
def test_words_that_match(text: str, same_word_as: str) -> None:
    """Inflection, case, marks and width do not keep a word from being found."""
    assert set(terms(text)) & set(terms(same_word_as))


@pytest.mark.parametrize("text", ["", "the of and", "?!…", "\u0301", "\ud800", "\x00"])
def test_texts_without_a_word(text: str) -> None:
    """Stop words and marks are not searched by."""
    assert terms(text) == []


def test_rare_word_outweighs_common_ones() -> None:
    """The passage with the order number beats those with the frequent words."""
    texts = ["my order is late"] * 9 + ["it is W2378156"]
    scores = index_of(texts).scores(terms("where is my order W2378156"), 10)
    assert np.argmax(scores) == 9


@given(TEXTS, st.lists(WORDS, max_size=6).map(" ".join))
def test_scores_are_those_of_the_formula(texts: list[str], query: str) -> None:
    """The growing index scores as the plain formula does."""
    found = index_of(texts).scores(query_terms(query), len(texts))
    assert np.allclose(found, plain_bm25(texts, query))


def test_a_long_index_scores_by_the_formula_too() -> None:
    """Sorting postings in and scanning the newest ones gives the same scores."""
    texts = [f"word{n % 37} word{n % 11} shared item{n}" * (1 + n % 3) for n in range(700)]
    index = LexicalIndex()
    for n, text in enumerate(texts, 1):
        index.add([text])
        if n % 175 == 0:
            query = f"word5 word{n % 11} shared item{n - 1} unknown"
            assert np.allclose(index.scores(query_terms(query), n), plain_bm25(texts[:n], query))


@given(TEXTS, TEXTS, st.lists(WORDS, max_size=6).map(" ".join))
def test_later_passages_change_no_earlier_search(
    texts: list[str], later: list[str], query: str
) -> None:
    """Searching a beginning of the index gives what an index that ends there gives."""
    whole, beginning = index_of(texts + later), index_of(texts)
    sought, count = query_terms(query), len(texts)
    assert np.array_equal(whole.scores(sought, count), beginning.scores(sought, count))


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_indexed_and_sought(text: str, query: str) -> None:
    """No text and no query is refused, and scores are finite and not negative."""
    scores = index_of([text, query]).scores(query_terms(query), 2)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()


def test_a_word_a_million_times_counts_255_times() -> None:
    """Repeating a word without end gains nothing."""
    index = index_of(["spam " * 100_000, "spam", "other"])
    assert (index.scores(terms("spam"), 3)[:2] > 0).all()
    assert index.scores(query_terms("spam " * 100_000), 3).shape == (3,)


def test_memory_grows_by_the_posting() -> None:
    """A passage of 60 words costs well under a kilobyte."""
    index = index_of([" ".join(f"w{n * k % 997}" for k in range(60)) for n in range(500)])
    assert 0 < index.size_bytes < 500 * 1_800
