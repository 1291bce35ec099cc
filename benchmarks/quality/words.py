"""How texts are compared: content words for turns, whole phrases for values."""

from __future__ import annotations

import re
from functools import lru_cache

WORD = re.compile(r"\w+")

STOP_WORDS = frozenset(
    """
    a about all also am an and any are as at be because been but by can could did do does
    for from get got had has have he her here him his how i if in is it its just like me
    more my no not now of oh ok okay on one or our out really she so some that the their
    them then there they this to uh um up us was we well were what when where which who
    why will with would yeah yes you your
    """.split()
)


def all_words(text: str) -> list[str]:
    """Return the words of *text* in order, in lower case, repeats included."""
    return WORD.findall(text.lower())


@lru_cache(maxsize=65_536)
def content_words(text: str) -> frozenset[str]:
    """Return the distinct words of *text* that are no stop words; all, if none is left."""
    words = frozenset(all_words(text))
    return words - STOP_WORDS or words


def normalised(text: str) -> str:
    """Return *text* with case folded and every run of white space as one space."""
    return " ".join(text.casefold().split())


def holds(text: str, value: str) -> bool:
    """Whether the normalised *text* holds the normalised *value* as whole words.

    A letter, digit or underscore right before or after it makes another word of it; for an
    end of the value that is itself no such character (a "$", a "!"), nothing is asked.
    """
    start = text.find(value) if value else -1
    while start >= 0:
        end = start + len(value)
        before = start == 0 or not (_joins(text[start - 1]) and _joins(value[0]))
        after = end == len(text) or not (_joins(text[end]) and _joins(value[-1]))
        if before and after:
            return True
        start = text.find(value, start + 1)
    return False


def _joins(character: str) -> bool:
    return character == "_" or character.isalnum()
