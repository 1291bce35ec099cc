"""What a sentence tells by itself: what it is worth in a summary before others are taken.

Its worth is its centrality (how much of the stretch's rarer vocabulary it holds) plus what
its nature adds: who says it, numbers and names, promises, outcomes, the first request, a
question and its answer.  Centrality is the cosine to the TF-IDF centroid, a linear-time
stand-in for LexRank (Erkan and Radev 2004); the cosine to the centroid of sentence vectors
was tried in its place and lost, since it favours what is said of nothing in particular.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import FactKind, Retention, Role, Sentence
from contextd.policy.facts.issue import open_issue
from contextd.policy.reading.retention import filler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contextd.model import Turn
    from contextd.policy.reading.retention import Verdict

_CENTRALITY = 1.2
"""What the most central sentence of a stretch gains."""
_FROM_HEAD, _FROM_TAIL = 16, 6
"""Sentences of one turn that are ranked: its first and its last ones."""
_AGEING = 0.95
"""What is left of an old summary sentence's score at each further fold."""
_NEAR = 2
"""Turns back to what a sentence can point at."""

_WORD = re.compile(r"[^\W_]{2,}(?:['’][a-z]+)?")
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
_VALUE = re.compile(r"\b\w*\d[\w:.,/@-]*|[\w.+-]+@[\w.-]+|(?<=[a-z,] )[A-Z][\w'-]+")
_NEGATION = re.compile(r"\b(?:not|no|never|cannot|without|unable|none)\b|n['’]t\b", re.IGNORECASE)
_LEAD = re.compile(r"^(?:\|.*\||[^.?!]*:)$|^```")
_LEANS = re.compile(
    r"^(?:and|but|so|or|then|also|only|because|it|that|this|they|he|she|those|these|which|there"
    r"|yes|no|ok(?:ay)?|well|oh|sorry|i (?:did|do|have|will|can|can't|don't))\b(?! (?:is|are) a)",
    re.IGNORECASE,
)
"""Openings by which a sentence leans on the one before."""
_POINTS = re.compile(
    r"^(?:(?:and|but|so|or|then|also|well|oh|ok|okay|yes|yeah|no|because)[,.]? )?(?:"
    r"(?:it|that|this|they|he|she)(?:['’](?:s|re|ll|d|ve))?|its|them|those|these|such"
    r"|the same|the (?:other|first|second|last|former|latter) one)\b",
    re.IGNORECASE,
)
"""Openings that name nothing: what they mean was said before."""
_LEADING = 1.0
"""What the first request and the one that was left open gain."""
_ALIKE = 120
"""Characters by which they are known again."""
_LEANING = 0.3
_SELF_CONTAINED = 4
"""Content words of a sentence that can be read alone."""
_NAMING = 3
"""Content words of a sentence that another one can point at."""
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
class Telling:
    """A sentence that may be taken, scored, and its content words.

    `needs` is the sentence without which it cannot be understood ("That one, please."), to
    be taken with it.
    """

    sentence: Sentence
    words: frozenset[str]
    needs: Sentence | None = None


def tellings(
    turns: Sequence[Turn], verdicts: Sequence[Verdict], before: Sequence[Sentence]
) -> list[Telling]:
    """Return what may be taken of a summary *before* and of the *turns* since, as said.

    Without a summary before, the first request is looked for in the turns.  A sentence that
    points at something said nowhere near is left out.
    """
    said = _understood(_candidates(turns, verdicts, first=not before))
    found = [each for each in said if each.words]
    central = _centralities([each.words for each in found])
    fresh = [
        Telling(_scored(each.sentence, _CENTRALITY * value), each.words, each.needs)
        for each, value in zip(found, central, strict=True)
    ]
    return [*_understood(_aged(before)), *fresh]


def words(text: str) -> list[str]:
    """Return the content words of *text*, roughly stemmed, with repetitions."""
    found = (word.removesuffix("s") for word in _WORD.findall(text.lower()))
    return [word for word in found if word not in _STOP]


def values(text: str) -> frozenset[str]:
    """Return the numbers and names in *text*, in lower case."""
    return frozenset(value.lower() for value in _VALUE.findall(text))


