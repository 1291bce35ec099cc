"""Which passages of the past stand by a message.

A passage's score is the sum of how far it lies above the average passage in two ways,
likeness of meaning (cosine) and rarity of shared words (BM25), each divided by its
standard deviation over the session.  Turns answer turns, so a passage also gains from
the best passage of the turns around it, where that is better than average; the pieces of
a long turn gain less, or the long answers of an assistant would crowd each other out.
Passages are then taken from the best one down until the budget is full.

z-scores rather than reciprocal ranks: a rank forgets by how much the best is better.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from contextd.model import Focus, Role, Slice
from contextd.policy.reading.dates import named_date, near, nearness, relative_days
from contextd.policy.retrieval.focus import focus_of
from contextd.policy.retrieval.lexical import MAX_QUERY_CHARACTERS, query_terms, terms
from contextd.policy.retrieval.likeness import likeness, standardized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contextd.model import Turn
    from contextd.policy.retrieval.index import PassageIndex
    from contextd.policy.retrieval.likeness import QueryVectors
    from contextd.policy.rules import RetrievalRules
    from contextd.policy.state import SessionState

REACH = 6
"""How many turns before and behind a turn lend it some of their score."""

_NEARNESS = np.maximum(0, 1 - (np.abs(np.arange(-REACH, REACH + 1)) - 1) / REACH)
_NEARNESS[REACH] = 0  # a turn is no neighbour of its own

_MANY_TERMS = 8
"""A message of so many terms says enough to search by alone, even if it leans."""

_READ = 300
_LEAN_CHARACTERS = 300
_LOOK_BACK = 6
_QUESTION = re.compile(r"[^.!?\n]{3,300}\?")


def query_text(message: str, state: SessionState) -> str:
    """Return what to search by: *message*, and what it leans on when it says little itself.

    "And the second one?" is searched with the user's last turn and the assistant's last
    question, after the message.  The result has bounded length apart from *message*.
    """
    if focus_of(message) is Focus.DETAIL or len(terms(message[:_READ])) >= _MANY_TERMS:
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
    vectors: QueryVectors,
    *,
    before: int,
    tokens: int,
    rules: RetrievalRules,
    day_tokens: int = 0,
    today: int = 0,
) -> tuple[Slice, ...]:
    """Return the best passages for *query* that fit in *tokens*, in order of time.

    "Yesterday" counts from *today*, in days since 1970; the first passage of a day costs
    *day_tokens* more, for the line that tells the day.
    *vectors* are the query's; one that is None, like one missing from the index, leaves the
    choice to the other and to the words.  Only turns with a sequence below *before* are
    searched, as if the index ended there.  A larger budget gives the same passages and
    possibly more, because the first passage that does not fit ends the search: passing over
    it would trade it for worse ones that the larger budget has no room for.  What was said
    twice comes once.
    """
    known = index.before(before)
    if not known or tokens <= 0:
        return ()
    scores = score(index, query, vectors, passages=known, rules=rules, today=today)
    rows = index.rows
    ranked = _ranked(scores, rows["print"], rules)
    costs = rows["tokens"][ranked].astype(np.int64)
    costs[np.unique(rows["day"][ranked], return_index=True)[1]] += day_tokens
    filled = np.cumsum(costs)
    chosen = np.sort(ranked[: int(np.searchsorted(filled, tokens, "right"))])
    numbers = chosen.tolist()
    sequences, sizes = rows["sequence"][chosen].tolist(), rows["tokens"][chosen].tolist()
    return tuple(
        Slice(sequence, index.lines[number], size, value)
        for number, sequence, size, value in zip(
            numbers, sequences, sizes, scores[chosen].tolist(), strict=True
        )
    )


def score(
    index: PassageIndex,
    query: str,
    vectors: QueryVectors,
    *,
    passages: int,
    rules: RetrievalRules,
    today: int = 0,
) -> NDArray[np.float64]:
    """Score the first *passages* passages (at least one), shape (passages,), all finite."""
    sought = query_terms(query)
    scores = rules.lexical_weight * standardized(index.lexical.scores(sought, passages))
    if (alike := likeness(index, vectors, passages)) is not None:
        scores += alike
    rows = index.rows[:passages]
    scores += _from_turns(scores, rows["tokens"], index.starts(passages), rules)
    scores += rules.user_prior * rows["from_user"]
    if authors := index.named_authors(sought):
        scores += rules.author_weight * np.isin(rows["author"], authors)
    return scores + rules.date_weight * _told_then(query, rows["day"], today, rules)


def _told_then(
    query: str, days: NDArray[np.int32], today: int, rules: RetrievalRules
) -> NDArray[np.float64] | float:
    """Say how near each passage's day is to the time that the query speaks of, 0..1."""
    text = query[:MAX_QUERY_CHARACTERS]
    if named := named_date(text):
        return nearness(days, named, rules.told_within_days)
    if span := relative_days(text, today):
        return near(days, *span, rules.told_within_days)
    return 0.0


def _from_turns(
    scores: NDArray[np.float64],
    tokens: NDArray[np.uint32],
    starts: NDArray[np.uint32],
    rules: RetrievalRules,
) -> NDArray[np.float64]:
    """Return what each passage gains by the turns around its turn, less what length costs."""
    pieces = np.diff(starts, append=len(scores))
    best = np.maximum(np.maximum.reduceat(scores, starts), 0)
    around = np.convolve(best, _NEARNESS)[REACH : REACH + len(best)]
    gained = rules.neighbour_weight * around / np.sqrt(pieces)
    length = np.log(np.add.reduceat(tokens, starts, dtype=np.float64))
    return np.repeat(gained - rules.length_penalty * (length - length.mean()), pieces)


def _ranked(
    scores: NDArray[np.float64], prints: NDArray[np.uint64], rules: RetrievalRules
) -> NDArray[np.intp]:
    """Return the best passages, best first, the newer of equals first, doubles left out."""
    worst_first = -scores
    numbers = np.arange(len(scores))
    if len(scores) > rules.max_slices:
        numbers = worst_first.argpartition(rules.max_slices)[: rules.max_slices]
    numbers = numbers[np.lexsort((-numbers, worst_first[numbers]))]
    numbers = numbers[: int(np.count_nonzero(scores[numbers] >= rules.min_score))]
    firsts: dict[int, int] = {}
    for place, said in enumerate(prints[numbers].tolist()):
        firsts.setdefault(said, place)
    return numbers[[*firsts.values()]]
