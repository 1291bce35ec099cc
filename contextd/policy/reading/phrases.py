"""Shorten what somebody said to the words that carry it, and name what an answer answers.

A phrase is a contiguous piece of its sentence: openings ("Hi, I would like to"), closings
("please, thanks") and nothing from the middle are left out, so it stays a quotation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.policy.reading.keywords import content_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OPENING = re.compile(
    r"(?:(?:hi|hello|hey|ok(?:ay)?|yes|yeah|yep|sure|well|so|great|good|thanks?(?: you)?|please|"
    r"pls|sorry|um+|uh|oh|"
    r"ah|hmm+|also|and|but|then|alright|right|perfect|cool|there|now|just|actually|oops|wait|"
    r"no problem|"
    r"good (?:morning|afternoon|evening))\b[\s,.!;:–-]*+"
    r"|(?:i(?:'d| would)? (?:really )?(?:like|love|want|need|wish|have)(?: (?:you )?to(?: know)?)?|"
    r"i(?:'m| am)(?: (?:looking|trying|calling|hoping|going|here|interested|"
    r"writing))?(?: (?:for|to|about|in|because))?|"
    r"(?:can|could|would|will|may) (?:you|i|we)(?: please)?(?: (?:help me|tell me|give me|get|"
    r"have|check|"
    r"find|book|make|do))?(?: (?:with|to|if|for|on))?|i was wondering (?:if|whether)|"
    r"is it possible to|"
    r"do you (?:know|have)|(?:it|that|this)(?:'s| is| was| will be| would be)|"
    r"my (?:full )?name(?:'s| is)|"
    r"i(?:'ll| will)(?: be)?|let'?s|there(?:'s| is| are)|help me|tell me|"
    r"the|a|an|me|to|for|in|at|on|about|with|it|we|i)\b(?!')[\s,:]*+)"
)
_CLOSING = re.compile(
    r"[\s,.!]*(?:\b(?:please|pls|thanks?|thank you|ok(?:ay)?|right|then|for me|instead|now|"
    r"today then|sir|"
    r"if possible|as well|too|so much|very much|again)\b)?[\s.!,;:)]*$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"(?<=[a-z0-9'\")]{2})(?:[,;]? (?:and|but|so|because|since) (?=(?:i|we|my|it|could|can|please|that|the)\b)|; | [–—-] |, (?=(?:and|but|i|so|my)\b))",  # noqa: E501 – one alternation
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:(?:provide|tell|give|have|get|confirm|specify|enter|share|know|state|verify|need|"
    r"describe|choose|select|"
    r"what(?:'s|s| is| was| are| were| would be)|which(?: is)?)\b(?: (?:me|us|with|again|to know))*"
    r"(?: (?:your|the|a|an|their|his|her|any|some|preferred|desired|full|complete|first|please)\b)*"
    r"|for (?=(?:how|what|which)\b)|\bhow (?=many|much|long|far|old|often)|\b(?=what (?:time|"
    r"day|date|kind|type|city|area|name|size|color))"
    r"|\b(?=when\b|where\b|who\b)) ?"
    r"(?P<what>[a-z][a-z'/-]*(?: (?!(?:please|is|are|was|for|so|you|do|would|should|shall|"
    r"of the|that|to|and|or|in|on|at|"
    r"associated|registered|did|does|will|can|i|we|it|again|the|your|your)\b)[a-z'/-]+){0,3})"
)
_REQUEST = re.compile(
    r"\bplease\b|\bi(?:'ll)? (?:\w+ )?need\b|^(?:enter|provide|specify|tell|give)\b"
)
_SLOTS: Mapping[str, str] = {
    "when": "time",
    "where": "place",
    "who": "person",
    "what time": "time",
    "what day": "date",
}
_ONLY_ASKED = re.compile(r"\b(?:what|which|how) ")
_EMPTY_SLOT = frozenset(
    "you me us it that this them else anything something i we do if help to".split()
)
SHORT_ANSWER = 7
"""Words of a reply that can be an answer as a whole."""
LONGEST = 160
"""Characters of a phrase."""


def condense(sentence: str) -> str:
    """Return the piece of *sentence* that carries it, without opening and closing."""
    plain = sentence.replace("\u2019", "'").lower()
    at = 0
    while (opening := _OPENING.match(plain, at)) is not None and opening.end() > at:
        at = opening.end()
    kept = sentence[at:]
    while (closing := _CLOSING.search(kept)) is not None and closing.start() < len(kept):
        kept = kept[: closing.start()]
    return cut(kept.strip(" ,;:–-"), LONGEST)


def clauses(sentence: str) -> Iterator[str]:
    """Give the clauses of *sentence*, each condensed, none of them empty."""
    at = 0
    for joint in _CLAUSE.finditer(sentence):
        phrase = condense(sentence[at : joint.start()])
        at = joint.end()
        if phrase:
            yield phrase
    phrase = condense(sentence[at:])
    if phrase:
        yield phrase


def asked_for(sentence: str) -> str:
    """Return what a question or request asks for ("account number"), or ""."""
    plain = sentence.replace("\u2019", "'").lower()
    if "?" not in plain and not _REQUEST.search(plain):
        return ""
    found = None
    for found in _ASKED.finditer(plain[-200:]):  # noqa: B007 – the last one is what is asked
        pass
    if found is None:
        return ""
    what = _SLOTS.get(found["what"], found["what"])
    what = _ONLY_ASKED.sub("", what).removeprefix("many ").removeprefix("much ").strip()
    empty = not any(content_words(what)) or what.split()[0] in _EMPTY_SLOT
    return "" if empty else what


def cut(text: str, most: int) -> str:
    """Return *text* with at most *most* characters, cut at a space where there is one."""
    if len(text) <= most:
        return text
    space = text.rfind(" ", most // 2, most)
    return text[: space if space > 0 else most].rstrip()
