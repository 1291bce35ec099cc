"""Which passages of the past stand by a message.

A passage's score is the sum of how far it lies above the average passage in two ways,
likeness of meaning (cosine) and rarity of shared words (BM25), each divided by its
standard deviation over the session.  Turns answer turns, so a passage also gains from
the best passage of the turns around it; a piece of a long turn gains only its share, or
the long answers of an assistant would crowd each other out.  Passages are then taken
from the best one down until the budget is full.

z-scores rather than reciprocal ranks: a rank forgets by how much the best is better.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from contextd.model import Role, Slice
from contextd.policy.lexical import terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contextd.model import Turn
    from contextd.policy.index import PassageIndex
    from contextd.policy.rules import RetrievalRules
    from contextd.policy.state import SessionState

_FEW_TERMS = 4
"""A message of fewer terms says too little to search by alone."""

_LEAN_CHARACTERS = 300
_LOOK_BACK = 6
_POINTING = re.compile(
    r"\b(?:it|that|this|those|these|them|they|he|she|him|her|one|same|there|then)\b", re.IGNORECASE
)
_QUESTION = re.compile(r"[^.!?\n]{3,300}\?")


def query_text(message: str, state: SessionState) -> str:
    """Return what to search by: *message*, and what it leans on when it says little itself.

    "And the second one?" is searched with the user's last turn and the assistant's last
    question, after the message.  The result has bounded length apart from *message*.
    """
    own = len(terms(message[:_LEAN_CHARACTERS]))
    if own >= _FEW_TERMS * (2 if _POINTING.search(message[:_LEAN_CHARACTERS]) else 1):
        return message
    recent = state.turns[-_LOOK_BACK:]
    return "\n".join([message, *_last_question(recent), *_last_of_user(recent)])


def _last_of_user(turns: Sequence[Turn]) -> list[str]:
    """Return the end of the user's newest turn, if there is one."""
    spoken = [turn.text for turn in turns if turn.role is Role.USER]
    return [text[-_LEAN_CHARACTERS:] for text in spoken[-1:]]


def _last_question(turns: Sequence[Turn]) -> list[str]:
    """Return the last question of the assistant's newest turn, if it asked one."""
    spoken = [turn.text for turn in turns if turn.role is Role.ASSISTANT]
    asked = [_QUESTION.findall(text[-4 * _LEAN_CHARACTERS :]) for text in spoken[-1:]]
    return [question.strip() for questions in asked for question in questions[-1:]]


def retrieve(
    index: PassageIndex,
    query: str,
    vector: NDArray[np.float32] | None,
    *,
    before: int,
    tokens: int,
    rules: RetrievalRules,
) -> tuple[Slice, ...]:
    """Return the best passages for *query* that fit in *tokens*, in order of time.

    *vector* is the query's; None, like a vector missing from the index, leaves the choice
    to the words.  Only turns with a sequence below *before* are searched, as if the index
    ended there.  A larger budget gives the same passages and possibly more, because the
    first passage that does not fit ends the search: passing over it would trade it for
    worse ones that the larger budget has no room for.  What was said twice comes once.
    """
    known = index.before(before)
    if not known or tokens <= 0:
        return ()
    scores = score(index, query, vector, passages=known, rules=rules)
    ranked = _ranked(scores, index.prints[:known], rules)
    filled = np.cumsum(index.tokens[ranked], dtype=np.int64)
    chosen = ranked[: int(np.searchsorted(filled, tokens, "right"))]
    return tuple(
        Slice(
            sequence=int(index.sequences[row]),
            line=index.lines[row],
            tokens=int(index.tokens[row]),
            score=float(scores[row]),
        )
        for row in np.sort(chosen).tolist()
    )


def score(
    index: PassageIndex,
    query: str,
    vector: NDArray[np.float32] | None,
    *,
    passages: int,
    rules: RetrievalRules,
) -> NDArray[np.float64]:
    """Score the first *passages* passages (at least one), shape (passages,), all finite."""
    scores = rules.lexical_weight * _standardized(index.lexical.scores(query, passages))
    if vector is not None:
        scores += _standardized(index.vectors.similarities(vector, passages))
    starts = index.starts(passages)
    pieces = np.diff(starts, append=passages)
    best = np.maximum.reduceat(scores, starts)
    around = rules.neighbour_weight * _around(best) / pieces
    scores += np.repeat(around - rules.length_penalty * np.log(pieces), pieces)
    prior: NDArray[np.float64] = rules.user_prior * index.from_user[:passages]
    return scores + prior


def _standardized(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return how many standard deviations each value lies above the mean; 0 for NaN."""
    known = values[~np.isnan(values)].astype(np.float64)
    spread = known.std() if len(known) else 0.0
    if spread < np.finfo(np.float32).eps:
        return np.zeros(len(values))
    standard: NDArray[np.float64] = np.nan_to_num((values - known.mean()) / spread)
    return standard


def _around(best: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum for each turn the best scores of the turns next to it, half for the ones beyond."""
    total = np.zeros(len(best))
    for distance in (1, 2):
        total[distance:] += best[:-distance] / distance
        total[:-distance] += best[distance:] / distance
    return total


def _ranked(
    scores: NDArray[np.float64], prints: NDArray[np.uint64], rules: RetrievalRules
) -> NDArray[np.intp]:
    """Return the best passages, best first, the newer of equals first, doubles left out."""
    if len(scores) > rules.max_slices:
        rows = np.argpartition(-scores, rules.max_slices)[: rules.max_slices]
    else:
        rows = np.arange(len(scores))
    rows = rows[np.lexsort((-rows, -scores[rows]))]
    rows = rows[: int(np.count_nonzero(scores[rows] >= rules.min_score))]
    _, firsts = np.unique(prints[rows], return_index=True)
    return rows[np.sort(firsts)]