def _scored(item: Sentence, more: float) -> Sentence:
    return Sentence(item.sequence, item.role, item.text, item.score + more)


def _aged(before: Sequence[Sentence]) -> Iterator[tuple[Sentence, frozenset[str]]]:
    for item in before:
        yield _scored(item, (_AGEING - 1) * item.score), frozenset(words(item.text))


def _understood(said: Iterable[tuple[Sentence, frozenset[str]]]) -> Iterator[Telling]:
    """Give what can be understood; a sentence that points goes with what it may point at."""
    named: Sentence | None = None
    for sentence, bag in said:
        points = _POINTS.search(sentence.text) is not None
        if not points:
            yield Telling(sentence, bag)
        elif named is not None and named.sequence >= sentence.sequence - _NEAR:
            yield Telling(sentence, bag, named)
        if not points and len(bag) >= _NAMING:
            named = sentence


def _centralities(bags: Sequence[frozenset[str]]) -> list[float]:
    """Return the centrality of each bag of words, 1 for the highest."""
    spread = Counter(word for bag in bags for word in bag)
    rarity = {word: math.log(1 + len(bags) / count) for word, count in spread.items()}
    centre = {word: count * rarity[word] for word, count in spread.items()}
    raw = [_centrality(bag, rarity, centre) for bag in bags]
    highest = max(raw, default=0.0) or 1.0
    return [value / highest for value in raw]


def _centrality(
    bag: frozenset[str], rarity: Mapping[str, float], centre: Mapping[str, float]
) -> float:
    ordered = sorted(bag)  # floats add up the same way every time
    norm = math.sqrt(sum(rarity[word] ** 2 for word in ordered))
    # A short sentence of common words would be closest to the centre: it says too little.
    short = min(1.0, len(ordered) / 6)
    return short * sum(rarity[word] * centre[word] for word in ordered) / norm if norm else 0.0


def _candidates(
    turns: Sequence[Turn], verdicts: Sequence[Verdict], *, first: bool
) -> Iterator[tuple[Sentence, frozenset[str]]]:
    """Give the sentences of *turns* with their content words, each with its nature's worth."""
    asked = False
    issue = open_issue(turns, verdicts, None)
    for turn, verdict in zip(turns, verdicts, strict=True):
        if verdict.retention is Retention.DISCARD:
            continue
        problem = _richest(verdict.sentences) if turn.role is Role.USER and first else ""
        first = first and not problem
        left = issue.text if issue is not None and issue.sequence == turn.sequence else ""
        yield from _of_turn(turn, verdict, leading=(problem, left), answers=asked)
        asked = turn.role is Role.USER and "?" in turn.text[-400:]


def _of_turn(
    turn: Turn, verdict: Verdict, *, leading: tuple[str, str], answers: bool
) -> Iterator[tuple[Sentence, frozenset[str]]]:
    kinds = {item.text: item.kind for item in verdict.statements}
    for position, sentence in enumerate(_ends(verdict.sentences)):
        if filler(sentence):
            continue
        bag = frozenset(words(sentence))
        score = _nature(sentence, turn.role, len(bag)) + _BY_KIND.get(kinds.get(sentence), 0.0)  # type: ignore[arg-type] # None is no key
        if sentence.startswith(tuple(text[:_ALIKE] for text in leading if text)):
            score += _LEADING
        if answers and position == 0 and turn.role is not Role.USER:
            score += 0.2
        yield Sentence(turn.sequence, turn.role, sentence, score), bag


def _richest(found: Sequence[str]) -> str:
    """Return the sentence that says most, the first of equals; "" where all are filler."""
    telling = (sentence for sentence in _ends(found) if not filler(sentence))
    return max(telling, key=lambda sentence: len(set(words(sentence))), default="")


def _ends(found: Sequence[str]) -> Sequence[str]:
    if len(found) <= _FROM_HEAD + _FROM_TAIL:
        return found
    return (*found[:_FROM_HEAD], *found[-_FROM_TAIL:])


def _nature(sentence: str, role: Role, content: int) -> float:
    """Return what a sentence with so many content words is worth by its nature."""
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
    if content < _SELF_CONTAINED:
        score -= _LEANING if content > 1 else 2 * _LEANING
    return score
