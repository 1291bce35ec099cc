"""Likeness of meaning out of two models, one of which may know only some passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from contextd.model import Role, Turn
from contextd.policy.retrieval.index import PassageIndex
from contextd.policy.retrieval.likeness import COARSE_SHARE, QueryVectors, likeness, standardized
from contextd.policy.retrieval.passages import cut
from contextd.policy.rules import RetrievalRules

if TYPE_CHECKING:
    from numpy.typing import NDArray

GENERATOR = np.random.default_rng(7)


def unit_rows(count: int, dimensions: int) -> NDArray[np.float32]:
    """Return random unit vectors."""
    rows = GENERATOR.normal(size=(count, dimensions))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


STATIC, FINE = unit_rows(40, 16), unit_rows(40, 24)
QUERY = unit_rows(1, 16)[0]
FINE_QUERY = unit_rows(1, 24)[0]
BOTH = QueryVectors(QUERY, FINE_QUERY)


def index_with(fine: int, *, static: bool = True) -> PassageIndex:
    """Return 40 passages with static vectors, the first *fine* of them with fine ones."""
    index = PassageIndex()
    for number in range(40):
        turn = Turn("", Role.USER, f"passage {number}", sequence=number + 1)
        passages = cut(turn, rules=RetrievalRules(), count=len)
        index.extend(passages, STATIC[number : number + 1] if static else None)
    index.set_fine(0, FINE[:fine])
    return index


def values(index: PassageIndex, vectors: QueryVectors = BOTH) -> NDArray[Any]:
    """Return the likeness of all passages, which must be known."""
    found = likeness(index, vectors, 40)
    assert found is not None
    return found


def test_the_finer_model_leads_where_it_knows_all() -> None:
    """With every fine vector there, the static ones have the smaller say; else none."""
    fine = standardized(FINE @ FINE_QUERY)
    coarse = standardized(STATIC @ QUERY)
    assert np.allclose(values(index_with(40, static=False)), fine, atol=0.05)
    both = standardized(fine + COARSE_SHARE * coarse)
    assert np.allclose(values(index_with(40)), both, atol=0.1)


def test_without_a_fine_query_the_static_model_decides() -> None:
    """Fine vectors of passages are of no use to a query that has none."""
    static = QueryVectors(QUERY)
    assert np.array_equal(values(index_with(40), static), values(index_with(0), static))


def test_a_part_keeps_its_place_among_all() -> None:
    """Where only some passages are finely known, they keep the mean and spread they had."""
    coarse, mixed = values(index_with(0)), values(index_with(15))
    assert np.array_equal(mixed[15:], coarse[15:])
    assert not np.allclose(mixed[:15], coarse[:15])
    assert mixed[:15].mean() == pytest.approx(coarse[:15].mean())
    assert mixed[:15].std() == pytest.approx(coarse[:15].std())
    both = standardized(FINE[:15] @ FINE_QUERY) + COARSE_SHARE * standardized(STATIC[:15] @ QUERY)
    assert np.corrcoef(mixed[:15], both)[0, 1] > 0.99


def test_one_finely_known_passage_stays_where_it_was() -> None:
    """A single value has no spread, so it cannot say more than the static one."""
    assert np.allclose(values(index_with(1)), values(index_with(0)))


@pytest.mark.parametrize("vectors", [QueryVectors(), QueryVectors(fine=np.ones(3, np.float32))])
def test_no_model_knows_the_query(vectors: QueryVectors) -> None:
    """Without a vector of the query there is no likeness to speak of."""
    assert likeness(index_with(40), vectors, 40) is None
