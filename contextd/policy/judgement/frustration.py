"""How annoyed does a customer sound?  Wording, shouting, repeats, and where it is going."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.policy.reading.utterance import content, cue, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.policy.reading.utterance import Utterance

_WORDING = table(
    cue(
        "strong words",
        0.5,
        r"ridiculous|useless|unacceptable|terrible|awful|horrible|pathetic|disgusting|disgrace\w*"
        r"|appalling|outrageous|absurd|furious|livid|fed up|sick of|sick and tired|worst"
        r"|incompetent|infuriating|shambles|rubbish|garbage|crap|bullshit|wtf|ffs|idiots?|idiotic"
        r"|stupid|moron\w*|cheat(?:ed|ing|s|ers?)?|frauds?ters?|scam(?:med|mers?|s)?|liars?"
        r"|thie(?:f|ves)"
        r"|fuck\w*|shit\w*|damn|bloody|(?:this|it|what) (?:is|'s|a)(?: \w+)? joke"
        r"|waste of (?:my )?time"
        r"|wast(?:ed|ing) (?:my|hours)|never (?:again|use|using)|lost (?:all )?(?:my )?patience",
        "ridiculous useless unacceptable terrible awful horrible pathetic disgusting disgrace "
        "appalling "
        "outrageous absurd furious livid fed sick worst incompetent infuriating shambles rubbish "
        "garbage crap bullshit wtf ffs idiot stupid moron cheat fraudster scam liar thief "
        "thieves fuck "
        "shit damn bloody joke waste never patience",
        negatable=False,
    ),
    cue(
        "condemns the service",
        0.4,
        r"your (?:\w+ )?(?:service|support|company|help ?line|customer care|bank|shop|team|app"
        r"|staff)(?: is| are|'s)(?: (?:so|just|really|very|absolutely|completely|totally|simply"
        r"|a|the))* (?:pathetic|terrible|horrible|awful|useless|rubbish|garbage|disgrace|joke|worst"
        r"|crap|shit|disgusting|appalling|unacceptable|ridiculous|scam|shambles|hopeless|bad)"
        r"|(?:worst|most useless|most terrible) (?:\w+ ){0,2}(?:service|support|company|bank|shop"
        r"|customer care)(?: ever)?",
        "your worst most",
        negatable=False,
    ),
    cue(
        "plain annoyance",
        0.3,
        r"frustrat\w+|annoy\w+|angry|upset|disappoint\w+|unhappy|not happy|dissatisfied|unsatisfied"
        r"|not satisfied|irritat\w+|bad (?:service|experience|support)|poor (?:service|support)"
        r"|(?:isn'?t|not|aren'?t|no|never|wasn'?t)(?: \w+)? (?:helping|helpful|help at all"
        r"|good enough"
        r"|what i (?:asked|want|wanted|said|meant))|doesn'?t help|no use|makes no sense|nonsense"
        r"|can'?t believe|what the hell|come on|for god'?s sake|seriously",
        "frustrated annoyed angry upset disappointed unhappy happy dissatisfied unsatisfied "
        "satisfied "
        "irritated bad poor help use sense nonsense believe hell come god sake seriously what good",
        negatable=False,
    ),
    cue(
        "said before",
        0.4,
        r"(?:already|just) (?:told|said|answered|asked|gave|given|explained|tried|did|done|sent)"
        r"|(?:told|asked|said|explained|tried|sent)(?: \w+){0,3} (?:before|already|twice"
        r"|three times"
        r"|many times|several times|again and again|multiple times|\d+ times)|as i said|i said"
        r"|how many (?:more )?times|(?:third|fourth|fifth|tenth|hundredth|for the last) time"
        r"|over and over"
        r"|again and again|keep (?:asking|saying|repeating|telling|sending|getting)|you keep|same"
        r" (?:thing|answer|question|reply|response|problem|issue)(?: again)?|i repeat"
        r"|repeating myself"
        r"|still (?:no|not|nothing|waiting|haven'?t|hasn'?t|doesn'?t|didn'?t|isn'?t)|not listening"
        r"|(?:did|do|can)(?:n'?t)? you (?:even )?(?:read|listen|understand)"
        r"|(?:waiting|waited)(?: \w+){0,3} (?:hours?|days|weeks|months|ages|forever)",
        "already just told asked said explained tried sent many times time over again keep same "
        "repeat "
        "repeating still listening read listen understand waiting waited",
        negatable=False,
    ),
)

_SHOUT_WORDS = 3
_SHOUT_SHARE = 0.7
_MARKS = re.compile(r"[!?]{3,}|!{2,}")
_MIN_SHARED = 3
_REPEAT_SHARE = 0.7
_REPEAT_STRENGTH = 0.4
_FADE = 0.6
"""What a turn counts for, one user turn later."""


@dataclass(frozen=True, slots=True)
class Mood:
    """How one utterance sounds by itself.

    `heat` (0..1) is its strength and `why` what shows it; `words` and `content` tell whether
    another one says the same.
    """

    heat: float = 0.0
    why: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    content: frozenset[str] = frozenset()


CALM = Mood()


def mood(utterance: Utterance) -> Mood:
    """Listen to one utterance, whatever was said before it."""
    heat, why = _heat(utterance)
    return Mood(heat, tuple(why), utterance.words, content(utterance))


def frustration(moods: Sequence[Mood], repeats: int) -> tuple[float, str, tuple[int, ...]]:
    """Return the strength (0..1), what shows it, and the positions of the utterances concerned.

    *moods* are those of a customer's newest utterances, oldest first; older ones count less.
    A question put *repeats* times or more counts in full.
    """
    strength = 0.0
    shown: list[int] = []
    reasons: list[str] = []
    for age, each in enumerate(reversed(moods)):
        if each.heat:
            strength = either(strength, each.heat * _FADE**age)
            shown.append(len(moods) - 1 - age)
            reasons += each.why
    again = _repeats(moods)
    if again:
        weight = min(1.0, len(again) / max(1, repeats - 1))
        strength = either(strength, _REPEAT_STRENGTH * weight)
        shown += [*again, len(moods) - 1]
        reasons.append("repeats the question")
    return strength, ", ".join(dict.fromkeys(reasons)), tuple(sorted(set(shown)))


def either(first: float, second: float) -> float:
    """Combine two independent strengths: the chance that one of them holds (noisy or)."""
    return first + second - first * second


def _heat(utterance: Utterance) -> tuple[float, list[str]]:
    heat, why = 0.0, []
    for found_cue in _WORDING.found_in(utterance):
        heat = either(heat, found_cue.strength)
        why.append(found_cue.label)
    if _shouts(utterance.said):
        heat = either(heat, 0.3)
        why.append("shouting")
    if _MARKS.search(utterance.said):
        heat = either(heat, 0.15)
        why.append("exclamation")
    return heat, why


def _shouts(said: str) -> bool:
    words = [word for word in said.split() if len(word) > 1 and word[0].isalpha()]
    loud = sum(word.isupper() for word in words)
    return loud >= _SHOUT_WORDS and loud >= _SHOUT_SHARE * len(words)


def _repeats(moods: Sequence[Mood]) -> list[int]:
    """Return the positions of earlier utterances that the newest one says again."""
    if not moods:
        return []
    newest = moods[-1]
    return [
        position
        for position, earlier in enumerate(moods[:-1])
        if len(newest.words & earlier.words) >= _MIN_SHARED
        and _same(newest.content, earlier.content)
    ]


def _same(first: frozenset[str], second: frozenset[str]) -> bool:
    """Say whether two sets of words overlap so much that they say the same."""
    if min(len(first), len(second)) < _MIN_SHARED:
        return False
    return len(first & second) >= _REPEAT_SHARE * max(len(first), len(second))
