"""The words of a sentence that carry it: what is left between the words of grammar.

A keyword phrase is a longest run of words without a function word in it, as in RAKE (Rose,
Engel, Cramer and Cowley 2010): "a table for two at the Blue Door on Friday" holds "table",
"two", "Blue Door" and "Friday".  It is a contiguous piece of the text, so it stays a
quotation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_WORDS = 8
"""Words of one phrase; a longer run is no phrase but a list, and is cut."""
_SHORT_NUMBER = 3
"""Digits up to which a number means nothing without the word behind it."""

_WORD = re.compile(r"[^\W_]+(?:[-'’.:/@_&+][^\W_]+)*%?|[$€£¥₹#][^\W_]+(?:[.,][^\W_]+)*%?")
_GAP = re.compile(r"[ \t]{1,3}|(?:, ?| ?- ?| ?& ?)")
"""What may stand between two words of one phrase."""
_TITLES = frozenset("Dr Mr Mrs Ms Prof St Mt".split())
_NAME_JOINTS = frozenset("and or of the a an at in on to for by with de la le von van".split())
"""Function words that a name may hold between two of its capitals: "Bed and Breakfast"."""
_CAPITAL = re.compile(r" (?:[a-z]{1,3} ){0,2}[A-Z]")
_OPENS_NAME = re.compile(r" (?:on |of |and |upon a )?[A-Z](?!['’ ])")
_JOINED = re.compile(r" (?:[a-z]{1,3} ){0,2}[A-Z]")

FUNCTION_WORDS = frozenset(
    """
    a an the this that these those some any each every either neither both all such another
    other others same own
    i me my mine myself you your yours yourself he him his she her hers it its itself we us our
    ours they them their theirs themselves one ones someone somebody something anyone anybody
    anything everyone everything nothing nobody none who whom whose which what whatever
    where when why how while whether if unless because since so than then though although as
    and or but nor not no yes
    of to in on at by for from with without about into onto over under after before during
    until till through between among against near around out off up down upon within along
    across behind beside besides per via like
    be am is are was were been being do does did done doing have has had having will would shall
    should can could may might must ought cannot
    i'm i've i'd i'll you're you've you'd you'll he's she's it's we're we've we'd we'll they're
    they've they'd they'll that's there's here's what's who's where's how's let's don't doesn't
    didn't isn't aren't wasn't weren't haven't hasn't hadn't won't wouldn't shouldn't couldn't
    can't mustn't ain't im ive id dont doesnt didnt cant wont
    m s t d ll ve re nt n
    there here now just only also too very really quite rather even still yet already again
    ever never maybe perhaps actually basically well oh ah um uh hmm mm yeah yep yup nope ok
    okay alright sure right please pls thanks thank hi hello hey bye goodbye welcome sorry
    great good nice fine perfect awesome cool wonderful excellent lovely
    want wants wanted need needs needed wish hope like likes liked get gets got getting give
    gives gave go goes going gonna went come comes came take takes took make makes made let
    look looks looking looked find finds finding found see sees seeing saw seen try tries
    trying tried know knows knew known think thinks thought thinking say says said tell tells
    told ask asks asked help helps helping helped use uses using used put seem seems mean means
    meant wonder wondering feel feels guess believe appreciate love
    more most much many lot lots few less least bit kind sort thing things way ways stuff
    ahead proceed able possible available interested excited happy glad sure correct supposed
    wow gosh darn haha lol yay else once happen happens happened hear heard hears remember
    remembered forget forgot forgotten wait waiting start starts starting started stop keep kept
    show shows suggest recommend recommended recommendation recommendations suggestion
    suggestions choose check checking confirm sound sounds work works working worked question
    questions info information details detail plan planning
    best better bad
    """.split()
)
"""Words of English grammar and courtesy, and verbs that say no more than that one wants."""


def keywords(text: str) -> Iterator[str]:
    """Give the keyword phrases of *text*, in order; numbers stay with the word behind them."""
    words: list[re.Match[str]] = []
    for match in _WORD.finditer(text):
        if words and not (len(words) < MOST_WORDS and _adjoin(words[-1], match, text)):
            yield text[words[0].start() : words[-1].end()]
            words = []
        if _carries(match, text, after=words[-1].group() if words else ""):
            words.append(match)
        elif words:
            yield text[words[0].start() : words[-1].end()]
            words = []
    if words:
        yield text[words[0].start() : words[-1].end()]


def content_words(text: str) -> Iterator[str]:
    """Give the words of *text* that tell something, in lower case.

    A number of a digit or two is told with the word behind it: "2 nights".
    """
    found = [word.lower() for word in _WORD.findall(text)]
    for at, word in enumerate(found):
        if word in FUNCTION_WORDS:
            continue
        short = word.isdecimal() and len(word) < _SHORT_NUMBER
        yield " ".join(found[at : at + 2]) if short else word


def _adjoin(before: re.Match[str], match: re.Match[str], text: str) -> bool:
    if before.group() in _TITLES and text[before.end() : match.start()] == ". ":
        return True
    return _GAP.fullmatch(text, before.end(), match.start()) is not None


def _carries(match: re.Match[str], text: str, *, after: str) -> bool:
    """Say whether a word is part of a phrase; *after* stands before it in one that has begun."""
    word = match.group()
    if word.lower() not in FUNCTION_WORDS:
        return True
    if word[0].isupper():
        # "New", "Old" or "One" in a name; the first word of a sentence has to be followed by one.
        pattern = _CAPITAL if match.start() > 0 else _OPENS_NAME
        return word != "I" and pattern.match(text, match.end()) is not None
    named = after in _NAME_JOINTS if after[:1].islower() else after != ""
    return named and word in _NAME_JOINTS and _JOINED.match(text, match.end()) is not None
