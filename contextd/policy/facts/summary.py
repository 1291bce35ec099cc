"""Choose the sentences that stand for a stretch of turns: a summary made of quotations.

A sentence's score is its centrality (how much of the stretch's rarer vocabulary it holds)
plus what its nature adds: who says it, numbers and names, promises, outcomes, the first
request, a question and its answer.  Sentences are taken greedily by score, less what the
ones taken say already, and given in the order in which they were said.

Centrality is the cosine to the TF-IDF centroid, a linear-time stand-in for LexRank (Erkan
and Radev 2004); the penalty is Maximal Marginal Relevance (Carbonell and Goldstein 1998).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import FactKind, Retention, Role, Sentence
from contextd.policy.facts.supersession import outdated, states_old
from contextd.policy.quoting import quote
from contextd.policy.reading.retention import filler

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from contextd.model import Turn
    from contextd.policy.meter import Meter
    from contextd.policy.reading.retention import Verdict

MOST_RANKED = 240
"""Sentences that compete in the greedy choice; the others scored lower."""
_FROM_HEAD, _FROM_TAIL = 16, 6
"""Sentences of one turn that are ranked: its first and its last ones."""
_REDUNDANCY = 1.2
_CROWDING = 0.12
"""What a sentence loses for each one already taken from its twelfth of the stretch."""
_STRETCHES = 12
_LENGTH = 0.006
"""What a sentence loses for each of its tokens."""
_CORRECTIONS = 40
"""The newest corrections against which sentences are held."""
_LEAST = 0.1
"""The worth below which a sentence is not taken though there is room."""
_AGEING = 0.95
"""What is left of an old summary sentence's score at each further fold."""

_WORD = re.compile(r"[^\W_]{2,}(?:['’][a-z]+)?")
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
_NEGATION = re.compile(r"\b(?:not|no|never|cannot|without|unable|none)\b|n['’]t\b", re.IGNORECASE)
_LEAD = re.compile(r"^(?:\|.*\||[^.?!]*:)$|^```")
_LEANS = re.compile(
    r"^(?:and|but|so|or|then|also|only|because|it|that|this|they|he|she|those|these|which|there"
    r"|yes|no|ok(?:ay)?|well|oh|sorry|i (?:did|do|have|will|can|can't|don't))\b(?! (?:is|are) a)",
    re.IGNORECASE,
)
"""Openings by which a sentence leans on the one before."""
_LEANING = 0.3
_SELF_CONTAINED = 4
"""Content words of a sentence that can be read alone."""
_STOP = frozenset(
    """
    the a an and or but if of to in on at for with by from is are was were be been being it its
    this that these those i you he she we they me my your our their his her them us am do does
    did have has had will would can could should may might so as not no yes ok okay please just
    also there here then than too very about into over out up down all any some what which who
    when where how i'm i'll it's that's you're don't i've i'd let like get want need know thank
    thanks hello hi help sure
    """.split()
)
_BY_ROLE: Mapping[Role, float] = {
    Role.USER: 0.35,
    Role.ASSISTANT: 0.1,
    Role.HUMAN_AGENT: 0.3,
    Role.TOOL: -0.2,
}
_BY_KIND: Mapping[FactKind, float] = {
    FactKind.CORRECTION: 0.6,
    FactKind.INSTRUCTION: 0.6,
    FactKind.PREFERENCE: 0.6,
    FactKind.COMMITMENT: 0.5,
    FactKind.DECISION: 0.5,
    FactKind.ACTION: 0.45,
}


@dataclass(frozen=True, slots=True)
class _Ranked:
    sentence: Sentence
    words: frozenset[str]


def summarize(
    turns: Sequence[Turn],
    verdicts: Sequence[Verdict],
    *,
    before: Sequence[Sentence],
    shown: Container[str],
    everyone: Sequence[Turn],
    limit: int,
    meter: Meter,
) -> tuple[Sentence, ...]:
    """Return sentences of *turns* and of the summary *before* them, within *limit* tokens.

    Texts in *shown* stand in the prompt already.  `everyone[n - 1]` is the turn with
    sequence n.  The tokens are those of the quoted lines.
    """
    ranked = [_Ranked(item, frozenset(words(item.text))) for item in _aged(before)]
    ranked += _rank(turns, verdicts, first=not before)
    old = outdated(turns, verdicts)[-_CORRECTIONS:]
    ranked = [
        item
        for item in ranked
        if item.sentence.text not in shown
        and not states_old(item.sentence.text, item.sentence.sequence, old)
    ]
    ranked.sort(key=lambda item: (-item.sentence.score, item.sentence.sequence))
    chosen = _greedy(ranked[:MOST_RANKED], everyone, limit, meter)
    return tuple(sorted(chosen, key=lambda item: item.sequence))


