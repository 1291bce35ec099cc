"""Phrases that a tenant writes down itself, found in texts as whole words."""

from __future__ import annotations

import re
from functools import lru_cache

from contextd.policy.reading.utterance import Cues, cue, plain, table

MOST_PHRASES = 200
LONGEST_PHRASE = 120
READ = 12_000
"""Characters of a text in which phrases are looked for."""

_FIRST_WORD = re.compile(r"[\w']+")
_EDGES = re.compile(r"^\W+|\W+$")


def wrong_with(phrase: str) -> str:
    """Return why *phrase* could never be found as whole words, "" when it could."""
    if not 0 < len(phrase) <= LONGEST_PHRASE:
        return f"must have 1 to {LONGEST_PHRASE} characters"
    if _EDGES.search(plain(phrase)):
        return "must begin and end with a letter or a digit"
    return ""


@lru_cache(maxsize=256)
def cues(phrases: tuple[str, ...], strength: float) -> Cues:
    """Return *phrases* as cues of one strength, made once for all messages."""
    return table(
        *(
            cue(phrase, strength, re.escape(read), _FIRST_WORD.findall(read)[0])
            for phrase in phrases
            if (read := plain(phrase)) and _FIRST_WORD.search(read)
        )
    )


def holds(text: str, phrases: tuple[str, ...]) -> bool:
    """Say whether *text* holds one of *phrases*, negated or not."""
    read = plain(text[:READ])
    return any(each.pattern.search(read) is not None for each in cues(phrases, 1.0).cues)


def is_one(text: str, phrases: tuple[str, ...]) -> bool:
    """Say whether *text* is nothing but one of *phrases*, but for signs around it."""
    if len(text) > 2 * LONGEST_PHRASE:
        return False
    return _EDGES.sub("", plain(text)) in {plain(phrase) for phrase in phrases}
