"""A fact by its words: what it is compared, chosen and sized by, worked out once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import FactKind
from contextd.policy.reading.keywords import content_words

if TYPE_CHECKING:
    from contextd.model import Fact

SAID = "said"
"""The label of a user's own words that no better label fits."""

_SELF_EVIDENT = frozenset((SAID, "", "date", "time", "amount", "quantity", "e-mail", "url"))
"""Labels that a value makes plain itself."""
_NEEDED = (" id", "e-mail", "phone")
"""Labels of values that a tool or a colleague will ask for: they are always told apart."""
_NAME = re.compile(r"[A-Z][\w'’.&-]*(?:,? (?:(?:of|and|the) )?[A-Z][\w'’.&-]*)+")
"""A name of several words is one word to the cover: parts of it tell nothing."""
_STRAY = " .,;:!?\"'*()"


@dataclass(frozen=True, slots=True)
class Wording:
    """What follows from the words of a fact.

    `text` is how it compares, `words` are what it tells, `cost` guesses its tokens as a line.
    """

    text: str
    words: tuple[str, ...]
    cost: float


def worded(fact: Fact) -> Wording:
    """Read the words of *fact*."""
    text = normal(fact.text)
    text = fact.text if text == fact.text else text  # one string, where it is remembered
    return Wording(text, _words(fact, text), _estimate(fact))


def normal(text: str) -> str:
    """Return *text* as it compares: lower case, single spaces, no marks around it."""
    return " ".join(text.lower().split()).strip(_STRAY)


def told_label(fact: Fact) -> str:
    """Return the label that is written before a value: none where the value shows what it is."""
    return "" if fact.label in _SELF_EVIDENT else fact.label


def _words(fact: Fact, whole: str) -> tuple[str, ...]:
    """Return what *fact* tells: the words of a phrase, a value or a name as a whole."""
    if fact.label.endswith(_NEEDED):
        return (f"{fact.label} {whole}",)
    if fact.kind is FactKind.ENTITY and (fact.label != SAID or _NAME.fullmatch(fact.text)):
        return (whole,)
    words = tuple(dict.fromkeys(content_words(fact.text)))
    alone = (whole,)
    return words if words and words != alone else alone


def _estimate(fact: Fact) -> float:
    """Guess the tokens of a fact, cheaply: digits run at 2.5 characters a token, words at 4.5."""
    digits = sum(map(str.isdigit, fact.text))
    text = digits / 2.5 + (len(fact.text) - digits) / 4.5
    if fact.kind is not FactKind.ENTITY:
        return text + 12
    label = told_label(fact)
    return text + 1 + (1 + len(label) / 5 if label else 0)