def words(text: str) -> list[str]:
    """Return the content words of *text*, roughly stemmed, with repetitions."""
    found = (word.removesuffix("s") for word in _WORD.findall(text.lower()))
    return [word for word in found if word not in _STOP]


def _aged(before: Sequence[Sentence]) -> Iterator[Sentence]:
    return (replace(item, score=item.score * _AGEING) for item in before)


def _rank(turns: Sequence[Turn], verdicts: Sequence[Verdict], *, first: bool) -> list[_Ranked]:
    found = list(_candidates(turns, verdicts, first=first))
    bags = [words(item.text) for item in found]
    spread = Counter(word for bag in bags for word in set(bag))
    total = len(bags)
    rarity = {word: math.log(1 + total / count) for word, count in spread.items()}
    centre = {word: count * rarity[word] for word, count in spread.items()}
    raw = [_centrality(bag, rarity, centre) for bag in bags]
    highest = max(raw, default=0.0) or 1.0
    return [
        _Ranked(replace(item, score=item.score + value / highest), frozenset(bag))
        for item, bag, value in zip(found, bags, raw, strict=True)
        if bag
    ]


def _centrality(bag: Sequence[str], rarity: dict[str, float], centre: dict[str, float]) -> float:
    distinct = set(bag)
    norm = math.sqrt(sum(rarity[word] ** 2 for word in distinct))
    # A short sentence of common words would be closest to the centre: it says too little.
    short = min(1.0, len(distinct) / 6)
    return (
        short * sum(rarity[word] * centre[word] for word in sorted(distinct)) / norm
        if norm
        else 0.0
    )


def _candidates(
    turns: Sequence[Turn], verdicts: Sequence[Verdict], *, first: bool
) -> Iterator[Sentence]:
    asked = False
    for turn, verdict in zip(turns, verdicts, strict=True):
        if verdict.retention is Retention.DISCARD:
            continue
        problem = _richest(verdict.sentences) if turn.role is Role.USER and first else ""
        first = first and not problem
        kinds = {item.text: item.kind for item in verdict.statements}
        for position, sentence in enumerate(_ends(verdict.sentences)):
            if filler(sentence):
                continue
            score = _nature(sentence, turn.role) + _BY_KIND.get(kinds.get(sentence), 0.0)  # type: ignore[arg-type] # None is no key
            if sentence == problem:
                score += 1.0
            if asked and position == 0 and turn.role is not Role.USER:
                score += 0.2
            yield Sentence(turn.sequence, turn.role, sentence, score)
        asked = turn.role is Role.USER and "?" in turn.text[-400:]


def _richest(found: Sequence[str]) -> str:
    """Return the sentence that says most, the first of equals; "" where all are filler."""
    telling = (sentence for sentence in _ends(found) if not filler(sentence))
    return max(telling, key=lambda sentence: len(set(words(sentence))), default="")


def _ends(found: Sequence[str]) -> Sequence[str]:
    if len(found) <= _FROM_HEAD + _FROM_TAIL:
        return found
    return (*found[:_FROM_HEAD], *found[-_FROM_TAIL:])


def _nature(sentence: str, role: Role) -> float:
    score = _BY_ROLE[role]
    if _NUMBER.search(sentence):
        score += 0.3
    if _NAME.search(sentence):
        score += 0.15
    if _NEGATION.search(sentence):
        score += 0.12
    if sentence.endswith("?"):
        score += 0.25 if role is Role.USER else -0.35
    if _LEAD.search(sentence):
        score -= 0.4
    if _LEANS.search(sentence):
        score -= _LEANING
    if len(set(words(sentence))) < _SELF_CONTAINED:
        score -= _LEANING
    return score


def _greedy(
    ranked: Sequence[_Ranked], everyone: Sequence[Turn], limit: int, meter: Meter
) -> list[Sentence]:
    last = max((item.sentence.sequence for item in ranked), default=1)
    cost = [
        meter.count(quote(everyone[item.sentence.sequence - 1], item.sentence.text))
        for item in ranked
    ]
    worth = [item.sentence.score - _LENGTH * cost[at] for at, item in enumerate(ranked)]
    stretch = [item.sentence.sequence * _STRETCHES // (last + 1) for item in ranked]
    left, room = set(range(len(ranked))), limit
    chosen: list[Sentence] = []
    while True:
        open_to = [at for at in sorted(left) if cost[at] <= room]
        if not open_to:
            return chosen
        best = max(open_to, key=worth.__getitem__)
        if chosen and worth[best] < _LEAST:
            return chosen
        left.discard(best)
        room -= cost[best]
        chosen.append(ranked[best].sentence)
        for at in left:
            shared = len(ranked[at].words & ranked[best].words)
            overlap = shared / (1 + min(len(ranked[at].words), len(ranked[best].words)))
            worth[at] -= _REDUNDANCY * overlap**2 + _CROWDING * (stretch[at] == stretch[best])
