"""What a conversation suggests about the account, for the caller to confirm or not.

Wishes and values that the customer stated; nothing of it is known until it is confirmed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.model import AccountCandidate, AccountFactType, FactKind, Role
from contextd.policy.facts.gathering import SAID
from contextd.policy.facts.wording import normal
from contextd.policy.quoting import flatten
from contextd.policy.reading.keywords import content_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from contextd.model import AccountFact, Fact, Fold, Turn
    from contextd.policy.state import SessionState

MOST_BYTES = 1_024
"""The size of a value, as of one that is confirmed."""

_WISHES = (FactKind.PREFERENCE, FactKind.INSTRUCTION)
_LOOKS: Mapping[str, re.Pattern[str]] = {
    "e-mail": re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"),
    "phone": re.compile(r"\+?[\d ()/.-]{6,}"),
    "name": re.compile(r"[^\W\d_].*"),
}
"""Labels of contact data, and what a value of each looks like."""

_SUBSCRIBED = re.compile(
    r"\b(?P<value>[A-Za-z][\w+-]*) (?P<key>plan|tier|subscription|membership|package)\b"
)
_NO_NAME = frozenset("a an the my your our this that any which what new other same no".split())
_WORDS_OF_A_KEY = 3
_LONGEST_KEY = 64
_NOT_OF_A_KEY = re.compile(r"[^a-z0-9]+")


def candidates(
    state: SessionState, digest: Fold, confirmed: Iterable[AccountFact]
) -> Iterator[AccountCandidate]:
    """Give what *state*, with its *digest*, suggests beside what is *confirmed*."""
    known = {normal(fact.value) for fact in confirmed}
    for fact in digest.facts:
        turn = _said_by_customer(state, fact)
        if turn is None:
            continue
        for key, kind, text in _suggested(fact):
            value = flatten(text)
            if normal(value) not in known and len(value.encode()) <= MOST_BYTES:
                known.add(normal(value))
                yield AccountCandidate(key, kind, value, state.key.conversation_id, (turn.turn_id,))


def distinct(found: Iterable[AccountCandidate]) -> Iterator[AccountCandidate]:
    """Give those of *found*, the newest conversation first, that say something new."""
    said: set[str] = set()
    for each in found:
        if normal(each.value) not in said:
            said.add(normal(each.value))
            yield each


def _said_by_customer(state: SessionState, fact: Fact) -> Turn | None:
    """Return the turn in which the customer said it, be it that others did later."""
    turns = (state.turns[fact.sequence - 1], *reversed(state.turns[: fact.sequence]))
    said = (turn for turn in turns if turn.role is Role.USER)
    if fact.kind is not FactKind.ENTITY:
        return turns[0] if turns[0].role is Role.USER else None
    return next((turn for turn in said if fact.text in turn.text), None)


def _suggested(fact: Fact) -> Iterator[tuple[str, AccountFactType, str]]:
    if fact.kind in _WISHES:
        key = _key("wish", *list(content_words(fact.text))[:_WORDS_OF_A_KEY])
        yield key, AccountFactType.PREFERENCE, fact.text
    elif fact.kind is FactKind.ENTITY and fact.label == SAID:
        for found in _SUBSCRIBED.finditer(fact.text):
            if found["value"].lower() not in _NO_NAME:
                yield _key(found["key"]), AccountFactType.ATTRIBUTE, found["value"]
    elif fact.kind is FactKind.ENTITY and _names(fact):
        yield _key(fact.label), AccountFactType.ATTRIBUTE, fact.text


def _names(fact: Fact) -> bool:
    """Say whether a value is one that names the customer, or something of theirs."""
    looks = _LOOKS.get(fact.label)
    return bool(looks.fullmatch(fact.text)) if looks else fact.label.endswith(" id")


def _key(*words: str) -> str:
    """Return *words* as the key of a fact: a-z, 0-9 and _, beginning with a letter."""
    key = _NOT_OF_A_KEY.sub("_", "_".join(words).lower()).strip("_")
    return (key if key[:1].isalpha() else f"fact_{key}")[:_LONGEST_KEY].rstrip("_")
