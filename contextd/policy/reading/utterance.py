"""What a person said, made ready for the cue tables, and how a cue is found in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

GLANCE = 800
"""Characters of a text that the cues look at: requests stand at its start or its end."""

_START = 4
_STEM = 6
_SHORT = 2
_WORD = re.compile(r"[\w']+")
_CLAUSE = re.compile(r"[.!?;:\n]|,? (?:but|because|so|then|otherwise) ")
_NEGATION = re.compile(
    r"\b(?:(?:don'?t|do not|doesn'?t|does not|didn'?t|did not)(?: really| actually)?\W*$"
    r"|(?:(?:don'?t|do not|doesn'?t|does not|didn'?t|did not) (?:\w+ )?"
    r"(?:want|need|wish|mean|have|ask)"
    r"|not (?:want|need|ask|look|try)\w*|do (?:i|we) (?:have|need) to|rather not|prefer not"
    r"|no(?: longer)? need|nothing|without|instead of|rather than|needn'?t|avoid)\b"
    r"\W*(?:(?!(?:just|only|i|bot|robot|machine|please|get|give|let|connect)\b)\w+\W+){0,4}$)"
)
_STOP = frozenset(
    "the and you your for that this with have has had was were are not but can could would should "
    "will what when where which who why how does did don't is it's i'm i've my me please just "
    "about "
    "from there here they them then than any some get got want need like know tell yes yeah thanks "
    "thank okay hello its one out now all also too very been being our".split()
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One text of a person.

    `said` is the text as written, `text` the same in lower case with plain apostrophes and
    single spaces, both cut to `GLANCE` characters; `words` are its distinct words and
    `starts` their first `_START` letters.
    """

    said: str
    text: str
    words: frozenset[str]
    starts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cue:
    """A pattern that tells something, and how much (0..1).

    `gate` makes the search cheap: the pattern is tried only when a word was said that begins
    like one of these (an empty gate: always).  A match in a negated clause ("I don't need
    to …") does not count, unless `negatable` is false.
    """

    label: str
    strength: float
    pattern: re.Pattern[str]
    gate: frozenset[str] = frozenset()
    negatable: bool = True

    def found_in(self, utterance: Utterance) -> bool:
        """Say whether the utterance holds this cue."""
        if self.gate and self.gate.isdisjoint(utterance.starts):
            return False
        return self.matches(utterance.text)

    def matches(self, text: str) -> bool:
        """Say whether *text*, as `plain` gives it, holds this cue; the gate is not asked."""
        if not self.negatable:
            return self.pattern.search(text) is not None
        return any(not negated(text, match.start()) for match in self.pattern.finditer(text))


@dataclass(frozen=True, slots=True)
class Cues:
    """A table of cues; `gate` tells in one step that none of them can be there."""

    cues: tuple[Cue, ...]
    gate: frozenset[str]

    def found_in(self, utterance: Utterance) -> list[Cue]:
        """Return the cues found, in the order of the table."""
        hits = self.gate & utterance.starts if self.gate else utterance.starts
        if not hits:
            return []
        return [
            cue
            for cue in self.cues
            if not (cue.gate and cue.gate.isdisjoint(hits)) and cue.matches(utterance.text)
        ]

    def strongest_in(self, utterance: Utterance) -> Cue | None:
        """Return the strongest cue found (the first of equals), or None."""
        return max(self.found_in(utterance), key=lambda cue: cue.strength, default=None)


def hear(text: str) -> Utterance:
    """Return *text* as the cues want it, its middle left out beyond `GLANCE` characters."""
    if len(text) > GLANCE:
        text = f"{text[: GLANCE // 2]} \u2026 {text[-GLANCE // 2 :]}"
    read = plain(text)
    words = frozenset(_WORD.findall(read))
    return Utterance(text, read, words, frozenset([word[:_START] for word in words]))


def plain(text: str) -> str:
    """Return *text* in lower case, with plain apostrophes and single spaces."""
    straight = text if text.isascii() else text.replace("\u2019", "'").replace("\u2018", "'")
    return " ".join(straight.lower().split())


def content(utterance: Utterance) -> frozenset[str]:
    """Return the words that tell what an utterance is about, each cut to its stem's length."""
    return frozenset(
        word[:_STEM] for word in utterance.words if len(word) > _SHORT and word not in _STOP
    )


def negated(text: str, start: int) -> bool:
    """Say whether what begins at *start* is negated in its own clause."""
    before = text[max(0, start - 60) : start]
    return _NEGATION.search(_CLAUSE.split(before)[-1]) is not None


def cue(
    label: str, strength: float, pattern: str, gate: str = "", *, negatable: bool = True
) -> Cue:
    """Make a cue; *gate* is a list of words separated by blanks."""
    compiled = re.compile(rf"\b(?:{pattern})\b")
    starts = frozenset(word[:_START] for word in gate.split())
    return Cue(label, strength, compiled, starts, negatable)


def table(*cues: Cue) -> Cues:
    """Put cues together; the gate of the whole is the union of their gates, if all have one."""
    starts = frozenset[str]().union(*(each.gate for each in cues))
    return Cues(cues, starts if all(each.gate for each in cues) else frozenset())
